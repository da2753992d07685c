"""Activations of one layer for many examples, arranged by index."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from small_graphs import graph_of, images, residual_model, tf1, weights

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.modelzoo.get_activations import get_activations, get_activations_iter
from lucidx.modelzoo.vision_base import Model


@pytest.fixture(scope="module")
def toy():
    return residual_model()


@pytest.fixture(scope="module")
def photos():
    return images(12)


@pytest.fixture(scope="module")
def acts(toy, photos):
    return toy.activations(photos, "second_relu")


@pytest.fixture(scope="module")
def signed():
    """A model with a layer whose activations are the image in -1..1."""

    def network():
        tf.identity(tf1.placeholder(tf.float32, [None, None, None, 3], name="input"), name="same")

    return Model.from_graphdef(graph_of(network), image_value_range=(-1, 1))


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


# Examples without an index of their own


def test_an_array_of_images_gives_an_array_of_activations(toy, photos, acts):
    close(get_activations(toy, "second_relu", photos), acts)
    close(toy.get_activations(toy.get_layer("second_relu"), photos), acts)


def test_leading_axes_are_kept(toy, photos, acts):
    examples = photos.reshape(3, 2, 2, 8, 8, 3)
    close(get_activations(toy, "second_relu", examples), acts.reshape(3, 2, 2, 8, 8, 4))
    close(get_activations(toy, "second_relu", photos[0]), acts[0])


@pytest.mark.parametrize("batch_size", [1, 5, 12, 64])
def test_examples_may_be_nested_lists_tuples_and_generators(toy, photos, acts, batch_size):
    rows = photos.reshape(4, 3, 8, 8, 3)
    expected = acts.reshape(4, 3, 8, 8, 4)
    for examples in (
        rows,
        list(rows),
        [list(row) for row in rows],
        (tuple(row) for row in rows),
        ((image for image in row) for row in rows),
        [(image for image in row) for row in rows],
        iter(rows),
    ):
        close(get_activations(toy, "second_relu", examples, batch_size=batch_size), expected)


def test_rows_may_differ_in_length(toy, photos, acts):
    result = get_activations(toy, "second_relu", [list(photos[:3]), list(photos[3:4])])
    assert result.shape == (2, 3, 8, 8, 4)
    close(result[0], acts[:3])
    close(result[1, 0], acts[3])
    assert not result[1, 1:].any()


def test_tensors_and_bytes_are_examples(toy, photos):
    pixels = np.round(255 * photos[:2]).astype(np.uint8)
    expected = toy.activations(pixels, "pool")
    close(get_activations(toy, "pool", pixels), expected)
    close(get_activations(toy, "pool", tf.constant(pixels / np.float32(255))), expected)


class InFile:
    """Images as h5py and zarr have them in a file: in chunks, too large for memory."""

    chunks = (1, 8, 8, 3)
    ndim = 4

    def __init__(self, images):
        self._images = images
        self.shape = images.shape

    def __getitem__(self, index):
        return self._images[index]

    def __array__(self, dtype=None, copy=None):
        raise MemoryError


def test_images_in_a_file_are_read_one_after_another(toy, photos, acts, tmp_path):
    close(get_activations(toy, "second_relu", InFile(photos), batch_size=5), acts)
    zarr = pytest.importorskip("zarr")
    stored = zarr.open_array(
        str(tmp_path / "x.zarr"), mode="w", shape=photos.shape, chunks=(2, 8, 8, 3), dtype="f4"
    )
    stored[:] = photos
    close(get_activations(toy, "second_relu", stored, batch_size=5), acts)


def test_a_generator_is_read_no_further_than_a_batch_ahead(toy, photos):
    read = []

    def examples():
        for index, photo in enumerate(photos):
            read.append(index)
            yield photo if index < 6 else np.zeros(3)

    with pytest.raises(InvalidValueError):
        get_activations(toy, "pool", examples(), batch_size=3)
    assert read == list(range(9))


# Examples with an index


REDUCED = {
    "mean": lambda values: values.mean(0),
    "max": lambda values: values.max(0),
    "rms": lambda values: np.sqrt((values**2).mean(0)),
}


@pytest.mark.parametrize("reducer", REDUCED)
@pytest.mark.parametrize("center_only", [False, True])
@pytest.mark.parametrize("ind_shape", [None, (3, 2), (4, 5)])
@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_examples_of_one_index_are_reduced(
    signed, photos, reducer, center_only, ind_shape, batch_size
):
    values = 2 * photos - 1
    values = values[:, 4, 4] if center_only else values
    indices = [(i % 3, 0) if i < 9 else (2, 1) for i in range(len(photos))]
    expected = np.zeros((*(ind_shape or (3, 2)), *values.shape[1:]), np.float32)
    for index in set(indices):
        chosen = values[[i == index for i in indices]]
        expected[index] = REDUCED[reducer](chosen)
    result = get_activations_iter(
        signed,
        "same",
        zip(indices, photos, strict=True),
        reducer,
        batch_size,
        ind_shape=ind_shape,
        center_only=center_only,
    )
    assert result.dtype == np.float32
    close(result, expected)


def test_the_mean_of_many_examples_keeps_its_digits(signed):
    image = np.full((1, 1, 3), 0.8)
    examples = (((0,), image) for _ in range(20_000))
    result = get_activations_iter(signed, "same", examples, batch_size=1000)
    np.testing.assert_allclose(result, np.full((1, 1, 1, 3), 0.6), rtol=1e-6)


PROGRAM = """
import resource, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from small_graphs import residual_model
from lucidx.modelzoo.get_activations import get_activations_iter
model = residual_model()
for count in (100, 1000):
    examples = (((i,), np.full((64, 64, 3), 0.5)) for i in range(count))
    result = get_activations_iter(model, "block", examples, batch_size=8, center_only=True)
    assert result.shape == (count, 8)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_what_is_not_kept():
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, here], capture_output=True, text=True, check=True
    )
    few, many = (int(line) / 1024 for line in done.stdout.split())
    # The whole activations would be 113 MiB more.
    assert many - few < 20


