"""What TensorFlow does not check in a graph before it runs it, and ends the process over.

Two things nobody can check. A loop may never end: interrupt the process. And what grows with the
image may outgrow the memory: what a graph asks for whatever the image is bounded here, outside of
its functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.op_def_pb2 import OpDef
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.python.framework import op_def_registry, tensor_util

from lucidx.errors import CorruptFileError

NodeDef = tf.compat.v1.NodeDef

# A file cannot hold more, but a constant of one repeated number can claim to be larger, and a few
# bytes can ask for an array of any size.
LARGEST_TENSOR = 2**31
# TensorFlow ends the process at 255, numpy 1 stops at 32.
_HIGHEST_RANK = 32
_MOST_TENSORS = 2**16
_BYTES_OF_STRING = 24
# What an attribute's kind is called where its value is kept; lists are all "list".
_KINDS = {"bool": "b", "int": "i", "float": "f", "string": "s"}
_KINDS |= {kind: kind for kind in ("type", "shape", "tensor", "func")}
# For each attribute that names functions, the attributes with the types of what they take and
# return; None is for one tensor of any type.
_WHILE = {"cond": ("T", None), "body": ("T", "T")}
_IF = {"then_branch": ("Tin", "Tout"), "else_branch": ("Tin", "Tout")}
_CASE = {"branches": ("Tin", "Tout")}
_CALL = {"f": ("Tin", "Tout")}
_FUNCTIONS = {"While": _WHILE, "If": _IF, "Case": _CASE, "PartitionedCall": _CALL}
_FUNCTIONS |= {f"Stateless{op}": _FUNCTIONS[op] for op in ("While", "If", "Case")}
_FUNCTIONS |= {"StatefulPartitionedCall": _CALL}
# These kernels take the shape of their output, and believe it.
_GIVEN_SIZES = (
    "Conv2DBackpropInput",
    "Conv3DBackpropInputV2",
    "DepthwiseConv2dNativeBackpropInput",
)
# What images of unknown size grow to at least: from a size, and the row or number for its axis.
_GROWING = {
    "Pad": lambda size, row: size + sum(row),
    "PadV2": lambda size, row: size + sum(row),
    "MirrorPad": lambda size, row: size + sum(row),
    "Tile": lambda size, times: size * times,
}
# A loop's first comparison is made ahead of time, on single numbers.
_COMPARISONS = ("Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual")


def check_constants(nodes: Iterable[NodeDef], source: str) -> None:
    """Refuse tensors in a graph that are not what they say they are.

    Raises
    ------
    CorruptFileError : names the node.
    """
    unpacked = 0
    for node in nodes:
        if node.op == "Const" and (dtype_of(node) or tf.resource).as_datatype_enum != (
            node.attr["value"].tensor.dtype
        ):
            raise CorruptFileError(f"{source}: the constant {node.name!r} has no valid type.")
        for tensor in _tensors(node):
            size = _size(tensor)
            if size is None:
                raise CorruptFileError(
                    f"{source}: the constant {node.name!r} says that it is {_described(tensor)}, "
                    f"but has {len(tensor.tensor_content)} bytes."
                )
            unpacked += 0 if tensor.tensor_content else size
    if unpacked > LARGEST_TENSOR:
        raise CorruptFileError(
            f"{source} has constants of repeated numbers that take {unpacked / 2**30:.1f} GB."
        )


def dtype_of(node: NodeDef) -> tf.DType | None:
    """Type of a constant or placeholder; None if there is no such type."""
    try:
        return tf.as_dtype(node.attr["dtype"].type)
    except TypeError:
        return None


def _tensors(node: NodeDef) -> Iterator[TensorProto]:
    for attr in node.attr.values():
        if attr.HasField("tensor"):
            yield attr.tensor
        yield from attr.list.tensor


def _described(tensor: TensorProto) -> str:
    shape = [dim.size for dim in tensor.tensor_shape.dim[:8]]
    try:
        return f"{tf.as_dtype(tensor.dtype).name} {shape}"
    except TypeError:
        return f"of no type there is, {shape}"


def _size(tensor: TensorProto) -> int | None:
    """Bytes that a tensor takes; None if it cannot be."""
    try:
        dtype = tf.as_dtype(tensor.dtype)
    except TypeError:
        return None
    if dtype._is_ref_dtype or dtype in (tf.resource, tf.variant):
        return None
    shape = tensor.tensor_shape
    sizes = [dim.size for dim in shape.dim]
    if shape.unknown_rank or len(sizes) > _HIGHEST_RANK or any(size < 0 for size in sizes):
        return None
    # Also the largest part of the product may not overflow.
    if math.prod(size for size in sizes if size) > LARGEST_TENSOR:
        return None
    bytes_each = _BYTES_OF_STRING if dtype == tf.string else dtype.size
    size = math.prod(sizes) * bytes_each
    fits = dtype == tf.string or len(tensor.tensor_content) in (0, size)
    return size if fits and size <= LARGEST_TENSOR else None


def check_attributes(functions: Iterable[FunctionDef], source: str) -> None:
    """Refuse operations in functions that lack a setting, or have it in the wrong kind.

    TensorFlow checks this when it imports a graph, but not in the graph's functions.

    Raises
    ------
    CorruptFileError : names the operation.
    """
    for function in functions:
        for node in function.node_def:
            definition = op_def_registry.get(node.op)
            for wanted in definition.attr if definition else ():
                kind = _KINDS.get(wanted.type, "list")
                given = node.attr.get(wanted.name)
                if given is None and wanted.HasField("default_value"):
                    continue
                if given is None or given.WhichOneof("value") not in (kind, "placeholder"):
                    raise CorruptFileError(
                        f"{source}: {wanted.name!r} of {node.name!r}, in the function "
                        f"{function.signature.name!r}, is missing or no {wanted.type}."
                    )
                allowed = wanted.allowed_values.list.s
                if allowed and kind == "s" and given.s not in allowed:
                    raise CorruptFileError(
                        f"{source}: {wanted.name!r} of {node.name!r}, in the function "
                        f"{function.signature.name!r}, is {given.s[:32]!r}, not one of "
                        f"{b', '.join(allowed).decode()}."
                    )


def check_signatures(
    nodes: Iterable[NodeDef], functions: Iterable[FunctionDef], source: str
) -> None:
    """Refuse loops, branches and calls whose functions take or return something else than they do.

    Raises
    ------
    CorruptFileError : names the operation.
    """
    signatures = {function.signature.name: function.signature for function in functions}
    for node in nodes:
        for attribute, (taken, returned) in _FUNCTIONS.get(node.op, {}).items():
            attr = node.attr[attribute]
            for name in [attr.func.name, *(function.name for function in attr.list.func)]:
                signature = signatures.get(name)
                if signature is None:
                    continue
                fits = _fit(signature.input_arg, node, taken)
                if not (fits and _fit(signature.output_arg, node, returned)):
                    raise CorruptFileError(
                        f"{source}: the function {name!r} does not fit {node.name!r} "
                        f"({node.op}), which runs it."
                    )


def _fit(arguments: Sequence[OpDef.ArgDef], node: NodeDef, types: str | None) -> bool:
    if any(arg.type_attr or arg.number_attr or arg.type_list_attr for arg in arguments):
        return True
    if types is None:
        return len(arguments) == 1
    return [argument.type for argument in arguments] == list(node.attr[types].list.type)


def check_sizes(nodes: Iterable[NodeDef], source: str) -> None:
    """Refuse strides, windows and paddings that do not fit 32 bits, and impossible inputs.

    Those are lists without end, and another number of inputs than the operation takes.

    Raises
    ------
    CorruptFileError : names the node.
    """
    for node in nodes:
        for name, attr in node.attr.items():
            if any(abs(number) >= 2**31 for number in attr.list.i):
                raise CorruptFileError(
                    f"{source}: {name!r} of {node.name!r} is {list(attr.list.i)[:8]}."
                )
        if abs(node.attr["batch_dims"].i if "batch_dims" in node.attr else 0) > _HIGHEST_RANK:
            raise CorruptFileError(
                f"{source}: {node.name!r} has {node.attr['batch_dims'].i} dimensions of batches."
            )
        definition = op_def_registry.get(node.op)
        arguments = (*definition.input_arg, *definition.output_arg) if definition else ()
        for argument in arguments:
            number = node.attr[argument.number_attr].i if argument.number_attr else 1
            if not 0 <= number <= _MOST_TENSORS:
                raise CorruptFileError(
                    f"{source}: {node.name!r} has {number} tensors as its {argument.name!r}."
                )
        given = sum(not name.startswith("^") for name in node.input)
        taken = _inputs_taken(node, definition) if definition else given
        if given != taken:
            raise CorruptFileError(
                f"{source}: {node.name!r} reads {given} tensors; {node.op} takes {taken}."
            )


def _inputs_taken(node: NodeDef, definition: OpDef) -> int:
    """How many tensors an operation reads, as its settings say."""
    defaults = {attr.name: attr.default_value for attr in definition.attr}

    def setting(name: str) -> AttrValue:
        return node.attr[name] if name in node.attr else defaults[name]

    return sum(
        setting(argument.number_attr).i
        if argument.number_attr
        else len(setting(argument.type_list_attr).list.type)
        if argument.type_list_attr
        else 1
        for argument in definition.input_arg
    )


def check_imported(operations: Iterable[tf.Operation], source: str) -> None:
    """Refuse operations that would take all memory, or the process down, when they run.

    Raises
    ------
    CorruptFileError : names the operation.
    """
    for operation in operations:
        for tensor in operation.outputs:
            try:
                sizes = _sizes(tensor)
            except ValueError as error:  # sizes that only TensorFlow's C++ can tell
                raise CorruptFileError(f"{source}: {tensor.name!r}: {error}") from error
            _check_shape(tensor, sizes, source)
        if operation.type in _GIVEN_SIZES:
            sizes = tensor_util.constant_value(operation.inputs[0], partial=True)
            if any(size is not None and size < 0 for size in np.ravel(sizes)):
                raise CorruptFileError(
                    f"{source}: {operation.name!r} is to make an array of {list(sizes)}."
                )
        if operation.type == "LoopCond" and not _starts_with_scalars(operation):
            raise CorruptFileError(f"{source}: the loop of {operation.name!r} counts no number.")


def _sizes(tensor: tf.Tensor) -> list[int]:
    """Known sizes of an array, or the least that they can be."""
    if tensor.shape.rank is None:
        return []
    sizes = tensor.shape.as_list()
    grow = _GROWING.get(tensor.op.type)
    before = tensor.op.inputs[0].shape if grow else None
    by = tensor_util.constant_value(tensor.op.inputs[1]) if grow else None
    if by is not None and before.rank == len(sizes) == len(by):
        sizes = [grow(size or 1, row) for size, row in zip(before, by.tolist(), strict=True)]
    return [size for size in sizes if size]


def _check_shape(tensor: tf.Tensor, sizes: list[int], source: str) -> None:
    if len(sizes) > _HIGHEST_RANK:
        raise CorruptFileError(f"{source}: {tensor.name!r} has {len(sizes)} dimensions.")
    size = math.prod(sizes) * tensor.dtype.size
    if size > LARGEST_TENSOR:
        raise CorruptFileError(
            f"{source}: {tensor.name!r} is an array of {tensor.shape}, at least "
            f"{size / 2**30:.0f} GB, whatever the image."
        )


def _starts_with_scalars(condition: tf.Operation) -> bool:
    """Whether what a loop's condition compares is, as far as is known, a number at the start."""
    comparison = condition.inputs[0].op
    if comparison.type not in _COMPARISONS:
        return True
    start = list(comparison.inputs)
    for i, tensor in enumerate(start):
        while tensor.op.type in ("Merge", "Enter", "Identity"):
            tensor = tensor.op.inputs[0]
        start[i] = tensor
    return all(tensor.shape.rank in (0, None) for tensor in start)
