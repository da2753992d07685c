"""Reading the tensors of a torch checkpoint, without torch and without trusting the file.

A checkpoint (`torch.save` of a `state_dict`) comes in one of two layouts.

Legacy layout (torch before 1.6): five pickles of protocol 2, one after the other, then the numbers.

1. the integer `0x1950a86a20f9469cfc6c`;
2. the integer 1001, the version of the layout;
3. a dict about the machine that wrote the file, of which `little_endian` matters;
4. the object: a dict from names to tensors, whose numbers are left out;
5. the list of the storages' keys, each a string.

Then for each key, in the order of that list, a little-endian int64 with the number of elements of
the storage, and the elements.

Zip layout: an uncompressed zip archive of `<root>/data.pkl` (the fourth pickle above),
`<root>/data/<key>` (the elements of one storage) and, in newer files, `<root>/byteorder` (`little`
or `big`).

In the pickle, a storage is the persistent id `("storage", class, key, device, number of elements)`,
followed by None in the legacy layout, and a tensor is a call of `torch._utils._rebuild_tensor_v2`
with a storage, an offset, a shape and strides, the last three counted in elements. Several tensors
may share a storage.

A pickle is a program. This module runs it on an interpreter of its own, which knows only what such
a file needs: nothing is imported, and nothing is called but the functions below. Python's
unpickler, however restricted, would not do: a few bytes can make it allocate gigabytes for its
memo, or hash for hours.
"""

from __future__ import annotations

import io
import math
import os
import pickletools
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from lucidx.errors import CorruptFileError, LucidxError, UnsafeFileError, WeightsNotFoundError

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_ZIP_START = b"PK\x03\x04"
_MAX_RANK = 32


class _Storage(NamedTuple):
    dtype: np.dtype
    key: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _empty_dict() -> dict:
    return {}


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    numbers = (offset, *shape, *strides)
    _require(
        type(storage) is _Storage
        and len(shape) == len(strides) <= _MAX_RANK
        and all(type(number) is int and 0 <= number < 2**63 for number in numbers),
        "has a tensor whose shape makes no sense.",
    )
    return _Tensor(storage, offset, shape, strides)


def _rebuild_parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


_KNOWN_NAMES = {
    "collections.OrderedDict": _empty_dict,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.BoolStorage": np.dtype("?"),
    "torch.ByteStorage": np.dtype("u1"),
    "torch.CharStorage": np.dtype("i1"),
    "torch.ShortStorage": np.dtype("<i2"),
    "torch.IntStorage": np.dtype("<i4"),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.DoubleStorage": np.dtype("<f8"),
}

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}

