import importlib
import inspect

import numpy as np
import pytest

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, randomness


def test_the_first_argument_is_the_width():
    assert param.image(5, 7).shape == [1, 7, 5, 3]


def test_height_and_batch_default_to_width_and_one():
    assert param.image(6).shape == [1, 6, 6, 3]
    assert param.image(6, batch=2).shape == [2, 6, 6, 3]


@pytest.mark.parametrize("fft", [True, False])
@pytest.mark.parametrize("decorrelate", [True, False])
@pytest.mark.parametrize(
    ("kwargs", "channels"), [({}, 3), ({"alpha": True}, 4), ({"channels": 5}, 5)]
)
def test_images_are_valid_whatever_the_space_they_are_optimised_in(
    fft, decorrelate, kwargs, channels
):
    # A wild start reaches the ends of the range.
    image = param.image(7, 6, batch=2, sd=5, fft=fft, decorrelate=decorrelate, **kwargs).numpy()
    assert image.shape == (2, 6, 7, channels)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    assert image.std() > 0.1


def test_an_image_starts_as_nearly_uniform_grey():
    image = param.image(128).numpy()
    assert image.mean() == pytest.approx(0.4997, abs=0.002)
    assert image.std() == pytest.approx(0.003, abs=0.001)


def test_alpha_is_a_sigmoid_beside_decorrelated_colours():
    with randomness.stream(0):
        image = param.image(8, alpha=True).numpy()
    with randomness.stream(0):
        t = param.fft_image([1, 8, 8, 4])
    np.testing.assert_allclose(image[..., 3], 1 / (1 + np.exp(-t[..., 3])), rtol=1e-5)
    np.testing.assert_array_equal(image[..., :3], param.to_valid_rgb(t[..., :3], decorrelate=True))


def test_given_channels_are_independent_sigmoids():
    with randomness.stream(0):
        image = param.image(8, alpha=True, channels=3).numpy()
    with randomness.stream(0):
        t = param.fft_image([1, 8, 8, 3]).numpy()
    np.testing.assert_allclose(image, 1 / (1 + np.exp(-t)), rtol=1e-5)


def test_grayscale_images_have_three_equal_channels():
    image = param.grayscale_image_rgb(6, h=5, batch=2, sd=1).numpy()
    assert image.shape == (2, 5, 6, 3)
    assert image.std() > 0.01
    np.testing.assert_array_equal(image[..., 0], image[..., 1])
    np.testing.assert_array_equal(image[..., 0], image[..., 2])
    with pytest.raises(TypeError):
        param.grayscale_image_rgb(6, channels=2)


def test_decay_power_makes_images_smoother():
    def roughness(decay_power):
        with randomness.stream(0):
            image = param.image(32, sd=0.1, decay_power=decay_power).numpy()
        return np.abs(np.diff(image, axis=1)).mean() / image.std()

    assert roughness(0) > roughness(1) > roughness(2)


def test_decay_power_is_refused_for_pixels():
    with pytest.raises(InvalidValueError, match="fft=True"):
        param.image(8, fft=False, decay_power=2)


def test_the_same_seed_makes_the_same_image_whatever_the_batch():
    def start(seed, batch):
        with randomness.stream(seed):
            return param.image(8, batch=batch).numpy()

    np.testing.assert_array_equal(start(3, 2), start(3, 2))
    np.testing.assert_array_equal(start(3, 1)[0], start(3, 4)[0])
    assert np.abs(start(3, 2)[0] - start(3, 2)[1]).max() > 0
    assert np.abs(start(3, 1) - start(4, 1)).max() > 0


@pytest.mark.parametrize(
    "kwargs", [{"w": 0}, {"w": -3}, {"w": 8, "h": 0}, {"w": 8, "batch": 0}, {"w": 8, "channels": 0}]
)
@pytest.mark.parametrize("fft", [True, False])
def test_sizes_below_one_are_refused(kwargs, fft):
    with pytest.raises(InvalidValueError, match="at least 1"):
        param.image(**kwargs, fft=fft)


@pytest.mark.parametrize("kwargs", [{"w": 8.5}, {"w": "8"}, {"w": None}, {"w": 8, "sd": "big"}])
def test_sizes_and_sd_of_another_type_are_refused(kwargs):
    with pytest.raises(InvalidTypeError):
        param.image(**kwargs)


def test_numpy_integers_are_sizes():
    assert param.image(np.int64(4), h=np.int32(5)).shape == [1, 5, 4, 3]


def test_the_package_offers_lucids_names():
    functions = [param.image, param.grayscale_image_rgb, param.lowres_tensor, param.to_valid_rgb]
    functions += [param.naive, param.fft_image, param.laplacian_pyramid, param.image_sample]
    assert all(inspect.isfunction(f) for f in functions)
    modules = [param.spatial, param.color, param.lowres, param.random, param.images]
    assert all(inspect.ismodule(m) for m in modules)


def test_cppn_is_the_function_even_after_its_module_is_imported():
    module = importlib.import_module("lucidx.optvis.param.cppn")
    assert param.cppn is module.cppn
