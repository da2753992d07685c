import joblib
import numpy as np
import pytest
import tensorflow as tf

import lucidx.scratch.rl_util as rl
from lucidx.errors import CorruptFileError, InvalidValueError, UnsafeFileError
from lucidx.scratch.rl_util import arch, attribution, nmf, util

LUCIDS_NAMES = """
np tf Model ChannelReducer param objectives render transform show save _image_url _display_html
lucid_svelte load_joblib save_joblib zoom_to get_var get_shape concatenate_horizontally hue_to_rgb
channels_to_rgb conv2d norm_filter brightness_to_opacity gradient_override_map maxpool_override
get_acts get_grad_or_attr get_attr get_grad get_paths get_multi_path_attr argmax_nd LayerNMF
rescale_opacity all_ reload
""".split()


def test_the_star_brings_lucids_names():
    notebook = {}
    exec("from lucidx.scratch.rl_util import *", notebook)
    assert set(LUCIDS_NAMES) <= set(notebook)
    assert len(LUCIDS_NAMES) == len(rl.all_()) == 37
    assert notebook["np"] is np


def test_lucids_modules_have_their_functions():
    assert attribution.get_attr is rl.get_attr
    assert nmf.LayerNMF is rl.LayerNMF
    assert util.conv2d is rl.conv2d


def test_reloading_brings_all_names_into_a_notebook():
    notebook = {"zoom_to": None}
    rl.reload(notebook)
    assert set(notebook) == set(rl.all_())
    assert notebook["zoom_to"] is rl.zoom_to


def test_zooming_repeats_pixels():
    image = np.arange(12).reshape(2, 3, 2)
    zoomed = rl.zoom_to(image, 10)
    assert zoomed.shape == (6, 9, 2)
    np.testing.assert_array_equal(zoomed[::3, ::3], image)
    np.testing.assert_array_equal(rl.zoom_to(image, 2), image)
    assert rl.zoom_to(image[np.newaxis], 6).shape == (1, 4, 6, 2)


def test_images_are_put_side_by_side():
    images = np.arange(24).reshape(2, 3, 2, 2)
    whole = rl.concatenate_horizontally(images)
    assert whole.shape == (1, 3, 4, 2)
    np.testing.assert_array_equal(whole[0, :, 2:], images[1])


def test_channels_have_hues():
    rgb = rl.channels_to_rgb(np.array([[1.0, 0, 0], [0, -2, 0], [0.5, 0.5, 0]]))
    np.testing.assert_allclose(rgb, [[1, 0, 0], [0, -2, 0], [0.5, 0.5, 0]], atol=1e-12)
    assert rl.channels_to_rgb(np.ones((2, 3, 6))).shape == (2, 3, 3)


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (1, 5), (4, 3)])
def test_filtering_is_tensorflows_with_the_same_kernel_for_each_channel(size):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 6, 7, 3)), rng.normal(size=size)
    depthwise = np.tile(kernel[:, :, None, None], (1, 1, 3, 1))
    expected = tf.nn.depthwise_conv2d(x, depthwise, [1, 1, 1, 1], "SAME")
    np.testing.assert_allclose(rl.conv2d(x, kernel), expected, atol=1e-5)


def test_round_kernels_have_the_recorded_values():
    kernel = rl.norm_filter(3)
    edge = np.exp(-1)
    np.testing.assert_allclose(kernel, [[0, edge, 0], [edge, 1, edge], [0, edge, 0]])
    assert (rl.norm_filter(5, clip=False) > 0).all()
    assert rl.norm_filter(4, norm_ord=np.inf, norm_func=lambda n: -n)[0, 0] == -1.5
    with pytest.raises(InvalidValueError, match="at least 1"):
        rl.norm_filter(0)


def test_brightness_becomes_opacity_and_looks_the_same_on_black():
    image = np.random.default_rng(0).uniform(0, 0.5, (4, 4, 3))
    image[0, 0] = 0
    rgba = rl.brightness_to_opacity(image)
    np.testing.assert_allclose(rgba[..., :3] * rgba[..., 3:], image)
    np.testing.assert_allclose(rgba[..., 3], np.linalg.norm(image, axis=-1))
    bright = rl.brightness_to_opacity([[1.0, 1, 1]])
    np.testing.assert_allclose(bright, [[1, 1, 1, 1]])


def test_joblib_files_need_to_be_trusted(tmp_path):
    path = tmp_path / "values.jd"
    with pytest.raises(UnsafeFileError, match="allow_unsafe_formats"):
        rl.save_joblib({"a": 1}, path)
    assert not path.exists()
    rl.save_joblib({"a": np.arange(3)}, path, allow_unsafe_formats=True)
    with pytest.raises(UnsafeFileError, match="allow_unsafe_formats"):
        rl.load_joblib(path)
    np.testing.assert_array_equal(rl.load_joblib(path, allow_unsafe_formats=True)["a"], [0, 1, 2])
    with path.open("rb") as handle:
        assert list(rl.load_joblib(handle, allow_unsafe_formats=True)) == ["a"]
    assert list(joblib.load(path)) == ["a"]


def test_damaged_joblib_files_are_named(tmp_path):
    path = tmp_path / "broken.jd"
    path.write_bytes(b"not a pickle")
    with pytest.raises(CorruptFileError, match=r"broken\.jd"):
        rl.load_joblib(path, allow_unsafe_formats=True)
    with pytest.raises(FileNotFoundError):
        rl.load_joblib(tmp_path / "missing.jd", allow_unsafe_formats=True)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_clear_network_makes_a_model_to_look_at(batch_norm):
    import keras

    images = keras.Input([32, 32, 3])
    network = keras.Model(images, arch.clear_cnn(images, batch_norm))
    assert network.output_shape == (None, 512)
    assert [layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)] == [
        "1a", "2a", "2b", "3a", "4a",
    ]  # fmt: skip
    model = rl.Model.from_keras(network, (0, 255), name="Clear")
    obses = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(
        rl.get_acts(model, "2a_relu", obses),
        keras.Model(images, network.get_layer("2a_relu").output)(obses * 255),
        atol=1e-4,
    )
