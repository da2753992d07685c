"""Frozen graphs as models: what is found in them, and how bad ones are refused."""

import io
import os
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import (
    graph_of,
    images,
    in_session,
    residual_model,
    residual_network,
    tf1,
    weights,
)
from torch_files import legacy_file, small_checkpoint, zip_file

from lucidx.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    LucidxError,
    UnknownLayerError,
    WeightsNotFoundError,
)
from lucidx.modelzoo import graphs, util
from lucidx.modelzoo.vision_base import Model

GRAPH_DEF = graph_of(residual_network)
IN_0_TO_1 = {"image_value_range": (0, 1)}


def edited(edit, graph_def=GRAPH_DEF):
    """Copy of a graph after `edit(copy, its nodes by name)`."""
    copy = graphs.GraphDef()
    copy.CopyFrom(graph_def)
    edit(copy, {node.name: node for node in copy.node})
    return copy


# What is found in a graph


def test_a_graph_can_come_from_a_file_or_from_memory(tmp_path):
    file = tmp_path / "toy_net.pb"
    file.write_bytes(GRAPH_DEF.SerializeToString())
    expected = Model.from_graphdef(GRAPH_DEF, **IN_0_TO_1).activations(images(), "scores")
    for path in (file, str(file)):
        model = Model.from_graphdef(path, **IN_0_TO_1)
        assert model.name == "toy_net"
        assert model.model_path == str(file)
        np.testing.assert_array_equal(model.activations(images(), "scores"), expected)


def test_what_the_graph_says_is_used(tmp_path):
    model = Model.from_graphdef(GRAPH_DEF, **IN_0_TO_1)
    assert (model.name, model.input_name, model.image_shape) == ("Model", "input", [8, 8, 3])
    assert [(layer.name, layer.depth, *layer.tags) for layer in model.layers] == [
        ("first", 4, "conv"),
        ("first_relu", 4, "conv"),
        ("Tanh", 2, "conv"),
        ("Tanh_1", 2, "conv"),
        ("mixed/inner", 4, "conv"),
        ("second", 4, "conv"),
        ("second_relu", 4, "conv"),
        ("skip", 4, "conv"),
        ("block", 8, "conv"),
        ("pool", 8, "dense"),
        ("scores", 5, "dense"),
        ("probabilities", 5, "dense"),
    ]


def test_what_is_said_of_a_graph_is_kept():
    model = Model.from_graphdef(
        GRAPH_DEF,
        "input:0",
        ([-1, -2, -3], 255),
        (None, None, 3),
        is_BGR=True,
        labels=("a", "b"),
        name="Mine",
    )
    assert (model.name, model.input_name, model.is_BGR) == ("Mine", "input", True)
    assert (model.image_shape, model.image_value_range) == ([None, None, 3], ([-1, -2, -3], 255))
    assert model.labels == ["a", "b"]


def test_the_order_of_nodes_in_the_file_does_not_matter():
    def reverse(graph_def, _):
        nodes = list(graph_def.node)[::-1]
        del graph_def.node[:]
        graph_def.node.extend(nodes)

    model = Model.from_graphdef(edited(reverse), **IN_0_TO_1)
    straight = Model.from_graphdef(GRAPH_DEF, **IN_0_TO_1)
    assert {layer.name: layer.depth for layer in model.layers} == {
        layer.name: layer.depth for layer in straight.layers
    }
    np.testing.assert_array_equal(
        model.activations(images(), "scores"), straight.activations(images(), "scores")
    )


def test_channels_of_channels_first_layers_are_counted_on_their_own_axis():
    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        x = tf.transpose(x, [0, 3, 1, 2])
        x = tf.nn.conv2d(x, weights(1, 1, 3, 7), 1, "SAME", data_format="NCHW", name="conv")
        tf.nn.relu(x, name="relu")

    model = Model.from_graphdef(graph_of(network), **IN_0_TO_1)
    assert [(layer.name, layer.depth) for layer in model.layers] == [("conv", 7), ("relu", 7)]


