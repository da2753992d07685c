"""What is said of a graph to make a model of it: value range, shape, labels, layers; checked.

The same checks serve arguments, and the JSON of files that others wrote.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lucidx.errors import InvalidTypeError, InvalidValueError

USUAL_RANGES = "(0, 1), (-1, 1), (0, 255), (-117, 138) or, per channel, (-mean, 255 - mean)"
LARGEST_SIDE = 2**31 - 1

ValueRange = tuple[Any, Any]
LayerEntry = tuple[str, int, list[str]]


def as_value_range(value_range: Any, channels: int | None = None) -> ValueRange:
    """Two increasing bounds, each a number or one number per channel.

    Parameters
    ----------
    value_range : what may be one.
    channels : number of channels of the images, if known.

    Returns
    -------
    `(lo, hi)`, each as it was given.

    Raises
    ------
    InvalidValueError : it is not.
    """
    if value_range is None:
        raise InvalidValueError(
            "image_value_range is needed: what the model expects for black and for white, usually "
            f"{USUAL_RANGES}. A wrong one is the commonest cause of bad pictures."
        )
    try:
        given = tuple(value_range)
        sound = _is_range(*map(np.asarray, given), channels)
    except (TypeError, ValueError, RecursionError):
        sound = False
    if not sound:
        each = f"one number for each of the {channels} channels" if channels else "one per channel"
        raise InvalidValueError(
            f"image_value_range is (lo, hi) with lo < hi, both numbers or {each}, usually "
            f"{USUAL_RANGES}; got {_shown(value_range)}."
        )
    return given


def _is_range(lo: np.ndarray, hi: np.ndarray, channels: int | None) -> bool:
    if not all(bound.dtype.kind in "iuf" and bound.ndim <= 1 for bound in (lo, hi)):
        return False
    if channels and not {lo.shape, hi.shape} <= {(), (1,), (channels,)}:
        return False
    with np.errstate(over="ignore"):
        lo, hi = lo.astype(np.float32), hi.astype(np.float32)
    return bool(np.isfinite(lo).all() and np.isfinite(hi).all() and np.all(lo < hi))


def as_image_shape(shape: Any) -> list[int | None]:
    """`[height, width, channels]`, None where any size will do.

    Parameters
    ----------
    shape : three sizes in a list, tuple, array or TensorShape.

    Raises
    ------
    InvalidValueError : it is not that.
    """
    try:
        given = shape.as_list() if hasattr(shape, "as_list") else shape
        sides = [None if side is None else operator.index(side) for side in given]
    except (TypeError, ValueError):
        sides = []
    if len(sides) != 3 or not all(s is None or 0 < s <= LARGEST_SIDE for s in sides):
        raise InvalidValueError(
            "image_shape is (height, width, channels), positive integers, or None where any will "
            f"do; got {_shown(shape)}."
        )
    return sides


def as_saved_shape(shape: Any) -> list[int | None]:
    """As `as_image_shape`; what Lucid saves may also begin with the size of a batch.

    Raises
    ------
    InvalidValueError
    """
    has_batch = isinstance(shape, Sequence) and not isinstance(shape, str) and len(shape) == 4
    return as_image_shape(shape[1:] if has_batch else shape)


def as_names(names: Any, what: str) -> list[str]:
    """List of strings.

    Parameters
    ----------
    names : a sequence of strings, which a single string is not.
    what : what they are called in messages, for instance "labels".

    Raises
    ------
    InvalidTypeError : it is not.
    """
    is_list = isinstance(names, Iterable) and not isinstance(names, str | bytes | Mapping)
    listed = list(names) if is_list else [None]
    if not all(isinstance(name, str) for name in listed):
        raise InvalidTypeError(f"{what} is a list of strings; got {_shown(names)}.")
    return [str(name) for name in listed]


def as_layers(entries: Any) -> list[str | LayerEntry]:
    """Layers as names, or as name, depth and tags.

    Parameters
    ----------
    entries : a list of strings, of dictionaries with "name", "depth" and "tags", or of `Layer`s.

    Raises
    ------
    InvalidTypeError, InvalidValueError : it is neither.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InvalidTypeError(f"layers is a list; got {_shown(entries)}.")
    return [_as_layer(entry) for entry in entries]


def name_of_layer(entry: str | LayerEntry) -> str:
    """The name in what `as_layers` returns."""
    return entry if isinstance(entry, str) else entry[0]


def check_labels(
    labels: Sequence[str] | None, layers: Sequence[str | LayerEntry], *, warn: bool
) -> None:
    """Compare labels with the last dense layer, which has an output for each class.

    There may be fewer labels than outputs: some networks have outputs that stand for nothing.

    Parameters
    ----------
    labels : names of the classes; None if there are none.
    layers : as `as_layers` returns them, in the order of the graph. Where none is dense, or one is
        only named, nothing is known of the classes.
    warn : of fewer labels than outputs.

    Raises
    ------
    InvalidValueError : there are more labels than outputs.
    """
    if not labels or any(isinstance(entry, str) for entry in layers):
        return
    dense = [(name, depth) for name, depth, tags in layers if "dense" in tags]
    if not dense or len(labels) == dense[-1][1]:
        return
    name, outputs = dense[-1]
    said = (
        f"There are {len(labels)} labels for {outputs} outputs, those of the last dense layer, "
        f"{name!r}."
    )
    if len(labels) > outputs:
        raise InvalidValueError(f"{said} Labels name the outputs, one each, in their order.")
    if warn:
        warnings.warn(f"{said} The labels are taken to name the first ones.", stacklevel=4)


def _as_layer(entry: Any) -> str | LayerEntry:
    if isinstance(entry, str):
        return entry
    try:
        name, depth, tags = (entry[key] for key in ("name", "depth", "tags"))
    except (KeyError, TypeError):
        raise InvalidTypeError(
            "A layer is a name, or a dictionary with its name, its depth (number of channels) and "
            f"its tags, such as ['conv']; got {_shown(entry)}."
        ) from None
    is_depth = isinstance(depth, int | np.integer) and 0 < depth <= LARGEST_SIDE
    if not isinstance(name, str) or not is_depth:
        raise InvalidValueError(
            "A layer's name is a string and its depth a positive integer; got "
            f"{_shown(name)} and {_shown(depth)}."
        )
    return name, int(depth), as_names(tags, f"The tags of {name!r}")


def _shown(value: Any) -> str:
    try:
        shown = repr(value)
    except (ValueError, RecursionError):  # numbers too long to print, lists too deep
        shown = f"a {type(value).__name__}"
    return shown if len(shown) <= 200 else f"{shown[:200]}..."
