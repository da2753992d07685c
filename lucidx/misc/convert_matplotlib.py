"""Matplotlib's figures as arrays."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from lucidx.errors import InvalidTypeError


def matplotlib_to_numpy(plt: Any) -> np.ndarray:
    """Picture of a Matplotlib figure.

    Parameters
    ----------
    plt : `matplotlib.pyplot`, whose current figure is meant, or a `Figure`.

    Returns
    -------
    float64 array `[H, W, 4]`, RGBA in 0..1.

    Raises
    ------
    InvalidTypeError : `plt` cannot save a figure.
    """
    if not hasattr(plt, "savefig"):
        raise InvalidTypeError(
            f"matplotlib.pyplot or one of its figures is needed, not {type(plt).__name__}."
        )
    with io.BytesIO() as file:
        plt.savefig(file, format="png")
        with Image.open(file) as picture:
            return np.asarray(picture.convert("RGBA")) / 255
