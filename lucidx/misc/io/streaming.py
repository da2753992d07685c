"""Animations written frame by frame, so that they may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from PIL import GifImagePlugin, Image

from lucidx.errors import InvalidValueError, MissingExtraError
from lucidx.misc.io.animation import VIDEO_CODECS
from lucidx.misc.io.serialize_array import _normalize_array
from lucidx.misc.io.writing import into_file


def stream_animation(frames: Iterable[np.ndarray], path: str | Path, *, fps: float = 20) -> int:
    """Write pictures as an animation as they come, whole or not at all.

    Parameters
    ----------
    frames : pictures `[H, W, 3]` of one size, floats in 0..1. One is held at a time.
    path : .gif, or with the extra `video` .mp4, .mov or .webm. Sizes of videos are even: an odd
        last row or column is left out.
    fps : frames per second.

    Returns
    -------
    How many frames there were.

    Raises
    ------
    InvalidValueError : there are no frames, they differ in size, or the extension is another.
    MissingExtraError : a video is wanted and imageio-ffmpeg is not installed.
    """
    path = Path(path)
    codec = VIDEO_CODECS.get(path.suffix.lower())
    if codec is None and path.suffix.lower() != ".gif":
        raise InvalidValueError(
            f"Animations are .gif, {', '.join(VIDEO_CODECS)}; not "
            f"{path.suffix or 'without extension'}."
        )
    pictures = _of_one_size(frames)
    first = next(pictures, None)
    if first is None:
        raise InvalidValueError(f"There are no frames to write to {path}.")
    pictures = chain([first], pictures)
    with into_file(path) as file:
        if codec is None:
            return _write_gif(pictures, file, fps)
        return _write_video(pictures, file.name, fps, codec, first.shape[:2])


def _of_one_size(frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames as uint8."""
    shape = None
    for frame in frames:
        picture = _normalize_array(frame, domain=(0, 1))
        shape = shape or picture.shape
        if picture.shape != shape:
            raise InvalidValueError(
                f"Frames are of one size; after {list(shape)} comes {list(picture.shape)}."
            )
        yield picture


def _write_gif(pictures: Iterable[np.ndarray], file: IO[bytes], fps: float) -> int:
    number = 0
    for number, picture in enumerate(pictures, 1):
        image = Image.fromarray(picture).quantize()
        if number == 1:
            header, _ = GifImagePlugin.getheader(image.copy(), info={"loop": 0})
            file.writelines(header)
        options = {"duration": 1000 / fps, "include_color_table": True}
        file.writelines(GifImagePlugin.getdata(image, **options))
    file.write(b";")
    return number


def _write_video(
    pictures: Iterable[np.ndarray], name: str, fps: float, codec: str, size: tuple[int, int]
) -> int:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video") from error
    height, width = (side - side % 2 for side in size)
    writer = imageio_ffmpeg.write_frames(
        name, (width, height), fps=fps, codec=codec, macro_block_size=2, ffmpeg_log_level="error"
    )
    writer.send(None)
    number = 0
    try:
        for picture in pictures:
            writer.send(np.ascontiguousarray(picture[:height, :width]))
            number += 1
    finally:
        writer.close()
    return number
