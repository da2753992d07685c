"""Save pictures, arrays, JSON, text and graphs to files, local and remote."""

from __future__ import annotations

import concurrent.futures
import contextlib
import io
import json
import logging
import lzma
import os
import pickle
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext as nullcontext
from typing import IO, Any

import numpy as np
from PIL import Image

from lucidx.arguments import whole
from lucidx.errors import (
    InvalidTypeError,
    InvalidValueError,
    UnknownFormatError,
    UnsafeFileError,
)
from lucidx.misc.io.capturing import CaptureSaveContext
from lucidx.misc.io.json_values import ClarityJSONEncoder as ClarityJSONEncoder
from lucidx.misc.io.naming import extension_of, extensions_of, full_name
from lucidx.misc.io.options import check_options
from lucidx.misc.io.scoping import current_io_scopes, set_io_scopes
from lucidx.misc.io.serialize_array import (
    _normalize_array,
    array_of,
    encode_picture,
    in_numpys_types,
    to_picture,
)
from lucidx.misc.io.writing import write_handle
from lucidx.modelzoo import downloads

log = logging.getLogger(__name__)


def save_json(object: Any, handle: IO[bytes], indent: int | None = 2) -> dict[str, Any]:
    """Write JSON to an open file; see `ClarityJSONEncoder`."""
    handle.write(json.dumps(object, cls=ClarityJSONEncoder, indent=indent).encode())
    return {"type": "json", "url": handle.name}


def save_npy(object: Any, handle: IO[bytes]) -> dict[str, Any]:
    """Write an array to an open file in numpy's format, which knows no bfloat16 but float32."""
    array = _storable(object)
    np.save(handle, array)
    return {
        "type": "npy",
        "shape": array.shape,
        "dtype": array.dtype.name,
        "url": handle.name,
    }


def save_npz(object: Any, handle: IO[bytes]) -> dict[str, Any]:
    """Write arrays to an open file: of a dict by name, of a list as arr_0, arr_1 and so on."""
    if not isinstance(object, dict | list):
        log.warning("Saving one array, arr_0; pass a dict or a list for several.")
        object = [object]
    if isinstance(object, list):
        object = {f"arr_{number}": member for number, member in enumerate(object)}
    # np.savez takes names for arguments of its own, such as "file".
    with zipfile.ZipFile(handle, "w") as archive:
        for name, member in object.items():
            if not isinstance(name, str):
                raise InvalidTypeError(f"Arrays in .npz have strings as names, not {name!r}.")
            array = _storable(member)
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array)
    return {"type": "npz", "url": handle.name}


def _storable(thing: Any) -> np.ndarray:
    array = array_of(thing)
    known = in_numpys_types(array)
    if known is not array:
        log.warning("Files of numpy cannot hold %s; saving float32.", array.dtype)
    return known


