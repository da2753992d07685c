"""See what a vision network's neurons look for: Lucid's design on TensorFlow 2.

`lucidx.load(name)` gives a model, `lucidx.optvis.render.render_vis(model, "layer:channel")` a
picture, and `lucidx.diagnose(model)` tells why a picture is grey. Importing lucidx does not import
TensorFlow.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lucidx.errors import InvalidTypeError

if TYPE_CHECKING:
    from lucidx.diagnosis import Finding
    from lucidx.modelzoo.vision_base import Model

__version__ = "0.1.0"
__all__ = ["diagnose", "load"]

seed = 0


def load(name: str | os.PathLike[str], *, allow_unsafe_ops: bool = False) -> Model:
    """Model of that name from the catalogue, its weights fetched if they are not on this machine.

    Parameters
    ----------
    name : for instance `"EfficientNetLite0"`; `lucidx models` lists all. Or a model file, .pb or
        .json, or the address of one, as for `Model.load`. Relative paths are within the current
        `lucidx.misc.io.io_scope`.
    allow_unsafe_ops : import the graph of a file even if it may read files or run other code.

    Raises
    ------
    InvalidTypeError : `name` is neither text nor a path.
    InvalidValueError : `name` is a file of another kind; says how to make a model of it.
    UnknownModelError : no such name; the closest ones are offered.
    WeightsNotFoundError : the weights are neither here nor to be had; says where they were looked
        for and how to get them.
    ChangedFileError : the weights are not the ones that were expected.
    """
    from lucidx.modelzoo import files, nets_factory, weights
    from lucidx.modelzoo.vision_base import Model

    if not isinstance(name, str | os.PathLike):
        raise InvalidTypeError(
            "A model is loaded by its name, such as 'EfficientNetLite0', or by the path of a file, "
            f"not by {name!r}."
        )
    name = os.fsdecode(name)
    if files.is_model_file(name):
        return Model.load(name, allow_unsafe_ops=allow_unsafe_ops)
    model = nets_factory.get_model(name)
    weights.get(model)
    return model


def diagnose(model: Model, objective: object = None, *, seed: int = 0) -> list[Finding]:
    """Why pictures of this model may come out grey or noisy; see `lucidx.diagnosis.diagnose`."""
    from lucidx import diagnosis

    return diagnosis.diagnose(model, objective, seed=seed)
