"""SavedModels become models, and nothing of them is run for it."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from small_graphs import images, in_session, tf1, weights
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from lucidx.errors import (
    CorruptFileError,
    InvalidValueError,
    LucidxError,
    UnsafeFileError,
    WeightsNotFoundError,
)
from lucidx.modelzoo import importing
from lucidx.modelzoo.vision_base import Model


class Network(tf.Module):
    """Two convolutions whose variables have one name, a table of vectors, and a loop."""

    def __init__(self):
        super().__init__()
        self.first = tf.Variable(weights(3, 3, 3, 4), name="w")
        self.second = tf.Variable(weights(3, 3, 4, 4, seed=1), name="w")
        self.table = tf.Variable(weights(5, 4, seed=2), name="table")

    def __call__(self, image):
        x = tf.nn.relu(tf.nn.conv2d(image, self.first, 1, "SAME"))
        x = tf.nn.conv2d(x, self.second, 1, "SAME")
        for _ in tf.range(3):
            x += tf.reduce_mean(self.second) + tf.gather(self.table, 1)
        x = tf.nn.relu(x)
        return {"features": x, "scores": tf.reduce_mean(x, [1, 2])}


def save_module(path, call, shape=(None, 8, 8, 3), dtype=tf.float32, module=None, **options):
    """Save what `call(image)` computes as the signature `serving_default`."""
    module = module or tf.Module()
    function = tf.function(lambda image: call(image))
    signature = function.get_concrete_function(tf.TensorSpec(shape, dtype, name="image"))
    tf.saved_model.save(module, str(path), signatures=signature, **options)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network and its SavedModel; copied by those that change it."""
    made = Network()
    path = tmp_path_factory.mktemp("saved") / "network"
    return made, save_module(path, made, module=made)


def test_a_saved_module_computes_what_the_module_does(network):
    module, path = network
    model = Model.from_saved_model(path, (-1, 1), labels=list("abcd"))
    assert (model.name, model.image_shape, model.labels) == ("network", [8, 8, 3], list("abcd"))
    with pytest.raises(InvalidValueError, match="5 labels for 4 outputs"):
        Model.from_saved_model(path, (-1, 1), labels=list("abcde"))
    expected = module(tf.constant(images() * 2 - 1))
    for name in ("features", "scores"):
        np.testing.assert_allclose(
            model.activations(images(), name), expected[name], rtol=1e-4, atol=1e-4
        )


def test_layers_have_the_names_of_the_operations(network):
    model = Model.from_saved_model(str(network[1] / "saved_model.pb"), (-1, 1), name="Own")
    layers = {layer.name: layer.depth for layer in model.layers}
    assert {"Conv2D": 4, "Relu": 4, "Conv2D_1": 4, "Relu_1": 4}.items() <= layers.items()
    assert model.name == "Own"
    assert model.get_layer("Relu").tags == {"conv"}


