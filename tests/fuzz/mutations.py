"""Ways to damage a file: of its bytes, of a graph's structure, of a pickle's opcodes, of JSON.

Each takes a `random.Random`, and gives the same for the same seed.
"""

import copy
import io
import json
import math
import pickle
import pickletools
import zipfile

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from lucidx.modelzoo.safety import PURE_OPS

GraphDef = tf.compat.v1.GraphDef
AttrValue = tf.compat.v1.AttrValue

ODD_INTS = (0, 1, -1, 2, 3, 7, -2, 255, 2**16, 2**31 - 1, -(2**31), 2**31, 2**40, 2**62, -(2**63))
ODD_INTS += (2**63 - 1,)
ODD_FLOATS = (0.0, -1.0, 1e-45, 1e38, -1e38, math.inf, -math.inf, math.nan)
ODD_STRINGS = (b"", b"SAME", b"VALID", b"EXPLICIT", b"NCHW", b"NHWC", b"NCHW_VECT_C", b"HWIO")
ODD_STRINGS += (b"\xff\xfe", b"\0", b"^", b"a" * 5000, "\u202e".encode(), b"loc:@input", b"%s%n")
ODD_NAMES = (
    "",
    "^",
    ":",
    "a:-1",
    "input:7",
    "^input",
    "input:99999999999999999999",
    "a b",
    "\u00e9",
)
ODD_NAMES += ("_", "../x", "x" * 3000, "input:0:0", "while/Exit", "-", "a/", "/a")
DTYPES = (*range(24), 100, 101, 103, 105, 107, 109, 119, 120, 121, 123, 999, -1, 2**31 - 1)
ODD_DIMS = ((), (-1,), (0,), (-2,), (2**62, 2**62), (2**31, 2**31, 4), (1,) * 260, (3, -1, 3))
ODD_DIMS += ((2**40,), (1, 8, 8, 3), (2**63 - 1,), (-(2**63),), (1,) * 9, (65536, 65536))
OPS = tuple(sorted(PURE_OPS))


