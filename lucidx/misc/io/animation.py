"""Sequences of pictures as GIFs and videos."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lucidx.errors import InvalidValueError, MissingExtraError
from lucidx.misc.io.serialize_array import _normalize_array
from lucidx.misc.io.writing import into_file

VIDEO_CODECS = {".mp4": "libx264", ".mov": "libx264", ".webm": "libvpx-vp9"}


def save_animation(frames: Sequence[np.ndarray], path: str | Path, *, fps: float = 20) -> None:
    """Write pictures as an animation, whole or not at all.

    Parameters
    ----------
    frames : pictures `[H, W, 3]` of one size, floats in 0..1.
    path : .gif, or with the extra `video` .mp4, .mov or .webm.
    fps : frames per second.

    Raises
    ------
    InvalidValueError : there are no frames, or the extension is another.
    MissingExtraError : a video is wanted and imageio-ffmpeg is not installed.
    """
    path = Path(path)
    if not len(frames):
        raise InvalidValueError(f"There are no frames to write to {path}.")
    pictures = [_normalize_array(frame) for frame in frames]
    extension = path.suffix.lower()
    if extension == ".gif":
        first, *others = [Image.fromarray(picture) for picture in pictures]
        with into_file(path) as handle:
            first.save(
                handle, "gif", save_all=True, append_images=others, duration=1000 / fps, loop=0
            )
    elif extension in VIDEO_CODECS:
        data = _encode(pictures, extension, fps)
        with into_file(path) as handle:
            handle.write(data)
    else:
        raise InvalidValueError(
            f"Animations are .gif, {', '.join(VIDEO_CODECS)}; not "
            f"{path.suffix or 'without extension'}."
        )


def _encode(pictures: Sequence[np.ndarray], extension: str, fps: float) -> bytes:
    try:
        import imageio_ffmpeg  # noqa: F401
        from imageio import v3 as imageio
    except ImportError as error:
        raise MissingExtraError("imageio-ffmpeg", "video", "Writing a video") from error
    # Codecs want sizes in even numbers.
    height, width = (size - size % 2 for size in pictures[0].shape[:2])
    stack = np.stack([picture[:height, :width] for picture in pictures])
    return imageio.imwrite(
        "<bytes>", stack, extension=extension, plugin="FFMPEG", fps=fps,
        codec=VIDEO_CODECS[extension], macro_block_size=2,
    )  # fmt: skip