def test_a_saved_module_has_gradients_and_works_in_a_session(network):
    model = Model.from_saved_model(network[1], (-1, 1))
    batch = tf.constant(images())
    with tf.GradientTape() as tape:
        tape.watch(batch)
        score = tf.reduce_sum(model.function("scores")(batch))
    assert np.abs(tape.gradient(score, batch)).max() > 0
    inside = in_session(lambda: model.import_graph(tf.constant(images()))("scores"))
    np.testing.assert_allclose(inside, model.activations(images(), "scores"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("context", [tf.Graph().as_default, tf.init_scope])
def test_importing_works_wherever_it_is_asked_for(context, network):
    with context():
        model = Model.from_saved_model(network[1], (-1, 1))
    assert model.activations(images(), "scores").shape == (2, 4)


def test_a_saved_module_is_exported_and_loaded(network, tmp_path):
    model = Model.from_saved_model(network[1], (-1, 1))
    model.export(tmp_path / "m.pb")
    loaded = Model.load(tmp_path / "m.pb")
    np.testing.assert_array_equal(
        loaded.activations(images(), "scores"), model.activations(images(), "scores")
    )


def test_an_exported_keras_model_computes_what_keras_does(tmp_path):
    import keras

    image = keras.Input((12, 9, 2))
    x = keras.layers.Conv2D(4, 3, activation="silu", name="conv")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Dropout(0.5)(x))
    x = keras.layers.LSTM(3)(keras.layers.Reshape((2, 2))(x))
    keras_model = keras.Model(image, keras.layers.Dense(5, activation="softmax", name="probs")(x))
    for variable in keras_model.weights:
        variable.assign(np.abs(weights(*variable.shape)) + 0.1)
    keras_model.export(str(tmp_path / "k"), verbose=False)
    model = Model.from_saved_model(tmp_path / "k", (0, 255))
    photo = np.random.default_rng(0).uniform(size=(2, 12, 9, 2)).astype(np.float32)
    assert model.image_shape == [12, 9, 2]
    assert any("conv" in layer.name for layer in model.layers)
    np.testing.assert_allclose(
        model.activations(photo, "output_0"), keras_model(photo * 255), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("use_resource", [True, False], ids=["resource", "reference"])
def test_a_saved_model_of_tensorflow_1_computes_what_its_session_did(use_resource, tmp_path):
    with tf.Graph().as_default(), tf1.Session() as session:
        pixels = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        w = tf1.get_variable("scope/w", [3, 3, 3, 4], use_resource=use_resource)
        y = tf.nn.relu(tf.nn.conv2d(pixels, w, 1, "SAME"), name="scope/relu")
        session.run(tf1.global_variables_initializer())
        expected = session.run(y, {pixels: images()})
        signature = tf1.saved_model.predict_signature_def({"image": pixels}, {"features": y})
        builder = tf1.saved_model.Builder(str(tmp_path / "v1"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"predict": signature})
        builder.save()
    model = Model.from_saved_model(tmp_path / "v1", (0, 1), signature="predict")
    assert [layer.name for layer in model.layers][-1] == "scope/relu"
    np.testing.assert_allclose(model.activations(images(), "scope/relu"), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [tf.uint8, tf.float16, tf.float64])
def test_images_of_other_types_are_fed_as_float32(dtype, tmp_path):
    kernel = weights(3, 3, 3, 4)

    def call(image):
        return {"out": tf.nn.relu(tf.nn.conv2d(tf.cast(image, tf.float32), kernel, 1, "SAME"))}

    model = Model.from_saved_model(save_module(tmp_path / "m", call, dtype=dtype), (0, 255))
    pixels = np.round(images() * 255)
    expected = call(tf.constant(pixels))["out"]
    acts = model.activations(pixels / np.float32(255), "out")
    np.testing.assert_allclose(acts, expected, rtol=1e-2, atol=1e-2)
    batch = tf.constant(images())
    with tf.GradientTape() as tape:
        tape.watch(batch)
        score = tf.reduce_sum(model.function("out")(batch))
    assert np.abs(tape.gradient(score, batch)).max() > 0


def test_sizes_may_be_open_and_given(tmp_path):
    saved = save_module(tmp_path / "m", lambda x: {"out": tf.nn.relu(x)}, (None, None, None, 3))
    assert Model.from_saved_model(saved, (0, 1)).image_shape == [None, None, 3]
    assert Model.from_saved_model(saved, (0, 1), (16, 8, 3)).image_shape == [16, 8, 3]
    unknown = save_module(tmp_path / "u", lambda x: {"out": tf.nn.relu(x)}, None)
    with pytest.raises(InvalidValueError, match=r"says no shape.*Pass image_shape"):
        Model.from_saved_model(unknown, (0, 1))
    assert Model.from_saved_model(unknown, (0, 1), (8, 8, 3)).image_shape == [8, 8, 3]


# What is refused


def read_file(image):
    number = tf.strings.to_number(tf.io.read_file("/etc/hostname"))
    return {"out": image + number}


def py_function(image):
    return {"out": tf.numpy_function(lambda x: x, [image], tf.float32)}


@pytest.mark.parametrize(
    ("call", "op"), [(read_file, "ReadFile"), (py_function, "PyFunc")], ids=["read", "python"]
)
def test_a_signature_that_does_more_than_compute_is_refused_by_operation(call, op, tmp_path):
    with pytest.raises(UnsafeFileError, match=f"{op}.*allow_unsafe_ops=True"):
        Model.from_saved_model(save_module(tmp_path / "m", call), (0, 1))


def test_tables_are_refused(tmp_path):
    module = tf.Module()
    keys = tf.lookup.KeyValueTensorInitializer(tf.constant([1]), tf.constant([2.0]))
    module.table = tf.lookup.StaticHashTable(keys, 0.0)
    call = lambda image: {"out": image + module.table.lookup(tf.constant([1]))}
    saved = save_module(tmp_path / "m", call, module=module)
    with pytest.raises(UnsafeFileError, match="HashTable"):
        Model.from_saved_model(saved, (0, 1))
    with pytest.raises(InvalidValueError, match="can hold none"):
        Model.from_saved_model(saved, (0, 1), allow_unsafe_ops=True)


def test_a_variable_that_the_signature_changes_is_refused(tmp_path):
    module = tf.Module()
    module.count = tf.Variable(0.0)
    call = lambda image: {"out": image + module.count.assign_add(1.0)}
    with pytest.raises(UnsafeFileError, match="AssignAddVariableOp"):
        Model.from_saved_model(save_module(tmp_path / "m", call, module=module), (0, 1))


def test_who_trusts_a_saved_model_can_say_so(tmp_path):
    (tmp_path / "number").write_text("2.5")

    def call(image):
        number = tf.strings.to_number(tf.io.read_file(str(tmp_path / "number")))
        return {"out": tf.nn.relu(image + number)}

    saved = save_module(tmp_path / "m", call)
    model = Model.from_saved_model(saved, (0, 1), allow_unsafe_ops=True)
    np.testing.assert_allclose(model.activations(images(), "out"), images() + 2.5, rtol=1e-6)


def test_nothing_of_a_saved_model_runs_while_it_is_imported(tmp_path):
    """Neither the signature, nor what it would do when it is restored or initialized."""
    target = tmp_path / "written"
    with tf.Graph().as_default(), tf1.Session() as session:
        pixels = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        w = tf1.get_variable("w", [3, 3, 3, 4])
        y = tf.nn.relu(tf.nn.conv2d(pixels, w, 1, "SAME"), name="relu")
        session.run(tf1.global_variables_initializer())
        effect = tf.io.write_file(str(target), "written")
        signature = tf1.saved_model.predict_signature_def({"image": pixels}, {"features": y})
        builder = tf1.saved_model.Builder(str(tmp_path / "m"))
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, main_op=effect
        )
        builder.save()
    _edit(tmp_path / "m", _write_on_restoring)
    Model.from_saved_model(tmp_path / "m", (0, 1))
    assert not target.exists()
    tf1.saved_model.load_v2(str(tmp_path / "m"))  # TensorFlow's own way does run it
    assert target.exists()


def _write_on_restoring(meta):
    effect = next(node for node in meta.graph_def.node if node.op == "WriteFile")
    restore = meta.saver_def.restore_op_name
    node = next(node for node in meta.graph_def.node if node.name == restore)
    node.input.append(f"^{effect.name}")


def _edit(path, edit):
    saved = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    edit(saved.meta_graphs[0])
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())