def save_img(
    object: np.ndarray | Image.Image,
    handle: IO[bytes],
    domain: tuple[float, float] | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Write a picture to an open file, in the format that its name says.

    Parameters
    ----------
    object : array or eager tensor of numbers, `[H, W]` or `[H, W, C]` with C 1 to 4, axes of length
        1 around these being dropped; or a Pillow image. Integers are pixels, 0..255.
    handle : open file.
    domain : values of a float array that become black and white. None takes the array's own least
        and greatest, which stretches its contrast: pass (0, 1) for what `render_vis` returns.
    **kwargs : for Pillow, such as `quality`.

    Raises
    ------
    InvalidTypeError, InvalidValueError : this is not a picture, or the format cannot hold it.
    """
    if isinstance(object, np.ndarray) or hasattr(object, "numpy"):
        object = to_picture(_normalize_array(object, domain))
    elif not isinstance(object, Image.Image):
        raise InvalidTypeError(
            f"An array, eager tensor or Pillow image can be saved as a picture; this is of type "
            f"{type(object).__name__}."
        )
    handle.write(encode_picture(object, extension_of(handle.name)[1:], **kwargs))
    return {
        "type": "image",
        "shape": (*object.size, len(object.getbands())),
        "url": handle.name,
    }


def save_txt(object: str | list, handle: IO[bytes], **kwargs: Any) -> dict[str, Any]:
    """Write a string to an open file as it is, or a list as one line for each of its members."""
    if isinstance(object, str):
        return save_str(object, handle, **kwargs)
    if not isinstance(object, list):
        raise InvalidTypeError(
            f"A string or a list of strings can be saved as text; this is of type "
            f"{type(object).__name__}."
        )
    _warn_of_ignored(kwargs)
    handle.writelines(_line(member) for member in object)
    return {"type": "txt", "url": handle.name}


def save_str(object: str, handle: IO[bytes], **kwargs: Any) -> dict[str, Any]:
    """Write a string to an open file as it is, in UTF-8."""
    _warn_of_ignored(kwargs)
    handle.write(object.encode())
    return {"type": "txt", "url": handle.name}


def _warn_of_ignored(kwargs: dict[str, Any]) -> None:
    if kwargs:
        log.warning("The format of the file knows nothing of %s.", ", ".join(kwargs))


def _line(member: object) -> bytes:
    if not isinstance(member, str | bytes):
        log.warning("What is of type %s is saved as text by its repr.", type(member).__name__)
        member = repr(member)
    line = member.encode() if isinstance(member, str) else member
    return line if line.endswith(b"\n") else line + b"\n"


def save_pb(object: Any, handle: IO[bytes], **kwargs: Any) -> dict[str, Any]:
    """Write a protocol buffer, such as a GraphDef, to an open file."""
    if not hasattr(object, "SerializeToString"):
        raise InvalidTypeError(
            f"A protocol buffer such as a GraphDef can be saved as .pb; this is of type "
            f"{type(object).__name__}. A graph's is graph.as_graph_def()."
        )
    _warn_of_ignored(kwargs)
    handle.write(object.SerializeToString())
    return {"type": "pb", "url": handle.name}


def save_pickle(object: Any, handle: IO[bytes], **kwargs: Any) -> None:
    """Write a pickle to an open file; `kwargs` are for `pickle.dump`."""
    pickle.dump(object, handle, **kwargs)


def compress_xz(handle: IO[bytes], **kwargs: Any) -> lzma.LZMAFile:
    """File whose content is written to `handle`, compressed; `kwargs` are for `lzma.LZMAFile`."""
    return lzma.LZMAFile(handle, "wb", **kwargs)


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
compressors: dict[str, Callable[..., IO[bytes]]] = {".xz": compress_xz}


def save(
    thing: Any,
    url_or_handle: str | os.PathLike | IO,
    allow_unsafe_formats: bool = False,
    save_context: CaptureSaveContext | None = None,
    **kwargs: Any,
) -> dict[str, Any] | None:
    """Save in the format that the extension says, in upper or lower case.

    .png, .jpg, .jpeg and .webp take an array, an eager tensor or a Pillow image (see `save_img`),
    .npy an array, .npz a dict or list of arrays, .json what JSON can hold and arrays (see
    `json_values.plain`), .txt a string or a list of lines, .pb a protocol buffer, .pickle and .pkl
    anything. A string can have any other extension. A second extension .xz, as in .npy.xz,
    compresses.

    A file appears complete or not at all: an existing one is replaced only once the new content is
    written. Missing directories are made.

    Parameters
    ----------
    thing : what to save.
    url_or_handle : path, within the current `io_scope`; or an address that TensorFlow can write to,
        such as gs://bucket/path; or a file open for writing that has a `name`.
    allow_unsafe_formats : write pickles.
    save_context : is given the result; the innermost `with CaptureSaveContext()` by default.
    **kwargs : for the format: `domain`, `quality` (pictures), `indent` (JSON).

    Returns
    -------
    What was saved: "type" and "url", for pictures also "shape" as (width, height, channels), for
    .npy "shape" and "dtype", in a bucket of Google's also "serve", its https address. None for a
    pickle.

    Raises
    ------
    UnknownFormatError : the extension is missing or unknown.
    InvalidValueError : nothing can be written to such an address.
    InvalidTypeError, InvalidValueError : the format cannot hold `thing`, or has no such option.
    UnsafeFileError : a pickle without `allow_unsafe_formats`.
    OSError : the file cannot be written.
    """
    name = full_name(url_or_handle)
    extension, compression = extensions_of(name, compressors)
    saver = _saver(thing, name, extension, allow_unsafe_formats)
    check_options(saver, kwargs, f"Saving to {extension}")
    with _target(url_or_handle, name, compression) as handle:
        result = saver(thing, handle, **kwargs)
    if result is None:
        return None
    result["url"] = name
    if save_context is None:
        save_context = CaptureSaveContext.current_save_context()
    if save_context is not None:
        save_context.capture(result)
    if name.lower().startswith("gs://"):
        result["serve"] = downloads.public_address(name)
    return result


def _saver(thing: Any, name: str, extension: str, allow_unsafe_formats: bool) -> Callable[..., Any]:
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
        return save_str
    raise UnknownFormatError(
        f"What is of type {type(thing).__name__} cannot be saved as {name!r}: the extension must "
        f"be one of {', '.join([*savers, *unsafe_savers])}."
    )


@contextlib.contextmanager
def _target(
    url_or_handle: str | os.PathLike | IO, name: str, compression: str | None
) -> Iterator[IO[bytes]]:
    """File to save to, whose name ends in the extension of the format."""
    is_handle = hasattr(url_or_handle, "write")
    if not is_handle and not compression:
        with write_handle(url_or_handle) as handle:
            yield handle
        return
    buffer = io.BytesIO()
    buffer.name = name[: -len(compression)] if compression else name
    yield buffer
    content = _compressed(buffer.getvalue(), compression)
    with nullcontext(url_or_handle) if is_handle else write_handle(url_or_handle) as handle:
        handle.write(_for_text(handle, content) if hasattr(handle, "encoding") else content)


def _compressed(content: bytes, compression: str | None) -> bytes:
    if not compression:
        return content
    packed = io.BytesIO()
    with compressors[compression](packed) as file:
        file.write(content)
    return packed.getvalue()


def _for_text(handle: IO[str], content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidTypeError(
            f"{handle.name!r} is open in text mode; open it with mode 'wb'."
        ) from error


def batch_save(save_ops: Iterable[tuple], num_workers: int = 16) -> list[dict[str, Any] | None]:
    """Save several things in parallel.

    Parameters
    ----------
    save_ops : `(thing, url)` or `(thing, url, kwargs)`, the arguments of `save`.
    num_workers : threads; at least 1.

    Returns
    -------
    What `save` returns, in order.

    Raises
    ------
    InvalidValueError, InvalidTypeError : a member of `save_ops` is nothing of the kind, or there
        are no workers. Nothing is saved.
    Also the first error of `save`. What is being saved by then is, and the rest is given up.
    """
    ops = [_checked_op(number, op) for number, op in enumerate(save_ops)]
    context = CaptureSaveContext.current_save_context()

    def run(thing: Any, url: str | os.PathLike | IO, options: Mapping[str, Any]) -> Any:
        return save(thing, url, **{"save_context": context, **options})

    with concurrent.futures.ThreadPoolExecutor(
        whole("num_workers", num_workers),
        initializer=set_io_scopes,
        initargs=(current_io_scopes(),),
    ) as pool:
        saves = [pool.submit(run, *op) for op in ops]
        try:
            concurrent.futures.wait(saves, return_when=concurrent.futures.FIRST_EXCEPTION)
        finally:
            pool.shutdown(cancel_futures=True)
    return [each.result() for each in saves]  # given up are only those behind the one that failed


def _checked_op(number: int, op: Any) -> tuple[Any, Any, Mapping[str, Any]]:
    try:
        thing, url, options = op if len(op) == 3 else (*op, {})
    except (TypeError, ValueError) as error:
        raise InvalidValueError(
            f"A save is (thing, url) or (thing, url, kwargs); number {number} is {op!r:.60}."
        ) from error
    if not isinstance(options, Mapping):
        raise InvalidTypeError(
            f"The third of (thing, url, kwargs) is a dict of options; of number {number} it is "
            f"{options!r}."
        )
    return thing, url, options