def test_any_node_that_makes_floats_can_take_the_images():
    def network():
        pixels = tf1.placeholder(tf.uint8, [None, 8, 8, 3], name="pixels")
        x = tf.divide(tf.cast(pixels, tf.float32), 255.0, name="normalized")
        parts = tf.split(x, 2, 1, name="parts")
        tf.nn.relu(parts[1] * 2.0, name="relu")

    graph_def = graph_of(network)
    with pytest.raises(InvalidValueError, match="'pixels' of The graph takes uint8"):
        Model.from_graphdef(graph_def, **IN_0_TO_1)
    model = Model.from_graphdef(graph_def, "normalized", **IN_0_TO_1)
    assert model.image_shape == [None, None, 3]
    np.testing.assert_allclose(model.activations(images(), "relu"), 2 * images()[:, 4:], rtol=1e-6)
    model = Model.from_graphdef(graph_def, "parts:1", **IN_0_TO_1)
    np.testing.assert_allclose(model.activations(images(), "relu"), 2 * images(), rtol=1e-6)


def test_images_with_channels_first_are_refused_with_advice():
    def network():
        tf.nn.relu(tf1.placeholder(tf.float32, [None, 3, 8, 8], name="input"), name="relu")

    with pytest.raises(InvalidValueError, match=r"channels first.*transposition"):
        Model.from_graphdef(graph_of(network), **IN_0_TO_1)


def test_placements_and_gradients_of_another_process_are_dropped():
    def place(graph_def, nodes):
        nodes["first"].device = "/job:worker/task:7/device:GPU:3"
        nodes["first_relu"].attr["_gradient_op_type"].s = b"CustomGradient-471"

    foreign = edited(place)
    model = Model.from_graphdef(foreign, **IN_0_TO_1)
    assert not any(node.device for node in model.graph_def.node)
    assert "CustomGradient" not in str(model.graph_def)
    with tf.GradientTape() as tape:
        x = tf.Variable(images())
        score = tf.reduce_sum(model.function("scores")(x) ** 2)
    assert np.any(tape.gradient(score, x))
    assert foreign == edited(place)  # the caller's graph is not changed


def test_util_loads_graphs_and_labels_like_lucid(tmp_path):
    (tmp_path / "g.pb").write_bytes(
        edited(lambda _, nodes: setattr(nodes["first"], "device", "/gpu:0")).SerializeToString()
    )
    devices = {node.device for node in util.load_graphdef(tmp_path / "g.pb").node}
    assert devices == {""}
    kept = util.load_graphdef(str(tmp_path / "g.pb"), reset_device=False)
    assert {node.device for node in kept.node} == {"", "/gpu:0"}
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    assert util.load_text_labels(tmp_path / "labels.txt") == ["one", "two"]


def test_forget_xy_forgets_height_and_width_and_nothing_else():
    def build():
        t = util.forget_xy(tf.constant(images()))
        assert t.shape.as_list() == [2, None, None, 3]
        return t

    np.testing.assert_array_equal(in_session(build), images())


# What has to be said about a graph


@pytest.mark.parametrize("options", [{}, {"image_value_range": None}])
def test_the_value_range_has_no_default(options):
    with pytest.raises(InvalidValueError, match=r"\(-1, 1\), \(0, 255\).* commonest cause"):
        Model.from_graphdef(GRAPH_DEF, **options)


@pytest.mark.parametrize(
    "value_range",
    [
        (1, 0),
        (1, 1),
        (0, 1, 2),
        (0,),
        0,
        "auto",
        (None, 1),
        (0, float("nan")),
        (float("-inf"), 0),
        ([0, 1, 0], 1),
        ([0, 0], [1, 1]),
        ([[0, 0, 0]], 1),
        ([0, 0, 0], [1, 1]),
    ],
)
def test_an_impossible_value_range_is_refused(value_range):
    with pytest.raises(InvalidValueError, match="image_value_range"):
        Model.from_graphdef(GRAPH_DEF, image_value_range=value_range)


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8, 3), (0, 8, 3), ()])
def test_an_impossible_image_shape_is_refused(shape):
    with pytest.raises(InvalidValueError, match=r"image_shape is \(height, width, channels\)"):
        Model.from_graphdef(GRAPH_DEF, image_shape=shape, **IN_0_TO_1)


