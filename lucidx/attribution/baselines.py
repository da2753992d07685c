"""What stands for absence at a layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean

Baseline = str | float | np.ndarray
BLUR = 0.1  # standard deviation, as a part of the height and of the width


def _mean(activations: np.ndarray) -> np.ndarray:
    return activations.mean((0, 1), keepdims=True)


def _blurred(activations: np.ndarray) -> np.ndarray:
    height, width, _ = activations.shape
    return ndimage.gaussian_filter(activations, (BLUR * height, BLUR * width, 0), mode="nearest")


BASELINES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zero": np.zeros_like,
    "mean": _mean,
    "blurred": _blurred,
}


def baseline_like(baseline: Baseline, activations: np.ndarray) -> np.ndarray:
    """A baseline as an array.

    Parameters
    ----------
    baseline : `"zero"`; `"mean"`, of each channel over all positions; `"blurred"`; or a number or
        array that broadcasts to the activations.
    activations : `[h, w, C]` or `[C]`; images are in 0..1.

    Returns
    -------
    Float32 array shaped like `activations`.

    Raises
    ------
    InvalidValueError : an unknown name; one that needs positions, in a dense layer; or an array
        that does not fit or is not finite.
    """
    if isinstance(baseline, str):
        if baseline not in BASELINES:
            raise InvalidValueError(
                f"There is no baseline {baseline!r}. {did_you_mean(baseline, BASELINES)}"
            )
        if baseline != "zero" and activations.ndim != 3:
            raise InvalidValueError(
                f"The baseline {baseline!r} needs a layer with positions, [h, w, C]; this one is "
                f"{list(activations.shape)}. Use 'zero' or an array."
            )
        baseline = BASELINES[baseline](activations)
    try:
        array = np.asarray(baseline, np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"A baseline is a name, a number or an array, not {baseline!r}."
        ) from error
    if not np.isfinite(array).all():
        raise InvalidValueError("The baseline is not finite.")
    try:
        return np.broadcast_to(array, activations.shape).copy()
    except ValueError:
        raise InvalidValueError(
            f"The baseline's shape {array.shape} does not fit the layer's {activations.shape}."
        ) from None
