"""A model file may compute, and nothing else."""

import copy

import numpy as np
import pytest
import tensorflow as tf
from small_graphs import graph_of, images, tf1
from tensorflow.python.framework import op_def_registry

from lucidx.errors import UnsafeFileError
from lucidx.modelzoo import graphs
from lucidx.modelzoo.safety import PURE_OPS
from lucidx.modelzoo.vision_base import Model


def load(graph_def, **options):
    return Model.from_graphdef(graph_def, "input", image_value_range=(0, 1), **options)


def with_effect(effect):
    """A harmless network, and beside it an operation that is not."""

    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        tf.nn.relu(x, name="relu")
        effect()

    return graph_of(network)


def in_function(effect):
    """The same, with the operation in a function that is called."""
    return lambda: tf.function(effect, autograph=False)()


def read_file():
    tf.io.read_file("/etc/hostname", name="effect")


def write_file():
    tf.io.write_file("/nowhere/written", "content", name="effect")


def py_func():
    tf.numpy_function(lambda: np.float32(1), [], tf.float32, name="effect")


def eager_py_func():
    tf.py_function(lambda: 1.0, [], tf.float32, name="effect")


def save():
    tf.raw_ops.SaveV2(
        prefix="/nowhere/c", tensor_names=["a"], shape_and_slices=[""], tensors=[tf.zeros([])]
    )


def old_variable():
    tf1.get_variable("effect", [3], use_resource=False)


def resource_variable():
    tf1.get_variable("effect", [3], use_resource=True)


EFFECTS = {
    "ReadFile": read_file,
    "WriteFile": write_file,
    "PyFunc": py_func,
    "EagerPyFunc": eager_py_func,
    "SaveV2": save,
}


@pytest.mark.parametrize("op", EFFECTS)
@pytest.mark.parametrize("wrap", [lambda f: f, in_function], ids=["plain", "in a function"])
def test_an_operation_that_does_more_than_compute_is_refused_by_name(op, wrap, tmp_path):
    graph_def = with_effect(wrap(EFFECTS[op]))
    (tmp_path / "model.pb").write_bytes(graph_def.SerializeToString())
    for source in (graph_def, tmp_path / "model.pb"):
        with pytest.raises(UnsafeFileError, match=f"{op}.*allow_unsafe_ops=True") as caught:
            load(source)
        assert isinstance(caught.value, ValueError)


# What a file could do with operations that TensorFlow has, most of them without a mark of state.
DANGEROUS = {
    "reads files": (
        "ReadFile MatchingFiles RestoreV2 ImmutableConst WholeFileReaderV2 TextLineDataset "
        "TFRecordDataset InitializeTableFromTextFileV2 FixedLengthRecordDataset LMDBDataset"
    ),
    "writes files": (
        "WriteFile SaveV2 MergeV2Checkpoints WriteImageSummary CreateSummaryFileWriter "
        "DebugIdentity DebugIdentityV2 CacheDataset SnapshotDataset"
    ),
    "runs Python": "PyFunc PyFuncStateless EagerPyFunc",
    "runs what is not in the graph": "XlaCallModule SymbolicGradient DecodeProtoV2 RemoteCall",
    "ends the process": "Abort",
    "waits for ever": "QueueDequeueV2 Stage Unstage BarrierTakeMany SleepDataset Barrier",
    "uses the network": "_Send _Recv _HostSend CollectiveReduce CollectiveBcastSend RpcClient",
    "fills the screen": "Print PrintV2",
    "keeps state": "VariableV2 VarHandleOp AssignVariableOp HashTableV2 StatefulUniform StackV2",
    "parses": "DecodeJpeg DecodePng DecodeImage DecodeRaw DecodeWav ParseExampleV2 ParseTensor",
    "writes to its inputs": "InplaceUpdate InplaceAdd InplaceSub",
}


@pytest.mark.parametrize("effect", DANGEROUS)
def test_what_is_dangerous_is_refused_even_where_it_is_not_used(effect):
    for op in DANGEROUS[effect].split():
        graph_def = with_effect(lambda: None)
        graph_def.node.add(name="unused", op=op)
        with pytest.raises(UnsafeFileError, match=rf"not pure computation: {op}\."):
            load(graph_def)