def test_an_unknown_input_is_answered_with_close_ones():
    with pytest.raises(InvalidValueError, match=r"no node 'imput' .*Did you mean 'input'"):
        Model.from_graphdef(GRAPH_DEF, "imput", **IN_0_TO_1)


def test_an_ambiguous_input_is_asked_for():
    def network():
        a, b = (tf1.placeholder(tf.float32, [None, 8, 8, 3], name=name) for name in "ab")
        tf.add(a, b, name="sum")

    with pytest.raises(InvalidValueError, match="Pass input_name; its placeholders: 'a', 'b'"):
        Model.from_graphdef(graph_of(network), **IN_0_TO_1)
    no_input = graph_of(lambda: tf.nn.relu(tf.zeros([1, 8, 8, 3])))
    with pytest.raises(InvalidValueError, match="its placeholders: none"):
        Model.from_graphdef(no_input, **IN_0_TO_1)


@pytest.mark.parametrize("thing", [None, b"\n\x0b", 3, tf.Graph(), GRAPH_DEF.node[0]])
def test_what_is_not_a_graph_is_refused(thing):
    with pytest.raises(InvalidTypeError, match=r"a GraphDef or the path of a \.pb file, not a"):
        Model.from_graphdef(thing, **IN_0_TO_1)


# The concatenations that Lucid's users render


def inception_like(concat):
    def network():
        x = tf1.placeholder(tf.float32, [None, None, None, 3], name="input")
        towers = [tf.nn.relu(x - 0.5, name=f"relu_{i}") for i in range(2)]
        towers.append(tf.tanh(x, name="no_relu"))
        concat(towers, "mixed")
        concat(towers, "branch/inner")

    model = Model.from_graphdef(graph_of(network), **IN_0_TO_1)
    model.catalogue_name = "InceptionV1"
    del model._skeleton  # made before the model had a name
    return model


@pytest.mark.parametrize(
    "concat",
    [
        lambda towers, name: tf.raw_ops.Concat(concat_dim=3, values=towers, name=name),
        lambda towers, name: tf.raw_ops.ConcatV2(axis=3, values=towers, name=name),
    ],
    ids=["Concat", "ConcatV2"],
)
@pytest.mark.parametrize("outer", [None, "outer"])
def test_a_concatenation_is_also_there_before_the_relus(concat, outer):
    model = inception_like(concat)

    def build():
        with tf1.name_scope(outer):
            T = model.import_graph(tf.constant(images()), scope="a/b")
        with pytest.raises(UnknownLayerError):
            T("branch/inner_pre_relu")
        assert T("mixed_pre_relu").name.endswith("a/b/mixed_pre_relu:0")
        return T("mixed_pre_relu")

    expected = np.concatenate([images() - 0.5, images() - 0.5, np.tanh(images())], -1)
    np.testing.assert_allclose(in_session(build), expected, rtol=1e-5)
    np.testing.assert_allclose(model.activations(images(), "mixed_pre_relu"), expected, rtol=1e-5)


def test_inception_v1_has_its_nine_blocks_before_the_relus(inception_v1):
    photo = images(1, 64)
    for block in "3a 3b 4a 4b 4c 4d 4e 5a 5b".split():
        names = [f"mixed{block}_pre_relu", f"mixed{block}"]
        before, after = inception_v1.activations(photo, names).values()
        assert (before < 0).any()
        np.testing.assert_allclose(np.maximum(before, 0), after, rtol=1e-4, atol=1e-4)


# Files and graphs that are not sound


def load(path_or_graphdef):
    return Model.from_graphdef(path_or_graphdef, "input", **IN_0_TO_1)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsNotFoundError, match=r"There is no file .*gone\.pb"):
        load(tmp_path / "gone.pb")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(CorruptFileError, match="is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"\0", b"plain text", b"\n\x05abcde", b"\x12\x00\x0a"],
)
def test_a_file_of_another_kind_is_refused(content, tmp_path):
    (tmp_path / "f.pb").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"f\.pb"):
        load(tmp_path / "f.pb")


