"""Load pictures, arrays, JSON, text, graphs and meshes from files, local and remote."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import io
import json
import logging
import lzma
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike
from PIL import Image, ImageOps, UnidentifiedImageError

from lucidx.errors import (
    CorruptFileError,
    DownloadError,
    InvalidTypeError,
    InvalidValueError,
    LucidxError,
    UnknownFormatError,
    UnsafeFileError,
)
from lucidx.misc.io import reading
from lucidx.misc.io.naming import extensions_of, full_name
from lucidx.misc.io.options import check_options
from lucidx.misc.io.scoping import current_io_scopes, set_io_scopes
from lucidx.modelzoo import downloads

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

# Pillow would also try formats that run other programs (EPS) or are rarely looked after.
_PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "PPM")
_NPY_MAGIC = b"\x93NUMPY"
_ZIP_MAGIC = b"PK"
_LARGEST_UNPACKED = 2**32  # bytes
_THREADS = 8


def load(
    url_or_handle: str | os.PathLike | IO | Sequence,
    allow_unsafe_formats: bool = False,
    cache: reading.Cache = None,
    *,
    return_exceptions: bool = False,
    **kwargs: Any,
) -> Any:
    """Content of a file, according to its extension in upper or lower case.

    ===================  ==========================================================================
    .png .jpg .jpeg      float32 `[H, W, C]` in 0..1: RGB, RGBA, grey as RGB, or grey and alpha as
    .webp                `[H, W, 2]`; `size=(width, height)` resizes, `target_dtype` sets the dtype,
                         `upright=True` turns photos as their cameras were held
    .npy                 array
    .npz                 `numpy.lib.npyio.NpzFile`, which maps names to arrays
    .json                what `json.load` makes of it
    .txt .md             str; a list of lines with `split=True`; `encoding` is "utf-8"
    .pb                  `tf.compat.v1.GraphDef`
    .obj                 mesh as a dict of arrays; see `lucidx.misc.gl.meshutil.load_obj`
    .pickle .pkl         the object; only with `allow_unsafe_formats`, as it runs code of the file's
    ===================  ==========================================================================

    A second extension .xz, as in .npy.xz, is of a compressed file. A file with another extension is
    tried as a picture.

    Parameters
    ----------
    url_or_handle : path, within the current `io_scope`; or address, https, http or gs; or an open
        file with a `name`; or a list of these, loaded in parallel.
    allow_unsafe_formats : read pickles, also within .npy and .npz. Only for files that you trust.
    cache : for remote files, keep a copy and use it from then on (None or True), read what is there
        now (False), or make a new copy ("purge"). See `reading.read_handle`.
    return_exceptions : in place of what cannot be loaded of a list, put the error.
    **kwargs : for the format.

    Returns
    -------
    As in the table; a list of these for a list.

    Raises
    ------
    CorruptFileError : the file is truncated, damaged, or not what its extension says.
    ChangedFileError : a remote file is not the one that it was.
    DownloadError : a remote file cannot be fetched.
    UnsafeFileError : reading it would run code, or take an extreme amount of memory.
    InvalidTypeError : a handle has no name, or is open in text mode for binary content; or the
        format has no such option.
    UnknownFormatError : there is no extension, or an unknown one and the file is not a picture.
    FileNotFoundError : there is no such file.
    Of several files in a list that cannot be loaded, the first one's, when all have been tried.
    """
    if isinstance(url_or_handle, list | tuple):
        kwargs["allow_unsafe_formats"] = allow_unsafe_formats
        return _load_urls(url_or_handle, cache, return_exceptions=return_exceptions, **kwargs)
    loader, decompressor = _loader(url_or_handle, allow_unsafe_formats)
    check_options(loader, kwargs, f"Loading {full_name(url_or_handle)!r}")
    return load_using_loader(url_or_handle, decompressor, loader, cache, **kwargs)


def load_using_loader(
    url_or_handle: str | os.PathLike | IO,
    decompressor: Callable[[IO], IO] | None,
    loader: Callable[..., Any],
    cache: reading.Cache,
    **kwargs: Any,
) -> Any:
    """Content of a file in a format of your own.

    What turns out to be damaged in the copy of a remote file is fetched once more.

    Parameters
    ----------
    url_or_handle, cache : as in `load`; one file, whatever its extension.
    decompressor : function from an open file to one that gives the decompressed content, or None.
    loader : function from a file that is open in binary mode to its content. What it raises for bad
        content should be a `CorruptFileError`.
    **kwargs : for `loader`.

    Raises
    ------
    As `reading.read_handle`, `decompressor` and `loader`.
    """

    def content(handle: IO) -> Any:
        return loader(decompressor(handle) if decompressor else handle, **kwargs)

    if is_handle(url_or_handle):
        return content(url_or_handle)
    name = full_name(url_or_handle)
    with reading.read_handle(url_or_handle, cache) as handle:
        try:
            return content(handle)
        except CorruptFileError as error:
            if cache not in (None, True) or not downloads.is_remote(name):
                raise
            damaged = error
    return _load_anew(name, content, damaged)


def _load_anew(address: str, content: Callable[[IO], Any], damaged: CorruptFileError) -> Any:
    log.warning("%s Fetching it once more.", damaged)
    try:
        with reading.read_handle(address, cache=False) as handle:
            loaded = content(handle)
    except DownloadError:
        raise damaged from None
    reading._purge_cached(address)  # for the copy is no good, and another file is there now
    return loaded


def _load_urls(
    urls: Sequence[str | os.PathLike | IO],
    cache: reading.Cache = None,
    *,
    return_exceptions: bool = False,
    **kwargs: Any,
) -> list[Any]:
    """Contents of several files, loaded in parallel, in order; see `load`."""

    def outcome(url: str | os.PathLike | IO) -> tuple[Any, Exception | None]:
        try:
            return load(url, cache=cache, **kwargs), None
        except Exception as error:
            return error, error

    with concurrent.futures.ThreadPoolExecutor(
        _THREADS, initializer=set_io_scopes, initargs=(current_io_scopes(),)
    ) as pool:
        outcomes = list(pool.map(outcome, urls))
    errors = [error for _, error in outcomes if error is not None]
    if errors and not return_exceptions:
        for error in errors[1:]:
            log.warning("Another of the files cannot be loaded: %s", error)
        raise errors[0]
    return [thing for thing, _ in outcomes]


def is_handle(url_or_handle: object) -> bool:
    """Whether this is an open file rather than a path."""
    return hasattr(url_or_handle, "read") and hasattr(url_or_handle, "name")


def _get_extension(url_or_handle: str | os.PathLike | IO) -> tuple[str, str | None]:
    """Extension that tells the format, and the one that tells the compression, or None."""
    return extensions_of(full_name(url_or_handle), decompressors)


def _loader(
    url_or_handle: str | os.PathLike | IO, allow_unsafe_formats: bool
) -> tuple[Callable[..., Any], Callable[[IO], IO] | None]:
    name = full_name(url_or_handle)
    extension, compression = _get_extension(url_or_handle)
    known = {**loaders, **unsafe_loaders} if allow_unsafe_formats else loaders
    if extension not in known:
        if extension in unsafe_loaders:
            raise UnsafeFileError(
                f"Loading {name!r} runs whatever code it contains. If you trust it, pass "
                "allow_unsafe_formats=True."
            )
        log.warning("The extension of %r is unknown; trying to load a picture.", name)
    return known.get(extension, _load_unknown), decompressors.get(compression)


@contextlib.contextmanager
def parsing(name: str, kind: str, errors: tuple[type[Exception], ...] = (Exception,)) -> Iterator:
    """Turn what a parser raises on bad content into an error that names the file.

    Parameters
    ----------
    name : of the file.
    kind : what it should be, such as "a picture".
    errors : what the parser raises.

    Raises
    ------
    CorruptFileError, UnsafeFileError : inside of the block, one of `errors` was raised.
    """
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
        reason = str(error) if isinstance(error, LucidxError) else repr(error)
        why = "" if isinstance(error, UnidentifiedImageError) else f": {reason}"
        raise CorruptFileError(f"{name!r} is damaged, incomplete or not {kind}{why}.") from error


def _binary(handle: IO) -> IO:
    """`handle`, or its content in memory where it cannot be rewound."""
    if hasattr(handle, "encoding"):
        raise InvalidTypeError(f"{handle.name!r} is open in text mode; open it with mode 'rb'.")
    rewinds = hasattr(handle, "seekable") and handle.seekable()
    return handle if rewinds else _in_memory(handle)


def _in_memory(handle: IO) -> IO:
    return _named(handle.read(), handle.name)


def _named(content: bytes, name: str) -> IO[bytes]:
    file = io.BytesIO(content)
    file.name = name
    return file


def _decompress_xz(handle: IO, **kwargs: Any) -> IO[bytes]:
    """Decompressed content of a file, in memory; `kwargs` are for `lzma.LZMAFile`."""
    packed = _binary(handle)
    with parsing(handle.name, "compressed by xz"), lzma.LZMAFile(packed, **kwargs) as file:
        content = file.read(_LARGEST_UNPACKED + 1)
    if len(content) > _LARGEST_UNPACKED:
        raise UnsafeFileError(
            f"{handle.name!r} would have more than {_LARGEST_UNPACKED:,} bytes, decompressed. If "
            "that is right, decompress it by other means."
        )
    return _named(content, handle.name)


def _load_img(
    handle: IO,
    target_dtype: DTypeLike = np.float32,
    size: tuple[int, int] | None = None,
    upright: bool = False,
) -> np.ndarray:
    handle = _binary(handle)
    # Pillow raises nearly anything on damaged files, SyntaxError and IndexError included.
    with parsing(handle.name, "a picture"):
        picture = Image.open(handle, formats=_PICTURE_FORMATS)
        picture.load()
        if upright:
            ImageOps.exif_transpose(picture, in_place=True)
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
    try:
        width, height, *rest = size
        width, height = int(width), int(height)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"A size is (width, height), two numbers; it is {size!r}."
        ) from error
    if rest:
        log.warning("A size is (width, height); the rest of %r is ignored.", size)
    if min(width, height) < 1:
        raise InvalidValueError(f"A size is (width, height), both at least 1; it is {size!r}.")
    return width, height


def _load_unknown(
    handle: IO,
    target_dtype: DTypeLike = np.float32,
    size: tuple[int, int] | None = None,
    upright: bool = False,
) -> np.ndarray:
    try:
        return _load_img(handle, target_dtype, size, upright)
    except CorruptFileError as error:
        raise UnknownFormatError(
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
        with parsing(f"{self._name}[{key}]", "an array"):
            return super().__getitem__(key)


def _load_npy(
    handle: IO, allow_pickle: bool = False, encoding: str = "ASCII"
) -> np.ndarray | np.lib.npyio.NpzFile:
    handle = _binary(handle)
    start = handle.read(len(_NPY_MAGIC))
    handle.seek(-len(start), io.SEEK_CUR)
    with parsing(handle.name, "an array"):
        if start.startswith(_ZIP_MAGIC):
            # In memory, because arrays are read when they are asked for, maybe after closing.
            return _Archive(
                _in_memory(handle), allow_pickle=allow_pickle, pickle_kwargs={"encoding": encoding}
            )
        if start != _NPY_MAGIC:  # which numpy would take for a pickle
            raise ValueError(f"it starts with {start!r}")
        return np.load(handle, allow_pickle=allow_pickle, encoding=encoding)


def _load_json(handle: IO, **kwargs: Any) -> Any:
    with parsing(handle.name, "JSON", (ValueError, RecursionError)):
        return json.load(handle, **kwargs)


def _load_text(handle: IO, split: bool = False, encoding: str = "utf-8") -> str | list[str]:
    content = handle.read()
    if isinstance(content, bytes):
        content = reading.decoded(content, encoding, handle.name)
    return content.splitlines() if split else content


def _load_graphdef_protobuf(handle: IO) -> tf.compat.v1.GraphDef:
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework.graph_pb2 import GraphDef

    with parsing(handle.name, "a GraphDef", (DecodeError,)):
        return GraphDef.FromString(_binary(handle).read())


def _load_mesh(handle: IO) -> dict[str, np.ndarray]:
    from lucidx.misc.gl.meshutil import load_obj

    with parsing(handle.name, "a mesh"):
        return load_obj(handle)


def _load_pickle(
    handle: IO, fix_imports: bool = True, encoding: str = "ASCII", errors: str = "strict"
) -> Any:
    handle = _binary(handle)
    # Bad ones raise anything: pickles are programs.
    with parsing(handle.name, "a pickle that can be loaded here"):
        return pickle.load(handle, fix_imports=fix_imports, encoding=encoding, errors=errors)


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
    ".obj": _load_mesh,
}
unsafe_loaders: dict[str, Callable[..., Any]] = {
    ".npy": functools.partial(_load_npy, allow_pickle=True),
    ".npz": functools.partial(_load_npy, allow_pickle=True),
    ".pickle": _load_pickle,
    ".pkl": _load_pickle,
}
decompressors: dict[str | None, Callable[..., IO]] = {".xz": _decompress_xz}
