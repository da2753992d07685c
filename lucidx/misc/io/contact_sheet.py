"""Many pictures in one: a grid of them, each with its label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from lucidx.errors import InvalidValueError
from lucidx.misc.io.sanitizing import one_line

_PAPER, _INK = 255, 48


def contact_sheet(
    images: Sequence[ArrayLike] | np.ndarray,
    labels: Iterable[object] | None = None,
    *,
    columns: int | None = None,
    padding: int = 4,
) -> np.ndarray:
    """Lay pictures out in a grid on white, row by row, each with its label below.

    Parameters
    ----------
    images : pictures of one size, a list of `[h, w, c]` or an array `[N, h, w, c]`, with c 1
        (grey), 3 (RGB) or 4 (RGBA, shown on white). Floats are 0..1 and clipped, integers 0..255.
    labels : text for each picture, shortened to fit its width; none by default. Characters other
        than ASCII may show as boxes.
    columns : pictures in a row; by default the grid is about square.
    padding : white pixels between pictures and around them.

    Returns
    -------
    float32 `[H, W, 3]` in 0..1.

    Raises
    ------
    InvalidValueError : there are no pictures, they differ in size, are not pictures, contain NaN,
        or are not as many as the labels; or `columns` or `padding` is impossible.
    """
    pictures = [_rgb(image) for image in images]
    sizes = {picture.shape for picture in pictures}
    if len(sizes) != 1:
        found = ", ".join(f"{h}x{w}" for h, w, _ in sorted(sizes)) or "none"
        raise InvalidValueError(f"Pictures of one size are needed; there are {found} (h x w).")
    cells = _with_captions(pictures, labels)
    if columns is None:
        columns = math.ceil(math.sqrt(len(cells)))
    if columns < 1 or padding < 0:
        raise InvalidValueError(
            f"columns must be at least 1 and padding at least 0; they are {columns} and {padding}."
        )
    return _grid(cells, min(columns, len(cells)), padding)


def _rgb(image: ArrayLike) -> np.ndarray:
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.size == 0:
        raise InvalidValueError(
            f"A picture is [h, w, c] with c 1, 3 or 4; one has the shape {list(image.shape)}."
        )
    if np.isnan(image).any():
        raise InvalidValueError("A picture contains NaN; np.nan_to_num() replaces it.")
    white = 255 if image.dtype.kind in "iu" else 1
    image = (image.astype(np.float32) / white).clip(0, 1)
    if image.shape[2] == 4:
        alpha = image[..., 3:]
        image = image[..., :3] * alpha + (1 - alpha)
    return np.broadcast_to(image, (*image.shape[:2], 3))


def _with_captions(
    pictures: list[np.ndarray], labels: Iterable[object] | None
) -> Sequence[np.ndarray]:
    if labels is None:
        return pictures
    labels = list(labels)
    if len(labels) != len(pictures):
        raise InvalidValueError(f"There are {len(pictures)} pictures and {len(labels)} labels.")
    width = pictures[0].shape[1]
    font = ImageFont.load_default(size=min(max(width // 10, 10), 24))
    return [
        np.concatenate([picture, _caption(one_line(label), font, width)])
        for picture, label in zip(pictures, labels, strict=True)
    ]


def _caption(text: str, font: ImageFont.FreeTypeFont, width: int) -> np.ndarray:
    ascent, descent = font.getmetrics()
    below = descent + ascent // 3  # sets the caption apart from the next row
    strip = Image.new("L", (width, ascent + below), _PAPER)
    ImageDraw.Draw(strip).text((0, ascent), _shortened(text, font, width), _INK, font, anchor="ls")
    return np.asarray(strip, np.float32)[..., np.newaxis].repeat(3, -1) / 255


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if len(text) <= width and font.getlength(text) <= width:
        return text
    text = text[:width]  # a character is at least a pixel wide
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _grid(cells: Sequence[np.ndarray], columns: int, padding: int) -> np.ndarray:
    height, width, _ = cells[0].shape
    rows = math.ceil(len(cells) / columns)
    sheet = np.ones(
        (rows * (height + padding) + padding, columns * (width + padding) + padding, 3), np.float32
    )
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        top = padding + row * (height + padding)
        left = padding + column * (width + padding)
        sheet[top : top + height, left : left + width] = cell
    return sheet
