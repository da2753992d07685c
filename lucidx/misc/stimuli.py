"""Synthetic images to show to neurons, after "Curve Detectors" (Distill, 2020)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lucidx.errors import InvalidValueError

log = logging.getLogger(__name__)

Energy = Callable[[np.ndarray, np.ndarray], ArrayLike]

_LINE_PROBES = 16


def sample_binary_image(
    size: int,
    alias_factor: int = 10,
    color_a: Sequence[float] = (1, 1, 1),
    color_b: Sequence[float] = (0, 0, 0),
    boundary_line: bool = False,
    boundary_width: float = 1,
    blur_beyond_radius: float | None = None,
    fade_beyond_radius: float | None = None,
    fade_over_distance: float = 10,
    fade_color: Sequence[float] = (0.5, 0.5, 0.5),
    **kwds: Any,
) -> Callable[[Energy], np.ndarray]:
    """Make images of two colors from functions that tell inside from outside.

    The result can decorate such a function, whose name then stands for the image:

        @sample_binary_image(224)
        def disk(X, Y):
            return X**2 + Y**2 - 50**2

    Edges are smooth: each pixel averages samples at random offsets, the same for all pixels, from
    numpy's global generator.

    Parameters
    ----------
    size : rows and columns of the image.
    alias_factor : how many samples a pixel averages.
    color_a, color_b : RGB in 0..1 of the outside and of the inside.
    boundary_line : draw only the boundary, in `color_b` on `color_a`.
    boundary_width : distance from the boundary, in pixels, that its line reaches.
    blur_beyond_radius : distance from the centre, in pixels, beyond which edges become softer.
    fade_beyond_radius : distance from the centre beyond which the image fades to `fade_color`.
    fade_over_distance : pixels over which it fades.
    fade_color : RGB in 0..1.
    **kwds : ignored with a warning.

    Returns
    -------
    Function from `E` to a float64 array `[size, size, 3]`, RGB in 0..1. `E(X, Y)` is at least 0
    outside and negative inside; it takes arrays of positions in pixels, X to the right, Y
    downwards, with 0 at pixel `size // 2`.

    Raises
    ------
    InvalidValueError : `size` or `alias_factor` is less than 1.
    """
    if size < 1 or alias_factor < 1:
        raise InvalidValueError(
            f"size and alias_factor are at least 1; they are {size} and {alias_factor}."
        )
    if kwds:
        log.warning("An image is sampled without regard to %s.", ", ".join(kwds))
    along = np.arange(size) - size // 2
    X, Y = along[None, :], along[:, None]
    radius = np.hypot(X, Y)

    def sampler(E: Energy) -> np.ndarray:
        offsets = np.random.uniform(-0.5, 0.5, (alias_factor, 2))  # noqa: NPY002
        spread = 1 if blur_beyond_radius is None else 1 + _beyond(radius, blur_beyond_radius)
        outside = _on_line(E, boundary_width) if boundary_line else _outside(E)
        share = sum(outside(X + spread * dx, Y + spread * dy) for dx, dy in offsets) / alias_factor
        image = _mix(color_b, color_a, np.broadcast_to(share, radius.shape))
        if fade_beyond_radius is None:
            return image
        faded = np.clip(_beyond(radius, fade_beyond_radius) / fade_over_distance, 0, 1)
        return _mix(image, fade_color, faded)

    return sampler


def _beyond(radius: np.ndarray, limit: float) -> np.ndarray:
    return np.maximum(0, radius - limit)


def _outside(E: Energy) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda X, Y: np.greater_equal(E(X, Y), 0).astype(np.float32)


def _on_line(E: Energy, width: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Say 0 where the boundary is nearer than `width`, else 1."""
    outside = _outside(E)
    angles = np.linspace(0, 2 * np.pi, _LINE_PROBES, endpoint=False)
    around = width * np.stack([np.cos(angles), np.sin(angles)], -1)

    def same_all_around(X, Y):
        share = sum(outside(X + dx, Y + dy) for dx, dy in around) / len(around)
        return (2 * np.abs(share - 0.5) >= 0.99).astype(float)

    return same_all_around


def _mix(a: ArrayLike, b: ArrayLike, share_of_b: np.ndarray) -> np.ndarray:
    share_of_b = share_of_b[..., None]
    return (1 - share_of_b) * np.asarray(a) + share_of_b * np.asarray(b)


def rmin(X: ArrayLike, Y: ArrayLike, r: float) -> np.ndarray:
    """Minimum of X and Y whose corner, where they are equal, is rounded to the radius `r`."""
    X, Y = np.asarray(X), np.asarray(Y)
    across = np.clip((X - Y) / (max(r, 1e-6) * np.sqrt(2)), -1, 1)
    rounded = Y + r * np.sin(np.pi / 4 + np.arcsin(across)) - r
    return np.where(np.abs(X - Y) <= r, rounded, np.minimum(X, Y))


def rounded_corner(
    orientation: float, r: float, angular_width: float = 90, size: int = 224, **kwds: Any
) -> np.ndarray:
    """Image of a corner between two straight edges.

    Parameters
    ----------
    orientation : degrees by which the corner is turned.
    r : radius to which it is rounded, in pixels: a curve of that radius.
    angular_width : degrees between the edges.
    size, **kwds : as for `sample_binary_image`.

    Returns
    -------
    float64 array `[size, size, 3]`, RGB in 0..1.
    """
    middle, half = np.radians(orientation) + np.pi / 2, np.radians(angular_width) / 2
    first, second = middle - half, middle + half + np.pi
    # The curve, not the corner before rounding, goes through the centre.
    inset = r * (1 - 1 / np.sqrt(2))

    def E(X, Y):
        from_first = np.cos(first) * X + np.sin(first) * Y + inset
        from_second = np.cos(second) * X + np.sin(second) * Y + inset
        return 10 * rmin(from_first, from_second, r)

    return sample_binary_image(size, **kwds)(E)