def test_a_truncated_file_is_refused_or_is_a_smaller_graph(tmp_path):
    data = GRAPH_DEF.SerializeToString()
    file = tmp_path / "f.pb"
    refused = 0
    for length in range(0, len(data), 7):
        file.write_bytes(data[:length])
        try:
            model = load(file)
        except LucidxError:
            refused += 1
        else:
            # Nothing tells that something is missing after the last whole node.
            kept = len(model.graph_def.node)
            assert list(model.graph_def.node) == list(GRAPH_DEF.node)[:kept]
    assert refused > 0.9 * len(data) / 7


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=200))
def test_random_bytes_are_refused(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "random.pb"
    file.write_bytes(content)
    with pytest.raises(LucidxError):
        load(file)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_can_be_asked(data, tmp_path_factory):
    content = bytearray(GRAPH_DEF.SerializeToString())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[position] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.pb"
    file.write_bytes(content)
    try:
        model = load(file)
        for layer in model.layers[-1:]:
            model.activations(images(), layer.name)
    except LucidxError:
        pass  # which error depends on what was hit


def constant(nodes):
    return nodes[nodes["first"].input[1]].attr["value"].tensor


def shorten(_, nodes):
    constant(nodes).tensor_content = constant(nodes).tensor_content[:-4]


def lengthen(_, nodes):
    constant(nodes).tensor_content += b"\0\0\0\0"


def make_negative(_, nodes):
    constant(nodes).tensor_shape.dim[0].size = -3


def make_gigantic(_, nodes):
    constant(nodes).tensor_content = b""
    constant(nodes).float_val.append(1)
    constant(nodes).tensor_shape.dim[0].size = 2**33


def change_type(_, nodes):
    constant(nodes).dtype = tf.float64.as_datatype_enum


def change_to_no_type(_, nodes):
    constant(nodes).dtype = 999


def empty_constant(_, nodes):
    nodes[nodes["first"].input[1]].attr.pop("value")


@pytest.mark.parametrize(
    "edit",
    [
        shorten,
        lengthen,
        make_negative,
        make_gigantic,
        change_type,
        change_to_no_type,
        empty_constant,
    ],
)
def test_a_constant_that_is_not_what_it_says_is_refused_by_name(edit):
    (name,) = {node.input[1] for node in GRAPH_DEF.node if node.name == "first"}
    with pytest.raises(CorruptFileError, match=f"the constant '{name}'"):
        load(edited(edit))


def test_constants_of_one_repeated_number_are_sound():
    def splat(_, nodes):
        constant(nodes).tensor_content = b""
        constant(nodes).float_val[:] = [0.25]

    acts = load(edited(splat)).activations(np.ones((1, 8, 8, 3), np.float32), "first_relu")
    np.testing.assert_allclose(acts[0, 4, 4], 27 * 0.25)


def rename(old, new):
    return lambda _, nodes: setattr(nodes[old], "name", new)


def rewire(node, *inputs):
    def edit(_, nodes):
        nodes[node].input[:] = inputs

    return edit


def call_missing_function(_, nodes):
    node = nodes["first_relu"]
    node.op = "PartitionedCall"
    node.attr.pop("T")
    node.attr["Tin"].list.type[:] = node.attr["Tout"].list.type[:] = [1]
    node.attr["f"].func.name = "missing_function"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (rename("first", "renamed"), "'first_relu' reads from 'first', which is missing"),
        (call_missing_function, "'first_relu' calls the function 'missing_function'"),
        (rewire("first", "first_relu", "first/filters"), None),
        (rewire("first", "skip", "skip"), None),
        (rewire("first_relu", "first_relu"), None),
        (rewire("first_relu", "first:1"), None),
        (rewire("first_relu"), None),
        (rename("first_relu", "second_relu"), None),
        (lambda g, n: g.node.add().CopyFrom(n["first"]), "not unique"),
        (lambda g, n: n["first"].attr.pop("strides"), "strides"),
        (lambda g, n: setattr(g.versions, "min_consumer", 10**6), "version"),
    ],
)
def test_a_graph_that_does_not_hang_together_is_refused(edit, message):
    with pytest.raises(CorruptFileError, match=message):
        load(edited(edit))


def test_errors_do_not_quote_whole_tensors():
    def break_attribute(_, nodes):
        nodes["pool"].attr["keep_dims"].s = b"x" * 10**6

    with pytest.raises(CorruptFileError) as caught:
        load(edited(break_attribute))
    assert len(str(caught.value)) < 1000


