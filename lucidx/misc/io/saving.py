"""Save pictures, arrays, JSON, text and graphs to files."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import pickle
import secrets
import shutil
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError, UnsafeFileError
from lucidx.misc.io.loading import extension_of, name_of
from lucidx.misc.io.serialize_array import _normalize_array, encode_picture, to_picture

log = logging.getLogger(__name__)


class ClarityJSONEncoder(json.JSONEncoder):
    """JSON for what activations come in: numpy arrays and numbers, tuples, sets.

    An object with a method `to_json` is written as what that returns.
    """

    def default(self, obj: Any) -> Any:
        """Plain Python value standing for `obj`."""
        if isinstance(obj, np.ndarray | np.generic):
            return obj.tolist()
        if isinstance(obj, set | frozenset):
            return list(obj)
        if hasattr(obj, "to_json"):
            return obj.to_json()
        raise InvalidTypeError(
            f"A {type(obj).__name__} cannot be written as JSON; numbers, strings, lists, dicts, "
            "arrays, sets and objects with a method to_json() can."
        )


def save_json(object: Any, handle: IO[bytes], indent: int | None = 2) -> dict[str, Any]:
    """Write JSON to an open file; see `ClarityJSONEncoder`."""
    handle.write(json.dumps(object, cls=ClarityJSONEncoder, indent=indent).encode())
    return {"type": "json", "url": handle.name}


def save_npy(object: Any, handle: IO[bytes]) -> dict[str, Any]:
    """Write an array to an open file in numpy's format."""
    array = np.asarray(object)
    np.save(handle, array)
    return {
        "type": "npy",
        "shape": array.shape,
        "dtype": array.dtype.name,
        "url": handle.name,
    }


def save_npz(object: Any, handle: IO[bytes]) -> dict[str, Any]:
    """Write arrays to an open file: of a dict by name, of a list as arr_0, arr_1 and so on."""
    if isinstance(object, dict):
        np.savez(handle, **object)
    elif isinstance(object, list):
        np.savez(handle, *object)
    else:
        log.warning("Saving one array, arr_0; pass a dict or a list for several.")
        np.savez(handle, object)
    return {"type": "npz", "url": handle.name}


