"""Every architecture of keras.applications, and a vision transformer, from Keras to attribution."""

import concurrent.futures
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from lucidx.modelzoo import graphs
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import param, render

# Per family the smallest images it takes, and a pattern for layers of which the last is one through
# which everything passes, so that the graph can be cut there. The longest prefix of a name counts.
FAMILIES = {
    "ConvNeXt": (32, ".*_downsampling_block_1"),
    "DenseNet": (32, "pool3_pool"),
    "EfficientNet": (32, "block5a_project_bn"),
    "EfficientNetV2": (32, "block5a_project_bn"),
    "InceptionResNetV2": (75, "mixed_6a"),
    "InceptionV3": (75, "mixed5"),
    "MobileNet": (32, "conv_pw_6_bn"),
    "MobileNetV2": (32, "block_10_project_BN"),
    "MobileNetV3": (32, "expanded_conv_6_project_bn"),
    "NASNet": (32, r"normal_concat_\d+"),
    "ResNet": (32, "conv4_block3_out"),
    "ResNetV2": (32, "conv4_block3_out"),
    "VGG": (32, "block4_conv2"),
    "Xception": (71, "block14_sepconv1_bn"),
}
ARCHITECTURES = [name for name in dir(keras.applications) if name[0].isupper()]
QUICK = ["MobileNetV2"]

# Of those that need much memory.
PARAMETERS = {
    "ConvNeXtBase": 88e6,
    "ConvNeXtLarge": 196e6,
    "ConvNeXtSmall": 49e6,
    "ConvNeXtXLarge": 348e6,
    "EfficientNetB6": 41e6,
    "EfficientNetB7": 64e6,
    "EfficientNetV2L": 117e6,
    "EfficientNetV2M": 53e6,
    "InceptionResNetV2": 54e6,
    "NASNetLarge": 85e6,
    "ResNet101": 43e6,
    "ResNet101V2": 43e6,
    "ResNet152": 58e6,
    "ResNet152V2": 58e6,
}
COPIES = 10

# With random weights Keras' own logits change entirely when the image changes by a millionth.
CHAOTIC = ["EfficientNetV2L"]


def family_of(architecture):
    if architecture.startswith("ResNet"):
        return "ResNetV2" if architecture.endswith("V2") else "ResNet"
    return max((name for name in FAMILIES if architecture.startswith(name)), key=len)


def make(architecture):
    """The whole architecture with random weights and few classes."""
    size, _ = FAMILIES[family_of(architecture)]
    keras.utils.set_random_seed(0)
    return getattr(keras.applications, architecture)(
        weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None
    )


def memory_shortage(architecture):
    """What is said where there is not enough memory; otherwise nothing."""
    needed = 1e9 + COPIES * 4 * PARAMETERS.get(architecture, 0)
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = 1024 * int(memory["MemAvailable"].removesuffix("kB"))
    enough = f"needs {needed / 1e9:.0f} GB of memory; there are {available / 1e9:.0f} GB"
    return "" if available >= needed else enough


def hidden_layer(architecture, model):
    _, pattern = FAMILIES[family_of(architecture)]
    return [layer.name for layer in model.layers if re.fullmatch(pattern, layer.name)][-1]


def some_images(model):
    return np.random.default_rng(0).uniform(size=(1, *model.image_shape)).astype("float32")


def render_two_steps(model, layer, channel):
    """The image after two steps, and the objective at each."""
    height, width, channels = model.image_shape
    values = []
    (image,) = render.render_vis(
        model,
        f"{layer}:{channel}",
        lambda: param.image(
            width, h=height, fft=False, channels=None if channels == 3 else channels
        ),
        transforms=[],
        thresholds=(1,),
        verbose=False,
        seed=0,
        on_step=lambda vis, value: values.append(value),
    )
    return image, values


def attribute(model, hidden, layer, logits):
    """Gradient times activation of the first logit, with respect to a hidden layer."""
    hidden = tf.constant(hidden)
    with tf.GradientTape() as tape:
        tape.watch(hidden)
        logit = model.function(logits, inputs=layer)(hidden)[:, 0]
    return (tape.gradient(logit, hidden) * hidden).numpy()