# Files of another kind


def archive(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for name in names:
            written.writestr(name, b"content")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty. Download or save it again"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
            "Git LFS pointer.*lfs pull",
        ),
        (b"<!DOCTYPE html><title>404</title>", "web page.*Download it again"),
        (b"\n  <html>Sign in</html>", "web page"),
        (b'node {\n  name: "input"\n}\n', r"text form.*text_format\.Parse"),
        (b"# a comment\nversions { producer: 27 }", "text form"),
        (b"\x08\x01\x12\x80\x10\n\x02", r"SavedModel.*directory to Model\.from_saved_model"),
        (b"\x08\x07\x12\x07pytorch\x1a\x051.13", "ONNX"),
        (b"\x89HDF\r\n\x1a\n\0\0", r"HDF5.*Model\.from_keras"),
        (archive("config.json", "model.weights.h5"), r"a Keras model.*Model\.from_keras"),
        (archive("tensorflow_inception_graph.pb"), "a zip archive. Unpack"),
        (archive("a.npy"), "an .npz file"),
        (small_checkpoint(zip_file), "a torch checkpoint"),
        (small_checkpoint(legacy_file), "pickle, such as torch"),
        (b"\x1c\0\0\0TFL3\0", "TensorFlow Lite"),
        (b"\x1f\x8b\x08\0", "an archive"),
        (b"PK\x03\x04 cut off", "a zip archive. Unpack"),
        (b"\x93NUMPY\x01\0", "a numpy array"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b'{"class_name": "Functional"}', "JSON"),
    ],
)
def test_a_file_of_a_known_other_kind_is_named_with_what_to_do(content, message, tmp_path):
    (tmp_path / "net.pb").write_bytes(content)
    with pytest.raises(CorruptFileError, match=rf"net\.pb is.*{message}"):
        load(tmp_path / "net.pb")


def test_a_saved_model_directory_is_named(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(CorruptFileError, match=r"SavedModel.*Model\.from_saved_model"):
        load(tmp_path)


def test_part_of_an_old_checkpoint_is_named(tmp_path):
    (tmp_path / "model.ckpt-1.meta").write_bytes(b"\n\x05abcde")
    with pytest.raises(CorruptFileError, match=r"TensorFlow 1 checkpoint.*freeze"):
        load(tmp_path / "model.ckpt-1.meta")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "net.pb")
    with pytest.raises(CorruptFileError, match="no regular file"):
        load(tmp_path / "net.pb")


def test_a_file_beyond_2_gb_is_refused_without_reading_it(tmp_path):
    with open(tmp_path / "net.pb", "wb") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(CorruptFileError, match=r"3\.0 GB.*cannot have more than 2"):
        load(tmp_path / "net.pb")


# Graphs that would take the process down. The fuzzer found most of them: see tests/fuzz.


def network(build, shape=(None, 8, 8, 3)):
    """Graph of `build(images)`, with the layer "out" behind it."""

    def whole():
        x = tf1.placeholder(tf.float32, shape, name="input")
        tf.nn.relu(build(x), name="out")

    return graph_of(whole)


def odd_attribute(_, nodes):
    tensor = nodes["first"].attr["T"].tensor
    tensor.dtype = 1
    for size in (2**31, 2**31, 4):
        tensor.tensor_shape.dim.add(size=size)


def shape_of_an_odd_attribute(_, nodes):
    nodes["first"].attr["shape"].placeholder = "T"


def misplaced(_, nodes):
    nodes["first"].attr["_class"].list.i.append(3)


@pytest.mark.parametrize("edit", [shape_of_an_odd_attribute, misplaced])
def test_attributes_that_no_operation_declares_are_dropped(edit):
    acts = load(edited(edit)).activations(images(), "first_relu")
    np.testing.assert_array_equal(acts, load(GRAPH_DEF).activations(images(), "first_relu"))


def long_stride(_, nodes):
    nodes["first"].attr["strides"].list.i[1] = 2**40


def many_outputs(_, nodes):
    nodes["split"].attr["num_split"].i = 2**31 - 1