# What reading a damaged file may raise.
_SIGNS_OF_DAMAGE = (
    AttributeError,
    DeprecationWarning,  # of an odd escape, where warnings are errors
    EOFError,
    LookupError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the tensors of a torch checkpoint.

    Parameters
    ----------
    path : file that `torch.save` wrote from a `state_dict`, in the legacy or the zip layout.

    Returns
    -------
    Tensor name to array, in the file's order: bool, uint8, int8 to int64, or float16 to float64, of
    the tensor's shape (`()` for a scalar). The arrays are read-only views of the file's content;
    they need not be contiguous or aligned.

    Raises
    ------
    UnsafeFileError : the file asks for a name other than the few that a dict of tensors needs.
    CorruptFileError : the file is truncated, damaged, or something else than a dict of tensors.
    WeightsNotFoundError : there is no such file (also a FileNotFoundError).
    """
    path = Path(path)
    if not path.exists():
        raise WeightsNotFoundError(f"There is no file {path}.")
    if not path.is_file():
        raise CorruptFileError(f"{path} is a directory or a device. A checkpoint is one file.")
    content = path.read_bytes()
    read = _read_zip if content.startswith(_ZIP_START) else _read_legacy
    try:
        tensors, storages = read(content)
        return {name: _array(tensor, storages) for name, tensor in tensors.items()}
    except LucidxError as error:
        raise type(error)(f"{path} {error}") from None
    except _SIGNS_OF_DAMAGE as error:
        raise CorruptFileError(
            f"{path} is no torch checkpoint, or is truncated or damaged "
            f"({type(error).__name__}: {error}). Fetch it again, or save a plain `state_dict` anew."
        ) from error


def _read_legacy(content: bytes) -> tuple[dict[str, _Tensor], dict[str, memoryview]]:
    stream = io.BytesIO(content)
    for expected in (_MAGIC, _LEGACY_VERSION):
        _require(_unpickle(stream) == expected, "does not start like a torch checkpoint.")
    _require(_unpickle(stream)["little_endian"] is True, "was written on a big-endian machine.")
    tensors = _tensors(_unpickle(stream))
    declared = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    storages = {}
    for key in _unpickle(stream):
        _require(type(key) is str, "has a storage without a name.")
        (size,) = struct.unpack("<q", stream.read(8))
        start = stream.tell()
        end = start + size * declared[key].dtype.itemsize
        storages[key] = memoryview(content)[start:end]
        stream.seek(end)
    _require(stream.tell() == len(content), "has more data than it speaks of.")
    return tensors, storages


def _read_zip(content: bytes) -> tuple[dict[str, _Tensor], dict[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        plain = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        size = sum(member.file_size for member in members)
        _require(plain and size <= len(content), "is a zip archive that torch does not write.")
        files = {member.filename.partition("/")[2]: archive.read(member) for member in members}
    _require(files.get("byteorder", b"little") == b"little", "was written on a big-endian machine.")
    tensors = _tensors(_unpickle(io.BytesIO(files["data.pkl"])))
    return tensors, {key: files[f"data/{key}"] for key in {t.storage.key for t in tensors.values()}}


def _tensors(value: Any) -> dict[str, _Tensor]:
    _require(type(value) is dict, "does not hold a dict of named tensors.")
    for name, tensor in value.items():
        _require(type(tensor) is _Tensor, f"holds something else than a tensor in {name!r}.")
    return value


def _array(tensor: _Tensor, storages: Mapping[str, bytes | memoryview]) -> np.ndarray:
    storage, offset, shape, strides = tensor
    buffer = storages[storage.key]
    itemsize = storage.dtype.itemsize
    _require(len(buffer) == storage.size * itemsize, "is truncated, or wrong about its own size.")
    count = math.prod(shape)
    # Not left to numpy, whose own check overflows.
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    _require(count <= storage.size and (count == 0 or last < storage.size), "has too little data.")
    if count == 0:
        return np.empty(shape, storage.dtype)
    byte_strides = tuple(stride * itemsize for stride in strides)
    return np.ndarray(shape, storage.dtype, buffer, offset * itemsize, byte_strides)


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise CorruptFileError(complaint)


def _known(name: str) -> Any:
    if name not in _KNOWN_NAMES:
        raise UnsafeFileError(
            f"asks for {name!r}, which a dict of float or integer tensors does not need; nothing "
            "was run. If you trust the file, load it with torch and save its plain `state_dict`."
        )
    return _KNOWN_NAMES[name]


def _persistent(identifier: tuple) -> _Storage:
    kind, dtype, key, _device, size, *view = identifier
    _require(
        (kind, type(key), type(size), view in ([], [None])) == ("storage", str, int, True)
        and isinstance(dtype, np.dtype),
        "refers to data of an unknown kind.",
    )
    return _Storage(dtype, key, size)


def _unpickle(stream: BinaryIO) -> Any:
    """Run the pickle that starts at the stream's position, and leave the stream behind it."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def pop(count: int) -> tuple:
        return tuple(reversed([stack.pop() for _ in range(count)]))

    def pop_to_mark() -> list:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    for opcode, argument, _ in pickletools.genops(stream):
        match opcode.name:
            case "STOP":
                return stack.pop()
            case "PROTO" | "FRAME":
                continue
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                stack.append(_CONSTANTS[opcode.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(argument)
            case "GLOBAL" | "INST":
                stack.append(_known(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                stack.append(_known(".".join(pop(2))))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(pop_to_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(pop(int(opcode.name[-1])))
            case "EMPTY_LIST":
                stack.append([])
            case "APPEND":
                (item,) = pop(1)
                stack[-1].append(item)
            case "APPENDS":
                items = pop_to_mark()
                stack[-1].extend(items)
            case "EMPTY_DICT":
                stack.append({})
            case "SETITEM":
                _set_items(stack[-3], pop(2))
            case "SETITEMS":
                items = pop_to_mark()
                _set_items(stack[-1], items)
            case "BINPERSID":
                stack.append(_persistent(*pop(1)))
            case "REDUCE":
                function, arguments = pop(2)
                stack.append(function(*arguments))
            case "BUILD":
                # The attributes of a dict (torch's `_metadata`) say nothing about its tensors.
                pop(1)
            case _:
                raise CorruptFileError(
                    f"does what torch never does: pickle operation {opcode.name}."
                )
    raise EOFError


def _set_items(target: dict, items: list | tuple) -> None:
    keys = items[::2]
    # Strings only: hashing a small nest of tuples can take for ever.
    _require(all(type(key) is str for key in keys), "has a dict with keys other than names.")
    target.update(zip(keys, items[1::2], strict=True))
