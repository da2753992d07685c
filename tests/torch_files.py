"""Writing torch checkpoints, right and wrong ones, without torch."""

import io
import pickle
import struct
import zipfile
from typing import NamedTuple

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
MACHINE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}


class Storage(NamedTuple):
    """A flat array, stored under a key; `size` is what the file says of its length."""

    kind: str
    key: str
    array: np.ndarray
    size: int

    @classmethod
    def of(cls, kind, key, array):
        return cls(kind, key, array, array.size)


class Call(NamedTuple):
    """The call of a global name."""

    name: str
    arguments: tuple


def opcodes(value, id_end):
    """The body of a pickle of a value that may hold storages and calls of unknown names."""
    match value:
        case None | bool():
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case Storage(kind, key, _, size):
            identifier = ("storage", Call(f"torch.{kind}Storage", None), key, "cpu", size, *id_end)
            return opcodes(identifier, id_end) + b"Q"
        case Call(name, None):
            return b"c" + "\n".join([*name.rsplit(".", 1), ""]).encode()
        case Call(name, arguments):
            return opcodes(Call(name, None), id_end) + opcodes(arguments, id_end) + b"R"
        case tuple() | list():
            begin, end = (b"(", b"t") if isinstance(value, tuple) else (b"](", b"e")
            return begin + b"".join(opcodes(item, id_end) for item in value) + end
        case dict():
            pairs = [opcodes(part, id_end) for item in value.items() for part in item]
            return b"}(" + b"".join(pairs) + b"u"
        case _:
            return pickle.dumps(value, 2)[2:-1]


def torch_pickle(value, id_end):
    return b"\x80\x02" + opcodes(value, id_end) + b"."


def tensor(storage, shape, strides, offset=0):
    arguments = (storage, offset, shape, strides, False, Call("collections.OrderedDict", ()))
    return Call("torch._utils._rebuild_tensor_v2", arguments)


def legacy_file(value, storages=()):
    header = b"".join(pickle.dumps(part, 2) for part in (MAGIC, 1001, MACHINE))
    keys = pickle.dumps([storage.key for storage in storages], 2)
    data = b"".join(struct.pack("<q", s.size) + s.array.tobytes() for s in storages)
    return header + torch_pickle(value, (None,)) + keys + data


def zip_file(value, storages=(), compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("archive/data.pkl", torch_pickle(value, ()))
        archive.writestr("archive/byteorder", "little")
        for storage in storages:
            archive.writestr(f"archive/data/{storage.key}", storage.array.tobytes())
    return file.getvalue()


def small_checkpoint(layout):
    weights = Storage.of("Float", "7", np.arange(12, dtype="<f4"))
    count = Storage.of("Long", "8", np.array([2**40], "<i8"))
    value = {"weight": tensor(weights, (3, 4), (4, 1)), "count": tensor(count, (), ())}
    return layout(value, [weights, count])