@pytest.fixture
def copied(network, tmp_path):
    return shutil.copytree(network[1], tmp_path / "copy")


def test_a_signature_is_asked_for_by_name(network):
    with pytest.raises(InvalidValueError, match=r"no signature 'classify'.*'serving_default'"):
        Model.from_saved_model(network[1], (0, 1), signature="classify")
    with pytest.raises(InvalidValueError, match="image_value_range is needed"):
        Model.from_saved_model(network[1])


def test_only_one_image_can_be_the_input(tmp_path):
    two = tf.function(lambda a, b: {"out": a + b})
    spec = tf.TensorSpec([None, 8, 8, 3], tf.float32)
    signature = two.get_concrete_function(a=spec, b=spec)
    tf.saved_model.save(tf.Module(), str(tmp_path / "two"), signatures=signature)
    with pytest.raises(InvalidValueError, match=r"inputs \['a', 'b'\]"):
        Model.from_saved_model(tmp_path / "two", (0, 1))
    decode = lambda x: {"out": tf.cast(tf.strings.length(x), tf.float32)}
    with pytest.raises(InvalidValueError, match=r"string.*bytes of files"):
        Model.from_saved_model(save_module(tmp_path / "s", decode, [None], tf.string), (0, 1))
    with pytest.raises(InvalidValueError, match="int32"):
        Model.from_saved_model(
            save_module(tmp_path / "i", lambda x: {"out": x + 1}, dtype=tf.int32), (0, 1)
        )
    single = save_module(tmp_path / "r", lambda x: {"out": tf.nn.relu(x)}, [8, 8, 3])
    with pytest.raises(InvalidValueError, match=r"shape \[8, 8, 3\]"):
        Model.from_saved_model(single, (0, 1))
    constant = save_module(tmp_path / "c", lambda _: {"out": tf.ones([1, 3])})
    with pytest.raises(InvalidValueError, match="does not depend on the image"):
        Model.from_saved_model(constant, (0, 1))