# Marked as stateful by TensorFlow, and allowed.
DRAW_NUMBERS = (
    "Multinomial RandomGamma RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt "
    "TruncatedNormal"
).split()
CAN_ONLY_FAIL = ["Assert", "CheckNumerics"]
DEPEND_ON_THE_DEVICE = ["GuaranteeConst", "StatelessRandomGetAlg"]
ARE_WHAT_THEY_CALL = ["Case", "If", "StatefulPartitionedCall", "While"]


def test_allowed_operations_have_no_state_but_for_good_reason():
    reasons = {*DRAW_NUMBERS, *CAN_ONLY_FAIL, *DEPEND_ON_THE_DEVICE, *ARE_WHAT_THEY_CALL}
    known = [definition for op in PURE_OPS if (definition := op_def_registry.get(op))]
    assert len(known) > 0.98 * len(PURE_OPS)  # some are newer than the oldest TensorFlow
    assert {definition.name for definition in known if definition.is_stateful} <= reasons


def test_allowed_operations_can_neither_take_nor_make_variables_tables_and_files():
    for definition in filter(None, map(op_def_registry.get, PURE_OPS)):
        for argument in (*definition.input_arg, *definition.output_arg):
            assert argument.type != tf.resource.as_datatype_enum, definition.name
            assert not argument.is_ref, definition.name


@pytest.mark.parametrize("variable", [old_variable, resource_variable])
def test_a_graph_with_variables_is_to_be_frozen_first(variable):
    with pytest.raises(UnsafeFileError, match=r"Var.*freeze it first") as caught:
        load(with_effect(variable))
    assert "allow_unsafe_ops" not in str(caught.value)


def test_many_operations_are_summed_up():
    graph_def = with_effect(lambda: None)
    for i in range(100):
        graph_def.node.add(name=f"n{i}", op=f"Unheard{i}")
    with pytest.raises(UnsafeFileError, match=r"Unheard0, .*, \.\.\.\. If") as caught:
        load(graph_def)
    assert len(str(caught.value)) < 400


def test_a_function_cannot_lend_its_name_to_a_dangerous_operation():
    graph_def = with_effect(read_file)
    graph_def.library.function.add().signature.name = "ReadFile"
    with pytest.raises(ValueError, match="ReadFile"):
        load(graph_def)


def test_functions_that_compute_are_allowed():
    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        tf.identity(tf.function(lambda t: tf.nn.relu(t - 0.5))(x), name="out")

    model = load(graph_of(network))
    np.testing.assert_allclose(
        model.activations(images(), "out"), np.maximum(images() - 0.5, 0), atol=1e-6
    )


def test_who_trusts_a_file_can_say_so(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("3.5")

    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        number = tf.strings.to_number(tf.io.read_file(str(secret)))
        tf.nn.relu(x + number, name="relu")

    file = tmp_path / "model.pb"
    file.write_bytes(graph_of(network).SerializeToString())
    model = load(file, allow_unsafe_ops=True)
    expected = images() + 3.5
    np.testing.assert_allclose(model.activations(images(), "relu"), expected, rtol=1e-5)
    # The permission belongs to the model, and so to copies that read the file anew.
    duplicate = copy.deepcopy(model)
    np.testing.assert_allclose(duplicate.activations(images(), "relu"), expected, rtol=1e-5)


def test_reading_a_refused_file_runs_nothing(tmp_path):
    target = tmp_path / "written"

    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        with tf.control_dependencies([tf.io.write_file(str(target), "x")]):
            tf.nn.relu(x, name="relu")

    with pytest.raises(UnsafeFileError):
        load(graph_of(network))
    assert not target.exists()


@pytest.mark.parametrize("fixture", ["efficientnet", "inception_v1", "inception_v1_caffe"])
def test_the_models_of_the_catalogue_only_compute(fixture, request):
    model = request.getfixturevalue(fixture)
    graphs.prepare(model.graph_def, model.name)