def high_rank(_, nodes):
    constant(nodes).tensor_shape.ClearField("dim")
    for _ in range(300):
        constant(nodes).tensor_shape.dim.add(size=1)


@pytest.mark.parametrize("edit", [odd_attribute, long_stride, many_outputs, high_rank])
def test_impossible_settings_are_refused(edit):
    with pytest.raises(CorruptFileError, match=r"first|Conv2D|split"):
        load(edited(edit))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x + tf.fill([1, 8, 65536, 65536], 0.0)[:, :, :8, :3],
        lambda x: tf.pad(x, [[0, 0], [10**5, 0], [10**5, 0], [0, 0]]),
        lambda x: tf1.image.resize_bilinear(x, [2**16, 2**16]),
        lambda x: tf.tile(x, [1, 1, 1, 2**30]),
        lambda x: tf.tile(x, [1, 2**15, 2**15, 1]),
        lambda x: x + tf.reduce_sum(tf.cast(tf.range(2**31 - 1), tf.float32)),
        lambda x: tf.reduce_sum(tf.one_hot([1], 2**31 - 1)) + x,
    ],
    ids="fill pad resize tile tile_image range one_hot".split(),
)
def test_a_few_bytes_cannot_ask_for_all_memory(build):
    with pytest.raises(CorruptFileError, match="GB"):
        load(network(build))


def test_many_constants_of_one_number_cannot_take_all_memory():
    def crowd(graph_def, nodes):
        for i in range(6):
            node = graph_def.node.add(name=f"c{i}", op="Const")
            node.attr["dtype"].type = 1
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1.0, shape=[2**27]))

    with pytest.raises(CorruptFileError, match=r"repeated numbers that take 3\.0 GB"):
        load(edited(crowd))


def test_large_images_are_no_such_thing():
    model = load(network(lambda x: tf.tile(x, [1, 1, 1, 64]), [None, None, None, 3]))
    with tf.Graph().as_default():
        images = tf1.placeholder(tf.float32, [1, 4096, 4096, 3])
        T = model.import_graph(images, forget_xy_shape=False)
        assert T("out").shape == [1, 4096, 4096, 192]


@pytest.mark.parametrize("size", [-1, -719])
def test_a_transposed_convolution_to_a_negative_size_is_refused(size):
    def build(x):
        shape = tf.stack([tf.shape(x)[0], 16, 16, 2])
        return tf.nn.conv2d_transpose(x, weights(3, 3, 2, 3), shape, 2)

    def shrink(_, nodes):
        nodes["stack/1"].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(size))

    with pytest.raises(CorruptFileError, match="is to make an array of"):
        load(edited(shrink, network(build)))


def old_loop(x):
    tf1.disable_control_flow_v2()
    try:
        loop = (lambda i, _: i < 3), (lambda i, t: (i + 1, t * 2.0)), (tf.constant(0), x)
        return tf1.while_loop(*loop)[1]
    finally:
        tf1.enable_control_flow_v2()


def test_loops_of_tensorflow_1_run():
    acts = load(network(old_loop)).activations(images(), "out")
    np.testing.assert_allclose(acts, 8 * images(), rtol=1e-6)


def test_a_loop_that_does_not_count_a_number_is_refused():
    def widen(_, nodes):
        nodes["Const"].attr["value"].tensor.tensor_shape.dim.add(size=0)

    with pytest.raises(CorruptFileError, match="counts no number"):
        load(edited(widen, network(old_loop)))


# Functions


def with_functions(x):
    @tf.function(autograph=False)
    def block(t):
        return tf.split(tf.nn.conv2d(t, weights(1, 1, 3, 6), 1, "SAME"), 2, -1)

    @tf.function(autograph=False)
    def whole(t):
        first, second = block(t)
        t = tf.while_loop(lambda i, _: i < 2, lambda i, t: (i + 1, t * 0.5), (0, first))[1]
        return tf.cond(tf.reduce_mean(second) > 100.0, lambda: t, lambda: t - second)

    return whole(x)


def expected_of_functions(x):
    first, second = tf.split(tf.nn.conv2d(x, weights(1, 1, 3, 6), 1, "SAME"), 2, -1)
    return tf.nn.relu(first / 4 - second)


