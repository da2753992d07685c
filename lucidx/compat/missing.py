"""What TensorFlow 1 had and lucidx does not give back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from lucidx.errors import MissingFromTensorFlow1Error, did_you_mean


def reporter(module: str, names: Sequence[str]) -> Callable[[str], NoReturn]:
    """Module-level `__getattr__` that says of a name that it is missing, and what there is.

    Parameters
    ----------
    module : as users call it, such as "tf.contrib.slim".
    names : what there is.
    """

    def report(name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingFromTensorFlow1Error(
            f"{module}.{name} went with TensorFlow 1, and lucidx has no replacement for it. "
            f"{did_you_mean(name, names)}"
        )

    return report