def test_the_maximum_of_negative_activations_is_negative(signed):
    dark = [((0,), np.full((2, 2, 3), value)) for value in (0.1, 0.3, 0.2)]
    for ind_shape in (None, (2,)):
        result = get_activations_iter(signed, "same", dark, "max", ind_shape=ind_shape)
        close(result[0], np.full((2, 2, 3), -0.4))


def test_an_index_may_be_a_list_or_numpy_integers(signed, photos):
    expected = 2 * photos[:2] - 1
    for make in (list, np.array, lambda index: tuple(map(np.int64, index))):
        examples = [(make((0, i)), photos[i]) for i in range(2)]
        close(get_activations_iter(signed, "same", examples)[0], expected)


@pytest.mark.parametrize("dtype", [np.float16, "float64", np.float32])
def test_the_result_has_the_type_asked_for(toy, photos, acts, dtype):
    result = get_activations(toy, "second_relu", photos, dtype=dtype)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, acts, rtol=2e-3, atol=1e-3)


def test_the_centre_is_that_of_lucid(signed, photos):
    for height, width in itertools.product((1, 4, 5), repeat=2):
        some = photos[:2, :height, :width]
        result = get_activations(signed, "same", some, center_only=True)
        close(result, 2 * some[:, height // 2, width // 2] - 1)


def test_the_centre_of_a_channels_first_layer_has_all_channels(photos):
    def network():
        x = tf1.placeholder(tf.float32, [None, None, None, 3], name="input")
        x = tf.nn.bias_add(tf.transpose(x, [0, 3, 1, 2]), [0.0, 1.0, 2.0], "NCHW", name="first")
        tf.identity(x, name="again")

    model = Model.from_graphdef(graph_of(network), image_value_range=(0, 1))
    result = get_activations(model, "again", photos, center_only=True)
    close(result, photos[:, 4, 4] + [0, 1, 2])


def test_images_of_different_sizes_can_share_a_result_that_has_no_size(signed, toy):
    examples = [np.full((size, size, 3), 0.5) for size in (8, 4, 6)]
    assert get_activations(toy, "pool", examples, batch_size=1).shape == (3, 8)
    assert get_activations(signed, "same", examples, batch_size=1, center_only=True).shape == (3, 3)
    with pytest.raises(InvalidValueError, match="center_only"):
        get_activations(signed, "same", examples, batch_size=1)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_models_with_other_channels_and_proportions(channels):
    def network():
        x = tf1.placeholder(tf.float32, [None, 6, 12, channels], name="input")
        tf.nn.conv2d(x, weights(3, 3, channels, 4), 1, "SAME", name="conv")

    model = Model.from_graphdef(graph_of(network), image_value_range=(0, 1))
    given = np.random.default_rng(0).uniform(size=(5, 6, 12, channels)).astype(np.float32)
    expected = model.activations(given, "conv")
    assert expected.shape == (5, 6, 12, 4)
    close(get_activations(model, "conv", list(given), batch_size=2), expected)
    close(get_activations(model, "conv", given, center_only=True), expected[:, 3, 6])


# What cannot be


def test_an_unknown_layer_or_reducer_is_refused(toy, photos):
    with pytest.raises(UnknownLayerError, match="second_relu"):
        get_activations(toy, "secnd_relu", photos)
    with pytest.raises(InvalidValueError, match="mean, max, rms; got 'median'"):
        get_activations_iter(toy, "pool", [((0,), photos[0])], "median")


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_at_least_one_image(toy, photos, batch_size):
    with pytest.raises(InvalidValueError, match="batch_size is at least 1"):
        get_activations(toy, "pool", photos, batch_size=batch_size)


@pytest.mark.parametrize("nothing", [[], [[], []], np.zeros((0, 8, 8, 3)), iter(())])
def test_no_examples_are_refused(toy, nothing):
    with pytest.raises(InvalidValueError, match="no examples"):
        get_activations(toy, "pool", nothing)


@pytest.mark.parametrize("thing", ["photo.jpg", ["photo.jpg"], [None], 3, [[0.5, 0.5]]])
def test_what_are_not_arrays_is_refused(toy, thing):
    with pytest.raises(InvalidTypeError, match="Examples are arrays"):
        get_activations(toy, "pool", thing)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (np.zeros((8, 8)), "images .H, W, C"),
        ([np.zeros((8, 3))] * 5, "images .H, W, C"),
        ([np.zeros((8, 8, 3)), np.zeros((9, 9, 3))], "one size: resize"),
        (np.zeros((2, 8, 8, 4)), "Leave transparency out"),
        (np.full((2, 8, 8, 3), 200.0), "in 0..1"),
    ],
)
def test_what_are_not_images_is_refused(toy, examples, message):
    with pytest.raises(InvalidValueError, match=message):
        get_activations(toy, "pool", examples)


@pytest.mark.parametrize(
    ("indices", "ind_shape"),
    [([(0,), (5,)], (5,)), ([(0,), (-1,)], None), ([(0,)], (2, 2)), ([(0, 1), (0,)], None)],
)
def test_indices_that_do_not_fit_are_refused(toy, photos, indices, ind_shape):
    with pytest.raises(InvalidValueError, match=r"[Ii]ndices"):
        get_activations_iter(toy, "pool", zip(indices, photos, strict=False), ind_shape=ind_shape)


def test_a_layer_without_height_and_width_has_no_centre(toy, photos):
    with pytest.raises(InvalidValueError, match="'pool' has no height and width"):
        get_activations(toy, "pool", photos, center_only=True)


def test_examples_can_be_asked_for_while_a_graph_is_built(toy, photos, acts):
    with tf.Graph().as_default():
        close(get_activations(toy, "second_relu", photos), acts)
