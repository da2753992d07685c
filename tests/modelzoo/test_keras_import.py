"""Any Keras 3 image model becomes a frozen graph that computes the same, its layers named."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import keras_import
from lucidx.modelzoo.keras_import import keras_to_graphdef
from lucidx.modelzoo.safety import check_ops

tf1 = tf.compat.v1


@pytest.fixture(autouse=True)
def same_weights_every_time():
    keras.utils.set_random_seed(0)


def some_images(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def evaluate(imported, images, fetch):
    """Import the graph below "import", as Lucid does, and run what `fetch(x, T)` returns."""
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [None, None, None, images.shape[-1]])
        tf.import_graph_def(imported.graph_def, {imported.input_name: x}, name="import")
        graph = tf1.get_default_graph()
        fetches = fetch(x, lambda name: graph.get_tensor_by_name(f"import/{name}:0"))
        return session.run(fetches, {x: images})


def activations(imported, images, layer):
    return evaluate(imported, images, lambda x, T: T(layer))


def input_gradient(imported, images, layer):
    return evaluate(imported, images, lambda x, T: tf.gradients(tf.reduce_sum(T(layer) ** 2), x)[0])


def keras_gradient(function, images):
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.reduce_sum(tf.cast(function(images), tf.float32) ** 2)
    return tape.gradient(score, images).numpy()


def names(imported):
    return [name for name, _, _ in imported.layers]


def ops(imported):
    functions = imported.graph_def.library.function
    nodes = [*imported.graph_def.node, *(node for f in functions for node in f.node_def)]
    return {node.op for node in nodes}


def assert_close(actual, expected, rtol=1e-4):
    np.testing.assert_allclose(actual, expected, rtol, atol=rtol * np.abs(expected).max())


def assert_same_function(imported, keras_model, images, rtol=1e-4):
    """Output and input gradient of the last layer equal those of the Keras model."""
    check_ops(ops(imported), "An imported model")  # so that it can be saved and loaded
    last = names(imported)[-1]
    expected = keras.ops.convert_to_numpy(keras_model(images, training=False)).astype("float32")
    assert_close(activations(imported, images, last), expected, rtol)
    gradient = keras_gradient(lambda x: keras_model(x, training=False), images)
    assert np.abs(gradient).max() > 0
    assert_close(input_gradient(imported, images, last), gradient, 10 * rtol)


def small_cnn(channels=3, size=16, **kwargs):
    return keras.Sequential(
        [
            keras.Input((size, size, channels)),
            layers.Conv2D(4, 3, name="conv1"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Dropout(0.5, name="drop"),
            layers.Conv2D(6, 3, strides=2, activation="silu", name="conv2"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(5, activation="softmax", name="predictions"),
        ],
        **kwargs,
    )


def functional_base(name="base"):
    x = inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(x)
    x = layers.Add(name="add")([x, layers.Conv2D(4, 1, name="shortcut")(inputs)])
    x = layers.Conv2D(6, 3, name="conv5")(x)
    return keras.Model(inputs, x, name=name)


def transfer_model():
    inputs = keras.Input((16, 16, 3))
    x = functional_base()(inputs)
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(3, name="logits")(x))


class Block(layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(filters, 3, padding="same", name="conv")
        self.act = layers.Activation("gelu", name="act")

    def call(self, x):
        return self.act(self.conv(x))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.block1 = Block(4, name="block1")
        self.block2 = Block(6, name="block2")
        self.flatten = layers.Flatten(name="flatten")
        self.dense = layers.Dense(3, name="dense")

    def call(self, x):
        return tf.nn.softmax(self.dense(self.flatten(self.block2(self.block1(x)))))


# What is computed


@pytest.mark.parametrize("channels", [1, 3, 4, 7])
def test_a_sequential_model_computes_the_same_with_any_number_of_channels(channels):
    model = small_cnn(channels)
    imported = keras_to_graphdef(model)
    assert imported.input_name == "input"
    assert imported.image_shape == (16, 16, channels)
    assert imported.layers == [
        ("conv1", 4, ["conv"]),
        ("norm", 4, ["conv"]),
        ("relu", 4, ["conv"]),
        ("drop", 4, ["conv"]),
        ("conv2", 6, ["conv"]),
        ("pool", 6, ["dense"]),
        ("predictions", 5, ["dense"]),
    ]
    assert_same_function(imported, model, some_images(2, 16, 16, channels))


def test_layers_of_a_nested_model_are_named_by_their_path():
    model = transfer_model()
    imported = keras_to_graphdef(model)
    assert names(imported) == [
        "base/conv1",
        "base/shortcut",
        "base/add",
        "base/conv5",
        "base",
        "pool",
        "logits",
    ]
    images = some_images(2, 16, 16, 3)
    base = model.get_layer("base")
    inner = keras.Model(base.input, base.get_layer("add").output)
    assert_close(activations(imported, images, "base/add"), inner(images))
    assert_close(
        input_gradient(imported, images, "base/add"),
        keras_gradient(lambda x: inner(x, training=False), images),
    )
    assert_same_function(imported, model, images)


def test_nests_may_be_deep_and_of_any_kind():
    inputs = keras.Input((None, None, 3))
    inner = keras.Sequential([layers.Conv2D(4, 3, name="conv")], name="inner")
    outer = keras.Model(inputs, inner(inputs), name="outer")
    images = some_images(1, 9, 11, 3)
    model = keras.Sequential([outer, Block(5, name="block"), layers.GlobalAveragePooling2D()])
    model(images)
    imported = keras_to_graphdef(model)
    assert names(imported)[:3] == ["outer/inner/conv", "outer/inner", "outer"]
    assert {"block/conv", "block/act", "block"} < set(names(imported))
    assert_same_function(imported, model, images)


def test_a_sequential_model_in_a_functional_one_in_a_subclassed_one():
    class Outermost(keras.Model):
        def __init__(self):
            super().__init__()
            inputs = keras.Input((16, 16, 3))
            block = keras.Sequential([layers.Conv2D(4, 3, name="conv")], name="block")
            pooled = layers.GlobalAveragePooling2D(name="pool")(block(inputs))
            self.features = keras.Model(inputs, pooled, name="features")
            self.dense = layers.Dense(2, name="dense")

        def call(self, x):
            return self.dense(self.features(x))

    model = Outermost()
    imported = keras_to_graphdef(model, (16, 16, 3))
    assert names(imported) == [
        "features/block/conv",
        "features/block",
        "features/pool",
        "features",
        "dense",
    ]
    assert_same_function(imported, model, some_images(2, 16, 16, 3))


def test_a_model_may_return_several_tensors():
    class Several(keras.Model):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(4, 3, name="conv")

        def call(self, x):
            x = self.conv(x)
            return {
                "features": x,
                "more": [tf.nn.relu(x), None],
                "score": tf.reduce_mean(x, (1, 2)),
            }

    model = Several()
    imported = keras_to_graphdef(model, (8, 8, 3))
    assert names(imported) == ["conv", "output_output1", "output_output3"]
    images = some_images(2, 8, 8, 3)
    expected = model(images)
    assert_close(activations(imported, images, "conv"), expected["features"])
    assert_close(activations(imported, images, "output_output1"), expected["more"][0])
    assert_close(activations(imported, images, "output_output3"), expected["score"])


def test_layers_of_all_kinds_compute_the_same():
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.SpectralNormalization(layers.Conv2D(8, 3), name="spectral"),
            layers.GroupNormalization(4, name="groups"),
            layers.PReLU(shared_axes=[1, 2], name="prelu"),
            layers.Conv2DTranspose(6, 3, strides=2, name="transposed"),
            layers.UpSampling2D(2, interpolation="bilinear", name="upsampled"),
            layers.SeparableConv2D(5, 3, activation="mish", name="separable"),
            layers.DepthwiseConv2D(3, dilation_rate=2, name="depthwise"),
            layers.Resizing(9, 9, antialias=True, name="resized"),
            layers.ZeroPadding2D(1, name="padded"),
            layers.UnitNormalization(name="unit"),
            layers.EinsumDense("nhwc,cd->nhwd", output_shape=(None, None, 4), name="einsum"),
            layers.Lambda(lambda x: tf.map_fn(lambda image: 2 * image, x), name="mapped"),
        ]
    )
    imported = keras_to_graphdef(model)
    assert set(names(imported)) >= {layer.name for layer in model.layers}
    assert_same_function(imported, model, some_images(2, 12, 12, 3), rtol=1e-3)


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
def test_a_model_from_a_file(file, tmp_path):
    model = small_cnn()
    model.save(tmp_path / file)
    imported = keras_to_graphdef(keras.models.load_model(tmp_path / file, compile=False))
    assert imported.layers == keras_to_graphdef(model).layers
    assert_same_function(imported, model, some_images(2, 16, 16, 3))


def test_a_tensor_that_a_layer_brings_along_is_part_of_the_graph():
    factors = tf.constant([1.0, 2.0, 3.0])
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x * factors)])
    assert_same_function(keras_to_graphdef(model), model, some_images(2, 8, 8, 3))


def test_a_layer_may_hold_the_model_that_holds_it():
    class Part(Block):
        def __init__(self, owner, **kwargs):
            super().__init__(4, **kwargs)
            self.owner = owner

    class Whole(keras.Model):
        def __init__(self):
            super().__init__()
            self.part = Part(self, name="part")

        def call(self, x):
            return self.part(x)

    model = Whole()
    imported = keras_to_graphdef(model, (8, 8, 3))
    assert names(imported) == ["part/conv", "part/act", "part"]
    images = some_images(2, 8, 8, 3)
    expected = model.part.act(model.part.conv(images))
    assert_close(activations(imported, images, "part"), expected)


def test_the_graph_can_be_cut_at_a_hidden_layer():
    model = transfer_model()
    imported = keras_to_graphdef(model)
    images = some_images(2, 16, 16, 3)
    hidden = activations(imported, images, "base/conv5")

    def score_gradient(x, T):
        return tf.gradients(T("logits")[:, 0], T("base/conv5"))[0]

    through_layer = evaluate(imported, images, score_gradient)
    assert through_layer.shape == hidden.shape
    assert np.abs(through_layer).max() > 0

    with tf.Graph().as_default(), tf1.Session() as session:
        cut = tf1.placeholder(tf.float32, hidden.shape)
        (logits,) = tf.import_graph_def(
            imported.graph_def, {"base/conv5": cut}, return_elements=["logits:0"]
        )
        result = session.run(logits, {cut: hidden})
    assert_close(result, model(images))


def test_a_model_for_images_of_any_size_stays_one():
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    model = keras.Model(inputs, layers.GlobalMaxPooling2D(name="pool")(x))
    imported = keras_to_graphdef(model)
    assert imported.image_shape == (None, None, 3)
    assert imported.layers == [("conv", 4, ["conv"]), ("pool", 4, ["dense"])]
    for size in (8, 13):
        assert_same_function(imported, model, some_images(1, size, 20, 3))
    assert keras_to_graphdef(model, (30, 40, 3)).image_shape == (30, 40, 3)


def test_layers_before_one_that_needs_a_fixed_size_take_other_sizes():
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(4, 3, name="conv"),
            layers.Flatten(name="flatten"),
            layers.Dense(2, name="dense"),
        ]
    )
    imported = keras_to_graphdef(model)
    assert imported.layers[1:] == [("flatten", 784, ["dense"]), ("dense", 2, ["dense"])]
    assert_same_function(imported, model, some_images(2, 16, 16, 3))
    images = some_images(1, 30, 25, 3)
    assert_close(activations(imported, images, "conv"), model.get_layer("conv")(images))


def test_a_layer_that_cannot_be_traced_with_an_open_size_gets_the_nominal_one():
    class Halves(layers.Layer):
        def call(self, x):
            return x[:, : x.shape[1] // 2]

    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3), Halves(name="top")])
    imported = keras_to_graphdef(model)
    assert imported.image_shape == (16, 16, 3)
    assert_same_function(imported, model, some_images(2, 16, 16, 3))


def test_a_subclassed_model_is_read_by_calling_it():
    model = Subclassed()
    images = some_images(2, 12, 12, 3)
    model(images)
    imported = keras_to_graphdef(model)
    assert imported.image_shape == (12, 12, 3)
    assert names(imported)[:3] == ["block1/conv", "block1/act", "block1"]
    # The softmax is not a layer.
    assert imported.layers[-2:] == [("dense", 3, ["dense"]), ("output", 3, ["dense"])]
    assert_close(activations(imported, images, "block1"), model.block1(images))
    assert_same_function(imported, model, images)


@pytest.mark.parametrize("make", [Subclassed, lambda: keras.Sequential([layers.Conv2D(4, 3)])])
def test_a_model_that_is_not_built_needs_an_image_shape(make):
    with pytest.raises(InvalidValueError, match=r"not been built.*image_shape=\(height, width"):
        keras_to_graphdef(make())
    with pytest.raises(InvalidValueError, match="height and a width"):
        keras_to_graphdef(make(), (None, None, 3))
    model = make()
    imported = keras_to_graphdef(model, (16, 16, 3))
    assert imported.image_shape == (16, 16, 3)
    assert_same_function(imported, model, some_images(3, 16, 16, 3))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_all_floats_become_float32(policy):
    float32 = small_cnn()
    keras.config.set_dtype_policy(policy)
    try:
        model = small_cnn()
    finally:
        keras.config.set_dtype_policy("float32")
    float32.set_weights(model.get_weights())
    imported = keras_to_graphdef(model)
    attributes = [attr for node in imported.graph_def.node for attr in node.attr.values()]
    dtypes = {dtype for attr in attributes for dtype in (attr.type, attr.tensor.dtype)}
    assert dtypes.isdisjoint(dtype.as_datatype_enum for dtype in (tf.half, tf.bfloat16, tf.double))

    images = some_images(2, 16, 16, 3)
    assert activations(imported, images, "conv1").dtype == np.float32
    assert_same_function(imported, float32, images)
    expected = keras.ops.cast(model(images, training=False), "float32")
    np.testing.assert_allclose(activations(imported, images, "predictions"), expected, atol=0.02)


def test_small_gradients_of_a_half_precision_model_do_not_vanish():
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, dtype="mixed_float16", name="conv")]
    )
    images = some_images(1, 8, 8, 3)

    def tiny(x, T):
        return tf.gradients(tf.reduce_sum(T("conv")) * 1e-9, x)[0]

    assert np.abs(evaluate(keras_to_graphdef(model), images, tiny)).max() > 1e-10


def test_preprocessing_lambda_and_custom_layers_are_part_of_the_graph():
    class Scale(layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
            self.shift = tf.Variable(tf.fill([shape[-1]], 0.25))  # not a Keras variable
            self.built = True

        def call(self, x):
            return x * self.scale + self.shift

    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 127.5, offset=-1, name="rescale"),
            layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1, 2, 3], name="normalize"),
            layers.RandomFlip(name="flip"),
            layers.RandomRotation(0.5, name="rotate"),
            layers.Resizing(12, 12, name="resize"),
            layers.Lambda(lambda x: tf.nn.elu(x), name="elu"),
            Scale(name="scale"),
            layers.GaussianNoise(1.0, name="noise"),
            layers.Conv2D(4, 3, name="conv"),
        ]
    )
    imported = keras_to_graphdef(model)
    assert names(imported) == [layer.name for layer in model.layers]
    assert_same_function(imported, model, 100 * some_images(2, 16, 16, 3))


def test_a_normalization_layer_adapted_to_data_keeps_what_it_learnt():
    normalization = layers.Normalization(name="normalize")
    normalization.adapt(some_images(8, 6, 6, 3) * 5 + 2)
    model = keras.Sequential([keras.Input((6, 6, 3)), normalization, layers.Conv2D(2, 3)])
    assert_same_function(keras_to_graphdef(model), model, some_images(2, 6, 6, 3))


def test_a_model_made_for_integer_images_has_gradients():
    model = keras.Sequential(
        [keras.Input((8, 8, 3), dtype="uint8"), layers.Rescaling(1 / 255), layers.Conv2D(4, 3)]
    )
    imported = keras_to_graphdef(model)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("float32")
    last = names(imported)[-1]
    assert_close(activations(imported, images, last), model(images.astype("uint8")))
    assert np.abs(input_gradient(imported, images, last)).max() > 0


def test_tokens_are_layers_too():
    inputs = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 4, strides=4, name="patches")(inputs)
    x = layers.Reshape((-1, 8), name="tokens")(x)
    x = layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = layers.LayerNormalization(name="norm")(x)
    model = keras.Model(inputs, layers.GlobalAveragePooling1D(name="pool")(x))
    imported = keras_to_graphdef(model)
    assert ("tokens", 8, ["tokens"]) in imported.layers
    assert ("norm", 8, ["tokens"]) in imported.layers
    assert "attention/query" in names(imported)
    assert_same_function(imported, model, some_images(2, 16, 16, 3))


def test_channels_first_models_take_and_give_channels_last_tensors():
    inputs = keras.Input((3, 10, 12))
    x = layers.Conv2D(4, 3, data_format="channels_first", name="conv")(inputs)
    x = layers.BatchNormalization(axis=1, name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_first", name="pool")(x)
    model = keras.Model(inputs, layers.Flatten(name="flatten")(x))
    imported = keras_to_graphdef(model)
    assert imported.image_shape == (10, 12, 3)
    assert imported.layers[:3] == [(name, 4, ["conv"]) for name in ("conv", "norm", "relu")]
    images = some_images(2, 10, 12, 3)
    try:
        expected = model(images.transpose(0, 3, 1, 2), training=False)
    except tf.errors.OpError as error:
        pytest.skip(f"this machine has no channels-first convolution: {error}")
    assert_close(activations(imported, images, "flatten"), expected)
    assert_close(activations(imported, images, "relu").mean((1, 2)), expected)


# Functions and control flow


class Compiled(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(4, 3, activation="relu", name="conv")

    def build(self, shape):
        self.conv.build(shape)
        self.built = True

    @tf.function(jit_compile=True)
    def call(self, x):
        return self.conv(x)


def test_compiled_functions_are_inlined():
    model = keras.Sequential([keras.Input((8, 8, 6)), Compiled(name="compiled")])
    model.add(layers.Conv2D(8, 3, groups=4, name="depthwise"))  # Keras compiles this one
    images = some_images(2, 8, 8, 6)
    model(images)
    for _ in range(2):
        imported = keras_to_graphdef(model)
        assert names(imported) == ["compiled/conv", "compiled", "depthwise"]
        assert not imported.graph_def.library.function
        assert {"Relu", "Conv2D", "DepthwiseConv2dNative"} < ops(imported)
        assert_same_function(imported, model, images)


def test_grouped_convolutions_are_inlined():
    model = keras.Sequential([keras.Input((8, 8, 6)), layers.Conv2D(4, 3, groups=2, name="conv")])
    imported = keras_to_graphdef(model)
    assert not imported.graph_def.library.function
    try:
        assert_same_function(imported, model, some_images(2, 8, 8, 6))
    except tf.errors.OpError as error:
        pytest.skip(f"this machine has no gradient of grouped convolutions: {error}")


class Routed(layers.Layer):
    @tf.function
    def call(self, x):
        y = x * 2
        if tf.reduce_sum(x) > 0:  # needs AutoGraph
            y = tf.nn.relu(x)
        return y


def test_functions_that_need_autograph_work():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), Routed(name="routed")])
    imported = keras_to_graphdef(model)
    assert names(imported)[-1] == "routed"
    assert ops(imported).isdisjoint({"PartitionedCall", "StatefulPartitionedCall", "If"})
    for images in (some_images(2, 8, 8, 3), some_images(2, 8, 8, 3) + 1):
        assert_same_function(imported, model, images)


def test_effects_inside_functions_are_left_out():
    class Checked(layers.Layer):
        @tf.function
        def call(self, x):
            tf.print("called")
            if tf.reduce_any(x < -1e6):
                tf.print("large")
            return x * 2

    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="conv"), Checked(name="checked")]
    )
    imported = keras_to_graphdef(model)
    assert ops(imported).isdisjoint({"PrintV2", "StringFormat", "NoOp", "StatelessIf"})
    hidden = some_images(1, 6, 6, 4)
    with tf.Graph().as_default(), tf1.Session() as session:
        cut = {"conv": tf.constant(hidden)}
        (out,) = tf.import_graph_def(imported.graph_def, cut, return_elements=["checked:0"])
        assert_close(session.run(out), 2 * hidden)  # runs without an image


@pytest.mark.slow
def test_a_saved_model_used_as_a_layer_is_inlined(tmp_path):
    small_cnn().export(tmp_path)
    saved = layers.TFSMLayer(tmp_path, call_endpoint="serve", name="saved")
    model = keras.Sequential([keras.Input((16, 16, 3)), saved])
    imported = keras_to_graphdef(model)
    assert imported.layers == [("saved", 5, ["dense"])]
    assert not imported.graph_def.library.function
    assert "Relu" in ops(imported)
    assert_same_function(imported, model, some_images(2, 16, 16, 3))


def test_loops_stay_loops_without_state():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Reshape((8, 24)),
            layers.Masking(name="mask"),
            layers.LSTM(5, name="lstm"),
        ]
    )
    imported = keras_to_graphdef(model)
    assert "StatelessWhile" in ops(imported)
    assert "While" not in ops(imported)
    images = some_images(2, 8, 8, 3)
    images[:, 3:] = 0
    assert_same_function(imported, model, images)


def test_no_gradient_function_of_this_process_is_referred_to():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="silu")(inputs)
    x = layers.Lambda(tf.custom_gradient(lambda x: (x * 3, lambda dy: dy * 3)), name="triple")(x)
    model = keras.Model(inputs, x)
    imported = keras_to_graphdef(model)
    assert "IdentityN" in ops(imported)
    assert all("_gradient_op_type" not in node.attr for node in imported.graph_def.node)
    assert_same_function(imported, model, some_images(2, 8, 8, 3))


def test_effects_are_left_out():
    class Noisy(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dropout = layers.Dropout(0.5, name="dropout")
            self.norm = layers.BatchNormalization(name="norm")

        def call(self, x):
            tf.debugging.assert_all_finite(x, "finite")
            tf.print("called")
            return self.norm(self.dropout(x, training=True), training=True)

    model = keras.Sequential([keras.Input((8, 8, 3)), Noisy(name="noisy")])
    weights = model.get_weights()
    imported = keras_to_graphdef(model)
    assert names(imported) == ["noisy/dropout", "noisy/norm", "noisy"]
    assert ops(imported).isdisjoint({"PrintV2", "AssignVariableOp", "AssignSubVariableOp"})
    assert activations(imported, some_images(1, 8, 8, 3), "noisy").shape == (1, 8, 8, 3)
    np.testing.assert_equal(model.get_weights(), weights)


# Names


def test_every_call_of_a_shared_layer_has_a_name():
    inputs = keras.Input((12, 12, 4))
    shared = layers.Conv2D(4, 3, name="conv")
    x = shared(shared(inputs))
    x = layers.Conv2D(4, 3, name="conv_1")(x)
    model = keras.Model(inputs, shared(x))
    imported = keras_to_graphdef(model)
    # "conv_1" belongs to the other layer, although "conv" was called a second time before it.
    assert names(imported) == ["conv", "conv_2", "conv_1", "conv_3"]
    images = some_images(2, 12, 12, 4)
    assert_close(activations(imported, images, "conv_2"), shared(shared(images)))
    assert_same_function(imported, model, images)


def test_every_output_of_a_layer_has_a_name():
    class Split(layers.Layer):
        def call(self, x):
            return {"low": x[..., :2], "index": tf.argmax(x, -1), "high": x[..., 2:]}

    inputs = keras.Input((8, 8, 5))
    parts = Split(name="split")(inputs)
    model = keras.Model(inputs, layers.Add(name="sum")([parts["low"], parts["high"][..., :2]]))
    imported = keras_to_graphdef(model)
    # The outputs of a dictionary are in the order of its keys; integers are no activations.
    assert imported.layers == [
        ("split", 3, ["conv"]),
        ("split_output2", 2, ["conv"]),
        ("sum", 2, ["conv"]),
    ]
    images = some_images(2, 8, 8, 5)
    assert_close(activations(imported, images, "split_output2"), images[..., :2])
    np.testing.assert_equal(activations(imported, images, "split_output1"), images.argmax(-1))
    assert_same_function(imported, model, images)


def test_a_layer_may_have_any_name_keras_allows():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3), name="image"),
            layers.Rescaling(2.0, name="input"),
            layers.Conv2D(4, 3, name="_conv"),
            layers.ReLU(name="output"),
            layers.ReLU(name="BiasAdd"),
        ],
        name="conv",
    )
    imported = keras_to_graphdef(model)
    assert names(imported) == ["input", "layer_conv", "output", "BiasAdd"]
    assert imported.input_name == "input_1"
    assert_same_function(imported, model, some_images(2, 8, 8, 3))


def test_a_node_that_has_the_name_of_a_layer_makes_way():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.block = Block(4, name="block")

        def call(self, x):
            with tf.name_scope("block/"):  # the trailing slash makes it absolute
                x = tf.add(x, 1.0, name="conv")
            return self.block(x)

    model = Model()
    imported = keras_to_graphdef(model, (8, 8, 3))
    images = some_images(2, 8, 8, 3)
    assert_close(activations(imported, images, "block/conv"), model.block.conv(images + 1))
    assert_close(activations(imported, images, "block/conv_1"), images + 1)
    assert_same_function(imported, model, images)


# What stays as it was


def test_the_model_and_keras_are_left_as_they_were():
    model = transfer_model()
    config, weights = model.get_config(), model.get_weights()
    call = keras.Layer.__call__
    first, second = keras_to_graphdef(model), keras_to_graphdef(model)
    assert keras.Layer.__call__ is call
    assert not tf.config.functions_run_eagerly()
    assert model.get_config() == config
    np.testing.assert_equal(model.get_weights(), weights)
    assert first[1:] == second[1:]
    images = some_images(2, 16, 16, 3)
    assert_close(activations(first, images, "logits"), activations(second, images, "logits"))
    assert model.predict(images, verbose=0).shape == (2, 3)


def test_the_graph_keeps_the_weights_of_the_time_of_import():
    model = small_cnn()
    images = some_images(2, 16, 16, 3)
    before = keras_to_graphdef(model)
    expected = model(images, training=False)
    kernel = model.get_layer("conv1").kernel
    np.testing.assert_equal(activations(before, images, kernel.path), kernel.numpy())
    kernel.assign(2 * kernel)
    assert_close(activations(before, images, "predictions"), expected)
    assert_same_function(keras_to_graphdef(model), model, images)


@pytest.mark.parametrize("context", ["graph", "function"])
def test_importing_works_while_a_graph_is_being_built(context):
    model = transfer_model()
    imports = []
    if context == "graph":
        with tf.Graph().as_default() as graph:
            imports.append(keras_to_graphdef(model))
        assert not graph.get_operations()
    else:
        tf.function(lambda: imports.append(keras_to_graphdef(model)))()
    assert_same_function(imports[0], model, some_images(2, 16, 16, 3))


def test_threads_do_not_disturb_each_other():
    model, other = transfer_model(), small_cnn()
    images = some_images(2, 16, 16, 3)
    expected = other(images)
    results, outputs = [], []
    threads = [
        threading.Thread(target=lambda: results.append(keras_to_graphdef(model))) for _ in range(2)
    ] + [threading.Thread(target=lambda: outputs.extend(other(images) for _ in range(20)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(results[0]) == names(results[1])
    assert len(outputs) == 20
    for output in outputs:
        assert_close(output, expected)


@pytest.mark.slow
def test_the_same_model_makes_the_same_graph_whatever_came_before_it():
    def digest(model):
        return keras_to_graphdef(model).graph_def.SerializeToString(deterministic=True)

    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="silu", name="conv"),
            Routed(name="routed"),
            layers.Lambda(lambda x: tf.map_fn(tf.nn.relu, x), name="mapped"),
            layers.Reshape((6, 24), name="rows"),
            layers.LSTM(5, name="lstm"),
        ]
    )
    first = digest(model)
    keras_to_graphdef(small_cnn())
    tf.function(lambda n: tf.while_loop(lambda i: i < n, lambda i: [i + 1], [0]))(tf.constant(3))
    assert digest(model) == first
    model.get_layer("conv").bias.assign([1, 2, 3, 4])
    assert digest(model) != first


# What is refused


@pytest.mark.parametrize("dtype", ["float32", "float16"])  # which becomes float32
def test_a_model_that_no_graph_can_hold_is_refused_before_it_is_run(dtype, monkeypatch):
    class Large(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1000, dtype=dtype)
            self.dense.build((None, 6000))

        def call(self, x):
            raise AssertionError("run")

    assert keras_import.LARGEST_GRAPH == 2**31 - 1
    monkeypatch.setattr(keras_import, "LARGEST_GRAPH", 2**31 // 100)
    with pytest.raises(InvalidValueError, match=r"'large.* 0\.02 GB.*2 GB at most.*get_layer"):
        keras_to_graphdef(Large(), (8, 8, 3))


@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_a_quantized_model_is_refused_for_its_gradients(mode):
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(4, name="dense")]
    )
    model.quantize(mode)
    with pytest.raises(InvalidValueError, match=rf"'dense' \({mode}\).*no gradient.*before quant"):
        keras_to_graphdef(model)


def test_tables_are_refused():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Lambda(lambda x: tf.cast(x, "int64")),
            layers.IntegerLookup(vocabulary=[1, 2, 3]),
        ]
    )
    with pytest.raises(InvalidValueError, match="tables"):
        keras_to_graphdef(model)


def test_a_failure_names_the_layer_and_leaves_keras_as_it_was():
    class Broken(layers.Layer):
        def compute_output_shape(self, shape):
            return shape

        def call(self, x):
            raise RuntimeError("out of order")

    inputs = keras.Input((8, 8, 3))
    inner = keras.Model(inputs, Broken(name="broken")(inputs), name="inner")
    model = keras.Sequential([keras.Input((8, 8, 3)), inner], name="model")
    call = keras.Layer.__call__
    with pytest.raises(
        InvalidValueError, match=r"(?s)'model'.*'inner/broken'.*out of order"
    ) as caught:
        keras_to_graphdef(model)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert keras.Layer.__call__ is call
    assert not tf.config.functions_run_eagerly()


def test_one_image_input_is_needed():
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    with pytest.raises(InvalidValueError, match=r"One image input.* has 2"):
        keras_to_graphdef(keras.Model([a, b], layers.Add()([a, b])))
    c = keras.Input((20,))
    with pytest.raises(InvalidValueError, match=r"One image input.*\(None, 20\)"):
        keras_to_graphdef(keras.Model(c, layers.Dense(2)(c)))
    d = keras.Input((8, 8, 3), dtype="int32")
    with pytest.raises(InvalidValueError, match="int32 images"):
        keras_to_graphdef(keras.Model(d, layers.Rescaling(2.0)(d)))


def test_one_image_input_may_be_in_a_dictionary():
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model({"image": image}, {"features": layers.Conv2D(4, 3, name="conv")(image)})
    imported = keras_to_graphdef(model)
    images = some_images(1, 8, 8, 3)
    assert names(imported) == ["conv"]
    assert_close(activations(imported, images, "conv"), model({"image": images})["features"])


def test_a_model_made_in_a_graph_is_refused():
    with tf.Graph().as_default():
        model = small_cnn()
    with pytest.raises(InvalidValueError, match=r"outside of any tf\.Graph"):
        keras_to_graphdef(model)


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, None), (0, 16, 3), (16.0, 16, 3), "abc", 16])
def test_an_image_shape_is_height_width_channels(shape):
    with pytest.raises(InvalidValueError, match=r"\(height, width, channels\)"):
        keras_to_graphdef(Subclassed(), shape)


def test_an_image_shape_that_does_not_fit_the_model_is_refused():
    with pytest.raises(InvalidValueError, match=r"has 4 channels.*have 3"):
        keras_to_graphdef(small_cnn(), (16, 16, 4))
    open_channels = keras.Sequential([keras.Input((None, None, None)), layers.ReLU()])
    with pytest.raises(InvalidValueError, match="how many channels"):
        keras_to_graphdef(open_channels)
    assert keras_to_graphdef(open_channels, (None, None, 5)).image_shape == (None, None, 5)
    model = Subclassed()
    model(some_images(1, 12, 12, 3))
    with pytest.raises(InvalidValueError, match=r"\(20, 20, 3\)"):
        keras_to_graphdef(model, (20, 20, 3))


def test_what_is_not_a_keras_model_is_refused():
    with pytest.raises(InvalidTypeError, match=r"keras\.Model.*Conv2D"):
        keras_to_graphdef(layers.Conv2D(3, 3))


def test_python_inside_a_graph_is_refused():
    class Python(layers.Layer):
        def call(self, x):
            y = tf.numpy_function(np.sin, [x], tf.float32)
            y.set_shape(x.shape)
            return y

    model = keras.Sequential([keras.Input((8, 8, 3)), Python(name="python")])
    with pytest.raises(InvalidValueError, match=r"Python functions.*'.*python.*PyFunc'"):
        keras_to_graphdef(model)


# Models people use


def test_mobilenet():
    model = keras.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, classes=10)
    imported = keras_to_graphdef(model)
    assert names(imported) == [layer.name for layer in model.layers[1:]]
    assert ("block_5_expand_relu", 96, ["conv"]) in imported.layers
    assert not imported.graph_def.library.function
    assert_same_function(imported, model, some_images(1, 64, 64, 3), rtol=1e-3)
