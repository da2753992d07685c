"""Load pictures, arrays, JSON, text and graphs from files."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import io
import json
import logging
import os
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike
from PIL import Image, UnidentifiedImageError

from lucidx.errors import CorruptFileError, InvalidTypeError, InvalidValueError, UnsafeFileError

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

# Pillow would also try formats that run other programs (EPS) or are rarely looked after.
_PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "PPM")
_NPY_MAGIC = b"\x93NUMPY"
_ZIP_MAGIC = b"PK"


def load(
    url_or_handle: str | os.PathLike | IO | Sequence,
    allow_unsafe_formats: bool = False,
    cache: bool | str | None = None,
    **kwargs: Any,
) -> Any:
    """Content of a file, according to its extension in upper or lower case.

    ===================  ==========================================================================
    .png .jpg .jpeg      float32 `[H, W, C]` in 0..1: RGB, RGBA, grey as RGB, or grey and alpha as
    .webp                `[H, W, 2]`; `size=(width, height)` resizes, `target_dtype` sets the dtype
    .npy                 array
    .npz                 `numpy.lib.npyio.NpzFile`, which maps names to arrays
    .json                what `json.load` makes of it
    .txt .md             str; a list of lines with `split=True`; `encoding` is "utf-8"
    .pb                  `tf.compat.v1.GraphDef`
    .pickle .pkl         the object; only with `allow_unsafe_formats`, as it runs code of the file's
    ===================  ==========================================================================

    A file with another extension is tried as a picture.

    Parameters
    ----------
    url_or_handle : path; or an open file with a `name`; or a list of these, loaded in parallel.
    allow_unsafe_formats : read pickles, also within .npy and .npz. Only for files that you trust.
    cache : concerns remote files, which cannot be loaded.
    **kwargs : for the format.

    Returns
    -------
    As in the table; a list of these for a list.

    Raises
    ------
    CorruptFileError : the file is truncated, damaged, or not what its extension says.
    UnsafeFileError : reading it would run code, or take an extreme amount of memory.
    InvalidTypeError : a handle has no name, or is open in text mode for binary content.
    InvalidValueError : the address is remote; there is no extension, or an unknown one and the file
        is not a picture.
    FileNotFoundError : there is no such file.
    """
    if isinstance(url_or_handle, list | tuple):
        load_one = functools.partial(
            load, allow_unsafe_formats=allow_unsafe_formats, cache=cache, **kwargs
        )
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return list(pool.map(load_one, url_or_handle))
    name = name_of(url_or_handle)
    loader = functools.partial(_loader(name, allow_unsafe_formats), **kwargs)
    if is_handle(url_or_handle):
        return loader(url_or_handle)
    with open(name, "rb") as handle:
        return loader(handle)


def is_handle(url_or_handle: object) -> bool:
    """Whether this is an open file rather than a path."""
    return hasattr(url_or_handle, "read") and hasattr(url_or_handle, "name")


def name_of(url_or_handle: str | os.PathLike | IO) -> str:
    """Path as a string, or the name of an open file.

    Raises
    ------
    InvalidTypeError : it is neither, or the open file has no name to tell the format from.
    InvalidValueError : it is the address of something remote.
    """
    if isinstance(url_or_handle, str | os.PathLike):
        name = os.fsdecode(url_or_handle)
        if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", name):
            raise InvalidValueError(
                f"{name!r} is remote, and only local files can be read and written. "
                "Copy the file by other means and give its path."
            )
        return name
    name = getattr(url_or_handle, "name", None)
    if not isinstance(name, str):
        raise InvalidTypeError(
            f"Expected a path or an open file with a name, such as 'picture.png', to tell the "
            f"format from; this is a {type(url_or_handle).__name__}."
        )
    return name


def extension_of(name: str) -> str:
    """Extension of a path, in lower case and with its dot.

    Raises
    ------
    InvalidValueError : there is none.
    """
    extension = os.path.splitext(name)[1].lower()
    if not extension:
        raise InvalidValueError(
            f"{name!r} has no extension to tell the format from, such as '.png'."
        )
    return extension


def _loader(name: str, allow_unsafe_formats: bool) -> Callable[..., Any]:
    extension = extension_of(name)
    known = {**loaders, **unsafe_loaders} if allow_unsafe_formats else loaders
    if extension in known:
        return known[extension]
    if extension in unsafe_loaders:
        raise UnsafeFileError(
            f"Loading {name!r} runs whatever code it contains. If you trust it, pass "
            "allow_unsafe_formats=True."
        )
    log.warning("The extension of %r is unknown; trying to load a picture.", name)
    return _load_unknown


@contextlib.contextmanager
def _reading(name: str, kind: str, errors: tuple[type[Exception], ...] = (Exception,)) -> Iterator:
    """Turn what a parser raises on bad content into an error that names the file."""
    try:
        yield
    except errors as error:
        if isinstance(error, Image.DecompressionBombError):
            raise UnsafeFileError(f"{name!r} would take too much memory: {error}") from error
        if "allow_pickle" in str(error):
            raise UnsafeFileError(
                f"{name!r} holds Python objects rather than numbers, and loading them runs "
                "whatever code they contain. If you trust it, pass allow_unsafe_formats=True."
            ) from error
        why = "" if isinstance(error, UnidentifiedImageError) else f": {error!r}"
        raise CorruptFileError(f"{name!r} is damaged, incomplete or not {kind}{why}.") from error


def _binary(handle: IO) -> IO:
    """`handle`, or its content in memory where it cannot be rewound."""
    if hasattr(handle, "encoding"):
        raise InvalidTypeError(f"{handle.name!r} is open in text mode; open it with mode 'rb'.")
    rewinds = hasattr(handle, "seekable") and handle.seekable()
    return handle if rewinds else _in_memory(handle)


def _in_memory(handle: IO) -> IO:
    content = io.BytesIO(handle.read())
    content.name = handle.name
    return content


def _load_img(
    handle: IO, target_dtype: DTypeLike = np.float32, size: tuple[int, int] | None = None
) -> np.ndarray:
    handle = _binary(handle)
    # Pillow raises nearly anything on damaged files, SyntaxError and IndexError included.
    with _reading(handle.name, "a picture"):
        picture = Image.open(handle, formats=_PICTURE_FORMATS)
        picture.load()
    return _picture_to_array(picture, target_dtype, size)


def _picture_to_array(
    picture: Image.Image, dtype: DTypeLike, size: tuple[int, int] | None
) -> np.ndarray:
    white = 255
    if picture.mode.startswith("I"):  # 16 bits of grey
        white = 65535
        picture = Image.fromarray(np.asarray(picture, np.float32))
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode not in ("L", "LA", "RGB", "RGBA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if size is not None:
        picture = picture.resize(_checked_size(size), Image.Resampling.LANCZOS)
    exact = np.promote_types(dtype, np.float32)
    array = np.divide(np.asarray(picture), white, dtype=exact).clip(0, 1)
    array = array.astype(dtype, casting="same_kind", copy=False)
    return np.repeat(array[..., np.newaxis], 3, -1) if array.ndim == 2 else array


def _checked_size(size: Sequence[int]) -> tuple[int, int]:
    if len(size) > 2:
        log.warning("A size is (width, height); the rest of %r is ignored.", size)
    if len(size) < 2 or min(size[:2]) < 1:
        raise InvalidValueError(f"A size is (width, height), both at least 1; it is {size!r}.")
    return int(size[0]), int(size[1])


def _load_unknown(handle: IO, **kwargs: Any) -> np.ndarray:
    try:
        return _load_img(handle, **kwargs)
    except CorruptFileError as error:
        raise InvalidValueError(
            f"{handle.name!r} is not a picture, and other files can be loaded if their extension "
            f"is one of {', '.join({**loaders, **unsafe_loaders})}."
        ) from error


class _Archive(np.lib.npyio.NpzFile):
    """An NpzFile that names the file when one of its arrays turns out to be bad."""

    def __init__(self, handle: IO, **options: Any):
        self._name = handle.name
        super().__init__(handle, own_fid=True, **options)

    def __getitem__(self, key: str) -> np.ndarray:
        if key not in self:
            return super().__getitem__(key)  # raises KeyError
        with _reading(f"{self._name}[{key}]", "an array"):
            return super().__getitem__(key)


def _load_npy(
    handle: IO, allow_pickle: bool = False, encoding: str = "ASCII"
) -> np.ndarray | np.lib.npyio.NpzFile:
    handle = _binary(handle)
    start = handle.read(len(_NPY_MAGIC))
    handle.seek(-len(start), io.SEEK_CUR)
    with _reading(handle.name, "an array"):
        if start.startswith(_ZIP_MAGIC):
            # In memory, because arrays are read when they are asked for, maybe after closing.
            return _Archive(
                _in_memory(handle), allow_pickle=allow_pickle, pickle_kwargs={"encoding": encoding}
            )
        if start != _NPY_MAGIC:  # which numpy would take for a pickle
            raise ValueError(f"it starts with {start!r}")
        return np.load(handle, allow_pickle=allow_pickle, encoding=encoding)


def _load_json(handle: IO, **kwargs: Any) -> Any:
    with _reading(handle.name, "JSON", (ValueError, RecursionError)):
        return json.load(handle, **kwargs)


def _load_text(handle: IO, split: bool = False, encoding: str = "utf-8") -> str | list[str]:
    content = handle.read()
    if isinstance(content, bytes):
        with _reading(handle.name, f"text in {encoding}", (UnicodeDecodeError,)):
            content = content.decode(encoding)
    return content.splitlines() if split else content


def _load_graphdef_protobuf(handle: IO) -> tf.compat.v1.GraphDef:
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework.graph_pb2 import GraphDef

    with _reading(handle.name, "a GraphDef", (DecodeError,)):
        return GraphDef.FromString(_binary(handle).read())


def _load_pickle(handle: IO, **kwargs: Any) -> Any:
    bad_content = (pickle.UnpicklingError, EOFError, ValueError, LookupError)
    with _reading(handle.name, "a pickle", bad_content):
        return pickle.load(_binary(handle), **kwargs)


loaders: dict[str, Callable[..., Any]] = {
    ".png": _load_img,
    ".jpg": _load_img,
    ".jpeg": _load_img,
    ".webp": _load_img,
    ".npy": _load_npy,
    ".npz": _load_npy,
    ".json": _load_json,
    ".txt": _load_text,
    ".md": _load_text,
    ".pb": _load_graphdef_protobuf,
}
unsafe_loaders: dict[str, Callable[..., Any]] = {
    ".npy": functools.partial(_load_npy, allow_pickle=True),
    ".npz": functools.partial(_load_npy, allow_pickle=True),
    ".pickle": _load_pickle,
    ".pkl": _load_pickle,
}
