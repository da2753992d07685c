"""Directions that stand out from what is common in a layer."""

from __future__ import annotations

import numpy as np

from lucidx.errors import InvalidValueError

ENOUGH = 10  # activations for each channel, from which on atlases are whitened by themselves


def whitening(activations: np.ndarray) -> np.ndarray:
    """Inverse of the second moments of channels, regularised.

    Multiplied with it, a direction loses what it shares with all activations; "Activation Atlas"
    (Distill 2019) draws its icons so. What few activations say of second moments is mostly noise,
    which the inverse makes large. They are therefore shrunk towards a multiple of the identity, by
    as much as the activations themselves call for (Ledoit and Wolf, "A well-conditioned estimator
    for large-dimensional covariance matrices", 2004; means are not subtracted).

    Parameters
    ----------
    activations : `[N, C]`, at least as many as there are channels.

    Returns
    -------
    float64 `[C, C]`, symmetric, positive definite.

    Raises
    ------
    InvalidValueError : there are fewer activations than channels, or all are zero.
    """
    from sklearn.covariance import ledoit_wolf

    check_number(*activations.shape)
    if not activations.any():
        raise InvalidValueError("All activations are zero: there is nothing to whiten.")
    moments, _ = ledoit_wolf(activations.astype(np.float64), assume_centered=True)
    return np.linalg.inv(moments)


def check_number(number: int, depth: int) -> None:
    """Refuse to whiten with fewer activations than channels.

    Raises
    ------
    InvalidValueError
    """
    if number < depth:
        raise InvalidValueError(
            f"Whitening {depth} channels takes at least {depth} activations, better {ENOUGH} times "
            f"as many; there are {number}. Collect more, or do without: whiten=False."
        )


def wanted(whiten: bool | None, number: int, depth: int) -> bool:
    """Whether to whiten: as asked for, and by default if there are enough activations."""
    return number >= ENOUGH * depth if whiten is None else whiten