def test_a_directory_without_a_saved_model_is_named(tmp_path):
    with pytest.raises(WeightsNotFoundError, match="no saved_model"):
        Model.from_saved_model(tmp_path, (0, 1))


def test_a_model_beyond_protobufs_limit_is_refused_at_once(network, monkeypatch):
    monkeypatch.setattr(importing, "LARGEST_GRAPH", 1000)
    with pytest.raises(InvalidValueError, match="2 GB"):
        Model.from_saved_model(network[1], (0, 1))


@pytest.mark.parametrize("cut", [0, 0.3, 0.6])
@pytest.mark.parametrize(
    "file",
    ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"],
)
def test_a_truncated_file_is_refused(copied, file, cut):
    content = (copied / file).read_bytes()
    (copied / file).write_bytes(content[: int(cut * len(content))])
    with pytest.raises(CorruptFileError):
        Model.from_saved_model(copied, (0, 1))


def test_missing_weights_are_refused(copied):
    shutil.rmtree(copied / "variables")
    with pytest.raises(CorruptFileError, match="variables"):
        Model.from_saved_model(copied, (0, 1))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_damaged_bytes_end_in_a_model_or_an_error_of_lucidx(copied, file, seed):
    rng = np.random.default_rng(seed)
    content = np.frombuffer((copied / file).read_bytes(), np.uint8).copy()
    content[rng.integers(len(content), size=20)] = rng.integers(256, size=20)
    (copied / file).write_bytes(content.tobytes())
    try:
        model = Model.from_saved_model(copied, (0, 1))
    except LucidxError:
        return
    assert model.layers
    assert model.activations(images(), model.layers[0].name).shape[0] == 2


def _swap_shapes(meta):
    for node in meta.graph_def.node:
        if node.op == "VarHandleOp":
            node.attr["shape"].shape.dim.add(size=7)


def _forget_nodes(meta):
    del meta.graph_def.node[:2]


def _identities_in_a_circle(meta):
    restore = meta.saver_def.restore_op_name.partition(":")[0]
    name = next(n for n in meta.graph_def.node if n.name == restore).attr["f"].func.name
    function = next(f for f in meta.graph_def.library.function if f.signature.name == name)
    identity = next(n for n in function.node_def if n.op == "Identity")
    identity.input[0] = f"{identity.name}:output:0"


@pytest.mark.parametrize("edit", [_swap_shapes, _forget_nodes, _identities_in_a_circle])
def test_a_description_that_does_not_fit_is_refused(edit, copied):
    _edit(copied, edit)
    with pytest.raises(CorruptFileError):
        Model.from_saved_model(copied, (0, 1))