def save_img(
    object: np.ndarray | Image.Image,
    handle: IO[bytes],
    domain: tuple[float, float] | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Write a picture to an open file, in the format that its name says.

    Parameters
    ----------
    object : array of numbers, `[H, W]` or `[H, W, C]` with C 1 to 4, axes of length 1 around these
        being dropped; or a Pillow image.
    handle : open file.
    domain : values of a float array that become black and white. None takes the array's own least
        and greatest, which stretches its contrast: pass (0, 1) for what `render_vis` returns.
    **kwargs : for Pillow, such as `quality`.

    Raises
    ------
    InvalidTypeError, InvalidValueError : this is not a picture, or the format cannot hold it.
    """
    if isinstance(object, np.ndarray):
        object = to_picture(_normalize_array(object, domain))
    elif not isinstance(object, Image.Image):
        raise InvalidTypeError(
            f"An array or a Pillow image can be saved as a picture; this is a "
            f"{type(object).__name__}."
        )
    handle.write(encode_picture(object, extension_of(handle.name)[1:], **kwargs))
    return {
        "type": "image",
        "shape": (*object.size, len(object.getbands())),
        "url": handle.name,
    }


def save_txt(object: str | list, handle: IO[bytes]) -> dict[str, Any]:
    """Write a string to an open file as it is, or a list as one line for each of its members."""
    if isinstance(object, str):
        handle.write(object.encode())
    elif isinstance(object, list):
        handle.writelines(_line(member) for member in object)
    else:
        raise InvalidTypeError(
            f"A string or a list of strings can be saved as text; this is a "
            f"{type(object).__name__}."
        )
    return {"type": "txt", "url": handle.name}


def _line(member: object) -> bytes:
    if not isinstance(member, str | bytes):
        log.warning("A %s is saved as text by its repr.", type(member).__name__)
        member = repr(member)
    line = member.encode() if isinstance(member, str) else member
    return line if line.endswith(b"\n") else line + b"\n"


def save_pb(object: Any, handle: IO[bytes]) -> dict[str, Any]:
    """Write a protocol buffer, such as a GraphDef, to an open file."""
    if not hasattr(object, "SerializeToString"):
        raise InvalidTypeError(
            f"A protocol buffer such as a GraphDef can be saved as .pb; this is a "
            f"{type(object).__name__}. A graph's is graph.as_graph_def()."
        )
    handle.write(object.SerializeToString())
    return {"type": "pb", "url": handle.name}


def save_pickle(object: Any, handle: IO[bytes]) -> None:
    """Write a pickle to an open file."""
    pickle.dump(object, handle)


savers: dict[str, Callable[..., dict[str, Any]]] = {
    ".png": save_img,
    ".jpg": save_img,
    ".jpeg": save_img,
    ".webp": save_img,
    ".npy": save_npy,
    ".npz": save_npz,
    ".json": save_json,
    ".txt": save_txt,
    ".pb": save_pb,
}
unsafe_savers: dict[str, Callable[..., None]] = {".pickle": save_pickle, ".pkl": save_pickle}


def save(
    thing: Any,
    url_or_handle: str | os.PathLike | IO,
    allow_unsafe_formats: bool = False,
    save_context: Any = None,
    **kwargs: Any,
) -> dict[str, Any] | None:
    """Save in the format that the extension says, in upper or lower case.

    .png, .jpg, .jpeg and .webp take an array or a Pillow image (see `save_img`), .npy an array,
    .npz a dict or list of arrays, .json what JSON can hold and arrays, .txt a string or a list of
    lines, .pb a protocol buffer, .pickle and .pkl anything. A string can have any other extension.

    A file appears complete or not at all: an existing one is replaced only once the new content is
    written. Missing directories are made.

    Parameters
    ----------
    thing : what to save.
    url_or_handle : path; or a file open for writing that has a `name`.
    allow_unsafe_formats : write pickles.
    save_context : something with a method `capture`, which is given the result.
    **kwargs : for the format: `domain`, `quality` (pictures), `indent` (JSON).

    Returns
    -------
    What was saved: "type" and "url", for pictures also "shape" as (width, height, channels), for
    .npy "shape" and "dtype". None for a pickle.

    Raises
    ------
    InvalidValueError : the extension is missing or unknown, or the address is remote.
    InvalidTypeError, InvalidValueError : the format cannot hold `thing`.
    UnsafeFileError : a pickle without `allow_unsafe_formats`.
    """
    name = name_of(url_or_handle)
    saver = _saver(thing, name, allow_unsafe_formats)
    writing = _into_handle if hasattr(url_or_handle, "write") else into_file
    with writing(url_or_handle) as handle:
        result = saver(thing, handle, **kwargs)
    if result is None:
        return None
    result["url"] = name
    if save_context is not None:
        save_context.capture(result)
    return result


def _saver(thing: Any, name: str, allow_unsafe_formats: bool) -> Callable[..., Any]:
    extension = extension_of(name)
    if extension in savers:
        return savers[extension]
    if extension in unsafe_savers:
        if not allow_unsafe_formats:
            raise UnsafeFileError(
                f"{name!r} would be a pickle, which is unsafe to load for whoever gets it. Pass "
                "allow_unsafe_formats=True to write it all the same."
            )
        return unsafe_savers[extension]
    if isinstance(thing, str):
        return save_txt
    raise InvalidValueError(
        f"A {type(thing).__name__} cannot be saved as {name!r}: the extension must be one of "
        f"{', '.join([*savers, *unsafe_savers])}."
    )


@contextlib.contextmanager
def into_file(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """File that takes the place of `path` when the block succeeds, and is gone when it fails.

    Its content is on the disk before the name is, so not even a power cut leaves half of it there.
    """
    target = os.path.realpath(os.fsdecode(path))  # writes through a symbolic link, as open() does
    directory = os.path.dirname(target)
    os.makedirs(directory, exist_ok=True)
    # Savers tell the format from the extension.
    draft = os.path.join(directory, f".{secrets.token_hex(8)}{os.path.splitext(target)[1]}")
    try:
        with open(draft, "xb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        if os.path.exists(target):
            shutil.copymode(target, draft)
        os.replace(draft, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(draft)


@contextlib.contextmanager
def _into_handle(handle: IO) -> Iterator[IO[bytes]]:
    """Buffer whose content is written to `handle` when the block succeeds."""
    buffer = io.BytesIO()
    buffer.name = handle.name
    yield buffer
    content = buffer.getvalue()
    if hasattr(handle, "encoding"):
        try:
            content = content.decode()
        except UnicodeDecodeError as error:
            raise InvalidTypeError(
                f"{handle.name!r} is open in text mode; open it with mode 'wb'."
            ) from error
    handle.write(content)
