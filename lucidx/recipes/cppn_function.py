"""Pictures as functions of position: what a CPPN has learned, to be drawn at any resolution.

Without TensorFlow, so that what was learned once can be drawn again in a moment.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from lucidx.arguments import whole
from lucidx.errors import CorruptFileError, InvalidTypeError, InvalidValueError
from lucidx.misc.io import load, save

ODD_SCALE, EVEN_SCALE = 0.67, 0.6  # of the arc tangent and its square, in `param.cppn`
EDGE = math.sqrt(3)  # the coordinate of the last pixel; that of the first is its negative
WHOLE = (0.0, 0.0, 1.0, 1.0)
_AT_ONCE = 2**15  # pixels in a band: about 30 MB


class CppnFunction(NamedTuple):
    """A picture as a function of position: the weights of a CPPN.

    With x, y in -1.73..1.73, from left to right and from top to bottom, `t = [x, y]`. Each layer
    but the last replaces t by `[a / 0.67, a ** 2 / 0.6]`, where `a = arctan(t @ weights + biases)`;
    the colour is `1 / (1 + exp(-(t @ weights + biases)))` for the last.

    Attributes
    ----------
    layers : weights, float32 `[inputs, outputs]`, and biases, float32 `[outputs]`, of each.
    """

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]

    @property
    def channels(self) -> int:
        """C, how many numbers a colour is."""
        return len(self.layers[-1][1])

    def __call__(self, positions: np.ndarray) -> np.ndarray:
        """Colours at positions.

        Parameters
        ----------
        positions : float32 `[..., 2]`, x and y.

        Returns
        -------
        float32 `[..., C]` in 0..1.
        """
        *hidden, (weights, biases) = self.layers
        t = positions.reshape(-1, 2).T
        for w, b in hidden:
            a = np.arctan(w.T @ t + b[:, np.newaxis])
            t = np.concatenate([a / np.float32(ODD_SCALE), a * a / np.float32(EVEN_SCALE)])
        # The logistic function, written so that nothing overflows.
        colors = 0.5 + 0.5 * np.tanh(0.5 * (weights.T @ t + biases[:, np.newaxis]))
        return colors.T.reshape(*positions.shape[:-1], -1)


def function_of(layers: Iterable[tuple[ArrayLike, ArrayLike]]) -> CppnFunction:
    """The function that weights make, if they make one.

    Parameters
    ----------
    layers : weights `[inputs, outputs]` and biases `[outputs]` of each layer.

    Raises
    ------
    InvalidValueError : they do not fit together, or are not finite.
    """
    pairs = tuple((np.asarray(w, np.float32), np.asarray(b, np.float32)) for w, b in layers)
    if not pairs:
        raise InvalidValueError("There are no weights: a CPPN has at least one layer.")
    inputs = 2
    for number, (w, b) in enumerate(pairs):
        if w.ndim != 2 or w.shape[0] != inputs or w.size == 0 or b.shape != w.shape[1:]:
            raise InvalidValueError(
                f"Layer {number} of this CPPN has weights {list(w.shape)} and biases "
                f"{list(b.shape)}; expected are [{inputs}, outputs] and [outputs]."
            )
        if not (np.isfinite(w).all() and np.isfinite(b).all()):
            raise InvalidValueError(f"Weights of layer {number} of this CPPN are not finite.")
        inputs = 2 * w.shape[1]
    return CppnFunction(pairs)


def draw(
    function: CppnFunction, width: int, region: tuple[float, float, float, float] = WHOLE
) -> np.ndarray:
    """The picture, at any resolution.

    It takes little more memory than the picture itself; `bands` gives it in parts.

    Parameters
    ----------
    function : what a CPPN has learned.
    width : in pixels.
    region : left, top, right and bottom of what is drawn, as parts of the picture that was
        optimised. Values below 0 and above 1 are outside of it, where the function goes on. The
        height follows from the proportions.

    Returns
    -------
    float32 `[H, W, C]` in 0..1.

    Raises
    ------
    InvalidTypeError, InvalidValueError : no size, or no region.
    """
    x, y = _axes(width, region)
    picture = np.empty((len(y), len(x), function.channels), np.float32)
    done = 0
    for band in bands(function, width, region):
        picture[done : done + len(band)] = band
        done += len(band)
    return picture


def bands(
    function: CppnFunction, width: int, region: tuple[float, float, float, float] = WHOLE
) -> Iterator[np.ndarray]:
    """The picture of `draw`, a few rows at a time: float32 `[h, W, C]`, from top to bottom."""
    x, y = _axes(width, region)
    rows = max(_AT_ONCE // len(x), 1)
    for start in range(0, len(y), rows):
        yield function(np.stack(np.meshgrid(x, y[start : start + rows]), -1))


def _axes(width: int, region: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of columns and rows of pixels."""
    left, top, right, bottom = _checked_region(region)
    width = whole("width", width)
    height = max(round(width * (bottom - top) / (right - left)), 1)
    x, y = np.linspace(left, right, width), np.linspace(top, bottom, height)
    return tuple(((2 * axis - 1) * EDGE).astype(np.float32) for axis in (x, y))


def _checked_region(region: tuple[float, float, float, float]) -> tuple[float, ...]:
    try:
        left, top, right, bottom = map(float, region)
    except (TypeError, ValueError):
        raise InvalidTypeError(
            f"A region is four numbers: left, top, right and bottom; not {region!r}."
        ) from None
    if not (np.isfinite([left, top, right, bottom]).all() and left < right and top < bottom):
        raise InvalidValueError(
            "A region is left, top, right and bottom, with left < right and top < bottom; got "
            f"{region!r}."
        )
    return left, top, right, bottom


def save_function(function: CppnFunction, path: str | os.PathLike) -> None:
    """Write what a CPPN has learned as .npz: arrays weights_0, biases_0, weights_1 and so on."""
    arrays = {}
    for number, (weights, biases) in enumerate(function.layers):
        arrays |= {f"weights_{number}": weights, f"biases_{number}": biases}
    save(arrays, path)


def load_function(path: str | os.PathLike) -> CppnFunction:
    """What `save_function` has written.

    Raises
    ------
    CorruptFileError : the file is damaged, or holds something else.
    OSError : it cannot be read.
    """
    arrays = load(path)
    number = sum(name.startswith("weights_") for name in getattr(arrays, "files", ()))
    try:
        return function_of((arrays[f"weights_{n}"], arrays[f"biases_{n}"]) for n in range(number))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(f"{os.fspath(path)!r} holds no CPPN: {error}") from error