def damage_bytes(data, rng):
    """Flip, insert, delete, cut, repeat and swap, one to four times."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        size = len(data)
        at = rng.randrange(size + 1)
        length = min(rng.choice((1, 1, 2, 4, 8, 60, 500)), size - at)
        other = rng.randrange(size + 1)
        match rng.randrange(8):
            case 0 | 1:
                for i in range(at, min(at + 1, size)):
                    data[i] ^= 1 << rng.randrange(8)
            case 2:
                data[at : at + length] = rng.randbytes(length)
            case 3:
                data[at:at] = rng.randbytes(length)
            case 4:
                del data[at : at + length]
            case 5:
                if rng.random() < 0.3:
                    del data[at:]
            case 6:
                data[at:at] = data[other : other + length]
            case 7:
                data[at : at + length] = rng.choice((b"\xff", b"\0", b"\x7f", b"\x80")) * length
    return bytes(data)


# Graphs


def damage_graph(data, rng):
    """Change one to three things in a GraphDef."""
    graph = GraphDef.FromString(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        nodes = _node_lists(graph, rng)
        if not nodes:
            continue
        change = rng.choice(_CHANGES)
        try:
            change(graph, nodes, rng)
        except (ValueError, TypeError, UnicodeError):
            continue  # what protobuf itself refuses to hold
    return graph.SerializeToString()


def _node_lists(graph, rng):
    functions = graph.library.function
    if functions and rng.random() < 0.5:
        return rng.choice(functions).node_def
    return graph.node


def _retype(graph, nodes, rng):
    node = rng.choice(nodes)
    node.op = rng.choice((rng.choice(OPS), rng.choice(nodes).op, rng.choice(ODD_NAMES)))


def _rename(graph, nodes, rng):
    rng.choice(nodes).name = rng.choice((rng.choice(nodes).name, rng.choice(ODD_NAMES)))


def _rewire(graph, nodes, rng):
    node = rng.choice(nodes)
    source = rng.choice((rng.choice(nodes).name, node.name, rng.choice(ODD_NAMES)))
    source = rng.choice(("", "", "", "^")) + source + rng.choice(("", "", "", ":1", ":9", ":-1"))
    inputs = list(node.input)
    match rng.randrange(4):
        case 0 if inputs:
            inputs[rng.randrange(len(inputs))] = source
        case 1:
            inputs.insert(rng.randrange(len(inputs) + 1), source)
        case 2 if inputs:
            del inputs[rng.randrange(len(inputs))]
        case _:
            rng.shuffle(inputs)
    node.input[:] = inputs


def _repeat(graph, nodes, rng):
    twin = copy.deepcopy(rng.choice(nodes))
    twin.name += rng.choice(("", "_twin"))
    nodes.append(twin)


def _remove(graph, nodes, rng):
    del nodes[rng.randrange(len(nodes))]


def _add(graph, nodes, rng):
    node = copy.deepcopy(rng.choice(nodes))
    node.name, node.op = "added", rng.choice(OPS)
    node.input[:] = [rng.choice(nodes).name for _ in range(rng.randrange(5))]
    definition = op_def_registry.get(node.op)
    for attr in definition.attr if definition else ():
        if attr.HasField("default_value"):
            node.attr[attr.name].CopyFrom(attr.default_value)
        else:
            node.attr[attr.name].CopyFrom(_odd_value(attr.type, rng, graph))
    if rng.random() < 0.7:
        reader = rng.choice(nodes)
        if reader.input:
            reader.input[rng.randrange(len(reader.input))] = "added"
    nodes.append(node)


def _shuffle(graph, nodes, rng):
    mixed = list(nodes)
    rng.shuffle(mixed)
    del nodes[:]
    nodes.extend(mixed)


def _set_attr(graph, nodes, rng):
    node = rng.choice([node for node in nodes if node.attr] or list(nodes))
    name = rng.choice([*sorted(node.attr), "T", "_output_shapes", "_class", "_XlaCompile", "shape"])
    if rng.random() < 0.15:
        node.attr.pop(name, None)
        return
    value = node.attr[name]
    kind = value.WhichOneof("value")
    if kind == "list":
        _edit_list(value.list, rng)
    elif kind and rng.random() < 0.85:
        value.CopyFrom(_odd_value(_LONG.get(kind, kind), rng, graph))
    else:
        value.CopyFrom(_odd_value(rng.choice(_KINDS), rng, graph))


_LONG = {"b": "bool", "i": "int", "f": "float", "s": "string"}
_KINDS = ("bool", "int", "float", "string", "type", "shape", "tensor", "func", "list(int)")
_KINDS += ("list(type)", "list(shape)", "list(string)", "list(float)", "list(func)", "placeholder")


def _odd_value(kind, rng, graph):
    value = AttrValue()
    if kind.startswith("list("):
        for _ in range(rng.choice((0, 1, 2, 3, 4, 4, 4, 5, 400))):
            _append(value.list, kind[5:-1], rng, graph)
        value.list.SetInParent()
        return value
    match kind:
        case "bool":
            value.b = rng.random() < 0.5
        case "int":
            value.i = rng.choice(ODD_INTS)
        case "float":
            value.f = rng.choice(ODD_FLOATS)
        case "string":
            value.s = rng.choice(ODD_STRINGS)
        case "type":
            value.type = rng.choice(DTYPES) if rng.random() < 0.6 else rng.choice((1, 3, 9))
        case "shape":
            _fill_shape(value.shape, rng)
        case "tensor":
            value.tensor.dtype = rng.choice((1, 3, 9, rng.choice(DTYPES)))
            _fill_shape(value.tensor.tensor_shape, rng)
            value.tensor.float_val.extend([0.5] * rng.randrange(3))
            value.tensor.int_val.extend([rng.choice(ODD_INTS) % 2**31] * rng.randrange(3))
        case "func":
            names = [f.signature.name for f in graph.library.function] or ["f"]
            value.func.name = rng.choice((*names, "missing", "Relu", ""))
        case _:
            value.placeholder = "T"
    return value


def _append(values, kind, rng, graph):
    one = _odd_value(kind, rng, graph)
    field = {long: short for short, long in _LONG.items()}.get(kind, kind)
    if field in ("b", "i", "f", "s", "type"):
        getattr(values, field).append(getattr(one, field))
    else:
        getattr(values, field).add().CopyFrom(getattr(one, field))


def _edit_list(values, rng):
    for field, odd in (("i", ODD_INTS), ("f", ODD_FLOATS), ("s", ODD_STRINGS), ("type", DTYPES)):
        numbers = getattr(values, field)
        if numbers:
            match rng.randrange(4):
                case 0:
                    del numbers[rng.randrange(len(numbers))]
                case 1:
                    numbers.append(rng.choice(odd))
                case _:
                    numbers[rng.randrange(len(numbers))] = rng.choice(odd)
    if values.shape:
        _fill_shape(rng.choice(values.shape), rng)


def _fill_shape(shape, rng):
    shape.Clear()
    shape.unknown_rank = rng.random() < 0.1
    for size in rng.choice(ODD_DIMS):
        shape.dim.add().size = size
    if rng.random() < 0.3:
        shape.dim.add().size = rng.choice(ODD_INTS)


def _edit_constant(graph, nodes, rng):
    constants = [node for node in nodes if node.op == "Const"]
    if not constants:
        return
    tensor = rng.choice(constants).attr["value"].tensor
    match rng.randrange(9):
        case 0:
            tensor.dtype = rng.choice(DTYPES)
        case 1:
            _fill_shape(tensor.tensor_shape, rng)
        case 2 if tensor.tensor_shape.dim:
            rng.choice(tensor.tensor_shape.dim).size = rng.choice(ODD_INTS)
        case 3:
            tensor.tensor_content = rng.randbytes(rng.choice((0, 1, 4, 8, 16)))
        case 4:
            tensor.tensor_content = tensor.tensor_content[: rng.randrange(20)]
        case 5:
            tensor.float_val.extend([rng.choice(ODD_FLOATS)] * rng.randrange(3))
        case _:
            _set_numbers(tensor, rng)


def _set_numbers(tensor, rng):
    """Sizes, axes, paddings and the like are small integer constants."""
    wide = {3: 4, 9: 8}.get(tensor.dtype)
    odd = [rng.choice(ODD_INTS)]
    if wide and tensor.tensor_content:
        content = bytearray(tensor.tensor_content)
        at = rng.randrange(max(1, len(content) // wide)) * wide
        content[at : at + wide] = (odd[0] % 2 ** (8 * wide)).to_bytes(wide, "little")
        tensor.tensor_content = bytes(content)
    elif tensor.int_val:
        tensor.int_val[rng.randrange(len(tensor.int_val))] = (odd[0] + 2**31) % 2**32 - 2**31
    elif tensor.int64_val:
        tensor.int64_val[rng.randrange(len(tensor.int64_val))] = odd[0]
    elif tensor.float_val:
        tensor.float_val[0] = rng.choice(ODD_FLOATS)


def _edit_function(graph, nodes, rng):
    functions = graph.library.function
    if not functions:
        return
    function = rng.choice(functions)
    arguments = rng.choice((function.signature.input_arg, function.signature.output_arg))
    match rng.randrange(9):
        case 0:
            function.signature.name = rng.choice(
                (*(f.signature.name for f in functions), *ODD_NAMES, "Relu")
            )
        case 1:
            functions.remove(function)
        case 2:
            functions.append(copy.deepcopy(function))
        case 3 if arguments:
            rng.choice(arguments).type = rng.choice((1, 3, rng.choice(DTYPES)))
        case 4 if arguments:
            rng.choice(arguments).name = rng.choice(ODD_NAMES)
        case 5 if arguments:
            del arguments[rng.randrange(len(arguments))]
        case 6 if function.ret:
            function.ret[rng.choice(sorted(function.ret))] = rng.choice(
                (*function.ret.values(), *ODD_NAMES)
            )
        case 7:
            calls = [n for n in function.node_def for a in n.attr.values() if a.HasField("func")]
            for node in calls:
                for attr in node.attr.values():
                    if attr.HasField("func"):
                        attr.func.name = rng.choice(functions).signature.name
        case _:
            graph.library.gradient.add(
                function_name=function.signature.name,
                gradient_func=rng.choice(functions).signature.name,
            )


def _edit_version(graph, nodes, rng):
    field = rng.choice(("producer", "min_consumer", "bad_consumers"))
    number = rng.choice((0, 1, 21, 27, 1500, 2**31 - 1, -1))
    if field == "bad_consumers":
        graph.versions.bad_consumers.append(number)
    else:
        setattr(graph.versions, field, number)


def _place(graph, nodes, rng):
    rng.choice(nodes).device = rng.choice(
        ("/gpu:7", "nonsense", "/job:x/task:99999999999", "\u00e9")
    )


_CHANGES = (
    *(_set_attr,) * 6,
    *(_edit_constant,) * 6,
    *(_rewire,) * 3,
    *(_edit_function,) * 3,
    *(_add,) * 2,
    *(_retype,) * 2,
    _rename,
    _repeat,
    _remove,
    _shuffle,
    _edit_version,
    _place,
)


# Torch checkpoints


def damage_checkpoint(data, rng):
    """Change the opcodes of a pickle in a checkpoint, or what is in its archive."""
    if not data.startswith(b"PK"):
        stream = io.BytesIO(data)
        ends = [_end_of_pickle(stream) for _ in range(5)]
        start, end = rng.choice(list(zip([0, *ends], ends, strict=False)))
        return data[:start] + _damage_pickle(data[start:end], rng) + data[end:]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(files))
    if name.endswith(".pkl") or rng.random() < 0.7:
        name = next(name for name in files if name.endswith(".pkl"))
        files[name] = _damage_pickle(files[name], rng)
    elif rng.random() < 0.3:
        files[rng.choice(("../x", "archive/", "archive/data/9" * 99, "/etc/x"))] = files.pop(name)
    else:
        files[name] = damage_bytes(files[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED,) * 5 + (8,))) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _end_of_pickle(stream):
    for _ in pickletools.genops(stream):
        pass
    return stream.tell()


def _damage_pickle(data, rng):
    starts = [position for _, _, position in pickletools.genops(data)]
    parts = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
        match rng.randrange(7):
            case 0:
                del parts[at]
                parts = parts or [b"."]
            case 1:
                parts.insert(at, parts[other % len(parts)])
            case 2:
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts[at] = rng.choice(ODD_OPCODES)
            case 4:
                parts.insert(at, rng.choice(ODD_OPCODES))
            case 5:
                parts[at : at + 1] = parts[other : other + rng.randrange(1, 30)] or [b"."]
            case 6:
                parts[at] = pickle.dumps(rng.choice(ODD_INTS), 2)[2:-1]
    return b"".join(parts)


ODD_OPCODES = (
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"ctorch\nFloatStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    *(bytes([code]) for code in b"(.02NQR]}abdelostu)\x81\x85\x86\x87\x88\x89\x8f\x91\x92\x93\x94"),
    *(b"j\xff\xff\xff\x7f", b"r\xff\xff\xff\x7f", b"h\0", b"q\0", b"X\xff\xff\xff\x7f", b"I9\n"),
    *(b"\x8a\xff" + b"\x7f" * 255, b"\x82\x01", b"\x95" + b"\xff" * 8, b"G" + b"\x7f\xf8" * 4),
)


# JSON

ODD_TEXTS = (
    "",
    "x" * 3000,
    "input",
    "input:0",
    "^input",
    "/",
    ".",
    "/dev/zero",
    "\ud800",
    "\0",
    "a\nb",
)
ODD_JSON = (
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    2**31,
    2**70,
    0.5,
    -0.0,
    math.nan,
    math.inf,
    [],
    {},
    [[]],
)
ODD_JSON += (*ODD_TEXTS, [1, 2, 3], ["a"], [None] * 3, {"name": "conv"}, [0] * 2000)


def damage_json(text, rng):
    """Change one to three values, keys or list entries."""
    value = json.loads(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        value = _damage_value(value, rng)
    changed = json.dumps(value).encode()
    if rng.random() < 0.03:
        changed = changed.replace(b"[", b"[" * 5000, 1)
    return damage_bytes(changed, rng) if rng.random() < 0.1 else changed


def _damage_value(value, rng):
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return copy.deepcopy(rng.choice(ODD_JSON))
    key = rng.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
    match rng.randrange(6):
        case 0:
            del value[key]
        case 1 if isinstance(value, list):
            value.insert(key, rng.choice(ODD_JSON))
        case 1:
            name = rng.choice((*ODD_TEXTS, "graph_def", "__class__", "labels_path", "import_graph"))
            value[name] = rng.choice(ODD_JSON)
        case _:
            value[key] = _damage_value(value[key], rng)
    return value