FUNCTIONS = network(with_functions)


def value_and_gradient(function, x):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    return y.numpy(), tape.gradient(y, x).numpy()


def test_what_functions_compute_can_be_differentiated_by_several_models():
    expected = value_and_gradient(expected_of_functions, images())
    for _ in range(2):
        model = load(FUNCTIONS)
        for relu in ("exact", "redirected"):
            value, gradient = value_and_gradient(model.function("out", relu=relu), images())
            np.testing.assert_allclose(value, expected[0], rtol=1e-4, atol=1e-5)
            if relu == "exact":
                np.testing.assert_allclose(gradient, expected[1], rtol=1e-4, atol=1e-5)


def test_one_graph_can_have_a_model_with_functions_twice():
    model = load(FUNCTIONS)

    def build():
        x = tf.constant(images())
        outs = [model.import_graph(x, scope)("out") for scope in ("a", "b")]
        return outs + tf.gradients(outs, x)

    first, second, gradient = in_session(build)
    np.testing.assert_array_equal(first, second)
    _, expected = value_and_gradient(expected_of_functions, images())
    np.testing.assert_allclose(gradient, 2 * expected, rtol=1e-4, atol=1e-5)


def test_what_a_called_function_computes_has_a_name():
    model = load(FUNCTIONS)
    (name,) = (n.name for n in model.graph_def.node if n.op == "Conv2D")
    assert name.endswith("PartitionedCall/Conv2D")
    expected = tf.nn.conv2d(images(), weights(1, 1, 3, 6), 1, "SAME")
    np.testing.assert_allclose(model.activations(images(), name), expected, rtol=1e-5, atol=1e-6)


def call(name, *inputs, types=(1,)):
    """Node that calls a function of one float."""
    node = graphs.NodeDef(name="call", op="PartitionedCall", input=inputs)
    node.attr["f"].func.name = name
    node.attr["Tin"].list.type.extend(types)
    node.attr["Tout"].list.type.append(1)
    return node


def calling(*bodies):
    """Graph that calls the function f0; for each function, those that it calls in turn."""
    graph_def = network(lambda x: x)
    for i, callees in enumerate(bodies):
        function = graph_def.library.function.add()
        function.signature.name = f"f{i}"
        function.signature.input_arg.add(name="x", type=1)
        function.signature.output_arg.add(name="y", type=1)
        last = "x"
        for j, callee in enumerate(callees):
            node = call(f"f{callee}", last)
            node.name, last = f"n{j}", f"n{j}:output:0"
            function.node_def.append(node)
        function.ret["y"] = last
    graph_def.node.append(call("f0", "input"))
    return graph_def


def test_functions_may_call_functions():
    model = load(calling([1, 1], [2], []))
    np.testing.assert_array_equal(model.activations(images(), "call"), images())


def call_itself():
    return calling([1], [0])


def expand():
    return calling(*([i + 1, i + 1] for i in range(40)), [])


def nest():
    return calling(*([i + 1] for i in range(300)), [])


def twin():
    graph_def = calling([], [])
    graph_def.library.function[1].signature.name = "f0"
    return graph_def


def take_more():
    graph_def = calling([])
    graph_def.node[-1].input.append("input")
    return graph_def


def return_nothing():
    graph_def = calling([])
    graph_def.library.function[0].ret.clear()
    return graph_def


def read_nothing():
    graph_def = calling([1], [])
    graph_def.library.function[0].node_def[0].input[0] = "gone:output:0"
    return graph_def


def no_such_output():
    graph_def = calling([1], [])
    graph_def.library.function[0].ret["y"] = "n0:gone:0"
    return graph_def


def other_types():
    graph_def = calling([])
    graph_def.node[-1].attr["Tin"].list.type[0] = 2
    return graph_def


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (call_itself, "'f0' calls itself"),
        (expand, "expand to more than 200000 operations"),
        (nest, "more than 100 levels deep"),
        (twin, "several functions of one name"),
        (take_more, "'call' reads 2 tensors; PartitionedCall takes 1"),
        (return_nothing, "does not return 'y'"),
        (read_nothing, "lacks 'gone'"),
        (no_such_output, "has no output 'gone'"),
        (other_types, "'f0' does not fit 'call'"),
    ],
)
def test_functions_that_do_not_hang_together_are_refused(make, message):
    with pytest.raises(CorruptFileError, match=message):
        load(make())