def assert_everything_works(keras_model, layer, chaotic=False):
    model = Model.from_keras(keras_model, image_value_range=(-1, 1))
    graphs.prepare(model.graph_def, model.name)  # refuses operations that are not allowed
    logits = model.layers[-1].name
    images = some_images(model)

    ours = model.activations(images, [layer, logits])
    outputs = [keras_model.get_layer(layer).output, keras_model.output]
    parts = keras.Model(keras_model.input, outputs)
    theirs = parts(2 * images - 1, training=False)
    for name, expected in zip((layer, logits), theirs, strict=True):
        expected = np.asarray(expected)
        assert np.ptp(expected) > 0
        if name != logits or not chaotic:
            np.testing.assert_allclose(ours[name], expected, 1e-3, 1e-4 * np.abs(expected).max())

    channel = int(np.argmax(np.abs(ours[layer]).reshape(-1, ours[layer].shape[-1]).mean(0)))
    image, values = render_two_steps(model, layer, channel)
    assert image.shape == images.shape
    assert np.isfinite(image).all()
    assert np.isfinite(values).all()
    assert values[1] != values[0]

    effect = attribute(model, ours[layer], layer, logits)
    assert effect.shape == ours[layer].shape
    assert np.isfinite(effect).all()
    assert np.abs(effect).max() > 0


def check(architecture):
    keras_model = make(architecture)
    layer = hidden_layer(architecture, keras_model)
    assert_everything_works(keras_model, layer, architecture in CHAOTIC)


@pytest.mark.parametrize("architecture", QUICK)
def test_an_architecture_is_rendered_and_explained(architecture):
    check(architecture)


def check_in_a_process(architecture):
    """What went wrong, or nothing; a reason to skip, if there is too little memory.

    In a process of its own, because TensorFlow keeps copies of the weights of each function.
    """
    shortage = memory_shortage(architecture)
    if shortage:
        return "", shortage
    code = f"import test_keras_applications as test; test.check({architecture!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True
    )
    return (done.stderr[-5000:] or "It failed.") if done.returncode else "", ""


@pytest.fixture(scope="module")
def outcomes():
    """By architecture what came of it: two at a time, but the largest alone."""
    others = [name for name in ARCHITECTURES if name not in QUICK]
    largest = [name for name in others if PARAMETERS.get(name, 0) > 1e8]
    rest = [name for name in others if name not in largest]
    found = {name: check_in_a_process(name) for name in largest}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return found | dict(zip(rest, pool.map(check_in_a_process, rest), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name not in QUICK])
def test_every_other_architecture_is_too(architecture, outcomes):
    failure, shortage = outcomes[architecture]
    if shortage:
        pytest.skip(shortage)
    assert not failure, failure


class Tokens(layers.Layer):
    """Patches as tokens behind a class token, with their positions."""

    def __init__(self, width, patch, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.embed = layers.Conv2D(width, patch, strides=patch, name="embed")
        self.flatten = layers.Reshape((-1, width), name="flatten")

    def build(self, shape):
        self.embed.build(shape)
        _, height, width, _ = self.embed.compute_output_shape(shape)
        self.class_token = self.add_weight(shape=(1, 1, self.width), name="class_token")
        self.positions = self.add_weight(
            shape=(1, height * width + 1, self.width), initializer="normal", name="positions"
        )
        self.built = True

    def call(self, images):
        patches = self.flatten(self.embed(images))
        first = keras.ops.broadcast_to(
            self.class_token, (keras.ops.shape(images)[0], 1, self.width)
        )
        return keras.ops.concatenate([first, patches], axis=1) + self.positions


def vision_transformer(size=32, width=16, heads=2, depth=3, patch=8):
    """ViT of Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021), small."""
    keras.utils.set_random_seed(0)
    images = keras.Input((size, size, 3))
    x = Tokens(width, patch, name="tokens")(images)
    for i in range(depth):
        y = layers.LayerNormalization(epsilon=1e-6, name=f"block{i}_norm1")(x)
        y = layers.MultiHeadAttention(heads, width // heads, name=f"block{i}_attention")(y, y)
        x = layers.Add(name=f"block{i}_add1")([x, y])
        y = layers.LayerNormalization(epsilon=1e-6, name=f"block{i}_norm2")(x)
        y = layers.Dense(4 * width, activation="gelu", name=f"block{i}_expand")(y)
        y = layers.Dropout(0.1, name=f"block{i}_dropout")(y)
        y = layers.Dense(width, name=f"block{i}_project")(y)
        x = layers.Add(name=f"block{i}_out")([x, y])
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.Lambda(lambda x: x[:, 0], name="class")(x)
    return keras.Model(images, layers.Dense(5, name="logits")(x), name="vit")


def test_a_vision_transformer_is_rendered_and_explained():
    assert_everything_works(vision_transformer(), "block1_out")