def drop_output(function):
    function.signature.ClearField("output_arg")


def drop_input(function):
    del function.signature.input_arg[0]


@pytest.mark.parametrize("edit", [drop_output, drop_input])
@pytest.mark.parametrize("part", ["body", "cond", "then_branch"])
def test_loops_and_branches_whose_functions_do_not_fit_are_refused(part, edit):
    graph_def = edited(lambda *_: None, FUNCTIONS)
    functions = graph_def.library.function
    nodes = [node for function in functions for node in function.node_def]
    (name,) = {node.attr[part].func.name for node in nodes if part in node.attr}
    (function,) = (f for f in functions if f.signature.name == name)
    edit(function)
    with pytest.raises(CorruptFileError, match=f"'{name}' does not fit"):
        load(graph_def)


def test_operations_in_functions_take_no_more_than_there_can_be():
    graph_def = edited(lambda *_: None, FUNCTIONS)
    body = graph_def.library.function[0].node_def
    body.add(name="added", op="Einsum", input=[body[0].name] * 2)
    body[-1].attr["equation"].s = b"i,i->"
    body[-1].attr["T"].type = 1
    body[-1].attr["N"].i = 2**31 - 1
    with pytest.raises(CorruptFileError, match="'added' has 2147483647 tensors as its 'inputs'"):
        load(graph_def)


@pytest.mark.parametrize("value", [{"i": 3}, None])
def test_operations_in_functions_have_the_settings_that_they_need(value):
    graph_def = edited(lambda *_: None, FUNCTIONS)
    for function in graph_def.library.function:
        for node in function.node_def:
            if node.op == "Conv2D":
                del node.attr["strides"]
                if value:
                    node.attr["strides"].i = 3
    with pytest.raises(CorruptFileError, match="'strides' of 'Conv2D'"):
        load(graph_def)


def test_operations_in_functions_have_settings_that_there_are():
    graph_def = edited(lambda *_: None, FUNCTIONS)
    for function in graph_def.library.function:
        for node in function.node_def:
            if node.op == "Conv2D":
                node.attr["data_format"].s = b"SAME"
    with pytest.raises(CorruptFileError, match=r"'data_format' of 'Conv2D'.* not one of NHWC"):
        load(graph_def)


def test_operations_read_as_many_tensors_as_they_take():
    def read_more(graph_def, by_name):
        by_name["block"].input.insert(0, "second_relu")

    with pytest.raises(CorruptFileError, match="'block' reads 4 tensors; ConcatV2 takes 3"):
        load(edited(read_more))


def test_dimensions_of_batches_are_as_many_as_there_can_be():
    def gather():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        tf.gather(x, [0, 2], axis=3, name="picked")

    def add_dimensions(graph_def, by_name):
        by_name["picked"].attr["batch_dims"].i = 65536

    with pytest.raises(CorruptFileError, match="'picked' has 65536 dimensions of batches"):
        load(edited(add_dimensions, graph_of(gather)))


# Cutting


def test_pruning_keeps_what_is_needed_and_leaves_the_graph_alone():
    before = graphs.GraphDef()
    before.CopyFrom(GRAPH_DEF)
    pruned = graphs.prune(GRAPH_DEF, ["half"], {"first_relu:0"})
    assert {node.name for node in pruned.node} == {"split", "split/split_dim", "half", "half/y"}
    assert pruned.versions == GRAPH_DEF.versions
    assert before == GRAPH_DEF
    whole = {node.name for node in graphs.prune(GRAPH_DEF, ["probabilities"]).node}
    assert whole == {node.name for node in GRAPH_DEF.node} - {"half", "half/y"}


def test_a_function_has_only_the_part_of_the_graph_that_it_needs():
    model = residual_model()
    names = {
        op.name for op in model.function("half", "first_relu").__wrapped__.graph.get_operations()
    }
    assert "import/half" in names
    assert not any("first" in name or "second" in name for name in names)
