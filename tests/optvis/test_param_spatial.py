import warnings

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis.param import spatial, to_valid_rgb


def recorded(param_f):
    """What `param_f` returns, and the variables it made."""
    made = []

    def record(make, **kwargs):
        made.append(make(**kwargs))
        return made[-1]

    with tf.variable_creator_scope(record):
        return param_f(), made


def numpy_frequencies(h, w):
    fy = np.fft.fftfreq(h)[:, None]
    fx = np.fft.fftfreq(w)[: w // 2 + 1 + w % 2]
    return np.sqrt(fx**2 + fy**2)


def test_frequencies_of_a_small_image():
    np.testing.assert_allclose(spatial.rfft2d_freqs(4, 5)[0], [0, 0.2, 0.4, 0.4])


@given(h=st.integers(1, 40), w=st.integers(1, 40))
@settings(deadline=None, max_examples=40)
def test_frequencies_are_numpys_with_one_more_for_odd_widths(h, w):
    expected = numpy_frequencies(h, w)
    np.testing.assert_allclose(spatial.rfft2d_freqs(h, w), expected, rtol=1e-12)
    as_tensor = spatial.rfft2d_freqs(tf.constant(h), tf.constant(w))
    np.testing.assert_allclose(as_tensor, expected, rtol=1e-12)


@given(
    shape=st.tuples(st.integers(1, 2), st.integers(2, 13), st.integers(2, 13), st.integers(1, 4)),
    decay_power=st.sampled_from([0, 0.5, 1, 2]),
)
@settings(deadline=None, max_examples=25)
def test_an_fft_image_is_the_inverse_transform_of_its_scaled_variable(shape, decay_power):
    n, h, w, ch = shape
    image, (v,) = recorded(lambda: spatial.fft_image(shape, 0.5, decay_power))
    assert v.shape == [2, n, ch, h, w // 2 + 1 + w % 2]
    floored = np.maximum(numpy_frequencies(h, w), 1 / max(h, w))
    spectrum = (v[0].numpy() + 1j * v[1].numpy()) * np.sqrt(h * w) / floored**decay_power
    expected = np.fft.irfft2(spectrum, [h, w + w % 2])[..., :w].transpose(0, 2, 3, 1) / 4
    assert image.shape == shape
    np.testing.assert_allclose(image, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_an_fft_image_starts_with_the_amplitude_learning_rates_are_tuned_to():
    assert np.std(spatial.fft_image([1, 128, 128, 3])) == pytest.approx(0.0185, abs=0.003)


@pytest.mark.parametrize("shape", [[1, 8, 1, 3], [1, 1, 8, 3], [1, 1, 1, 3]])
def test_images_one_pixel_thin_have_no_spectrum_and_say_so(shape):
    with pytest.raises(InvalidValueError, match="pixel_image"):
        spatial.fft_image(shape)
    assert spatial.pixel_image(shape).shape == shape


@pytest.mark.parametrize("shape", [[1, 8, 8], [1, 8, 8, 3, 1], [1, 0, 8, 3], [1, 8, -8, 3]])
def test_fft_image_refuses_other_shapes(shape):
    with pytest.raises(InvalidValueError, match="got"):
        spatial.fft_image(shape)


def test_sd_is_the_standard_deviation_of_the_variable_and_zero_means_the_default():
    for sd, expected in ((None, 0.01), (0, 0.01), (0.5, 0.5)):
        assert np.std(spatial.pixel_image([1, 64, 64, 3], sd)) == pytest.approx(expected, rel=0.05)
    with pytest.raises(InvalidValueError, match="sd"):
        spatial.pixel_image([1, 4, 4, 3], sd=-1)


def test_a_pixel_image_starts_from_the_picture_given():
    picture = np.random.default_rng(0).uniform(size=[5, 6, 3])
    np.testing.assert_array_equal(
        spatial.pixel_image([1, 5, 6, 3], init_val=picture[None]), picture[None].astype(np.float32)
    )
    in_batch = spatial.pixel_image([2, 5, 6, 3], init_val=picture)
    np.testing.assert_array_equal(in_batch, np.stack([picture, picture]).astype(np.float32))


def test_init_val_wins_over_sd_with_a_warning():
    with pytest.warns(UserWarning, match="init_val"):
        image = spatial.pixel_image([1, 2, 2, 3], sd=1, init_val=np.ones([1, 2, 2, 3]))
    np.testing.assert_array_equal(image, np.ones([1, 2, 2, 3]))


def test_init_val_must_fit():
    with pytest.raises(InvalidValueError, match=r"\[7\].*\[1, 4, 4, 3\]"):
        spatial.pixel_image([1, 4, 4, 3], init_val=np.zeros(7))
    with pytest.raises(InvalidTypeError, match="init_val"):
        spatial.pixel_image([1, 4, 4, 3], init_val="photo.jpg")


@pytest.mark.parametrize("shape", [(1, 16, 24, 3), [1, 16, 24, 3], [16, 24, 3], [2, 3, 5, 1]])
def test_a_pyramid_halves_its_variables_down_to_one_pixel(shape):
    image, made = recorded(lambda: spatial.laplacian_pyramid_image(shape))
    *batch, h, w, ch = shape
    sizes = [[*batch, max(1, h // 2**n), max(1, w // 2**n), ch] for n in range(4)]
    assert [list(v.shape) for v in made] == sizes
    assert image.shape == shape


def test_a_pyramid_needs_a_level_and_three_axes():
    with pytest.raises(InvalidValueError):
        spatial.laplacian_pyramid_image([1, 8, 8, 3], n_levels=0)
    with pytest.raises(InvalidValueError, match="H, W, C"):
        spatial.laplacian_pyramid_image([8, 8])


@pytest.mark.parametrize(
    ("xy", "value"),
    [
        ((0, 0), 0),
        ((1, 1), 4),
        ((0.5, 0.5), 2),
        ((0.5, 0), 0.5),
        ((0, 0.5), 1.5),
        ((-1, -1), 5),
        ((3, 1), 3),
        ((2.5, 1.5), 2.5),
        ((5.5, 3.5), 2.5),
    ],
)
def test_texture_lookups_interpolate_and_repeat_as_in_opengl(xy, value):
    texture = np.arange(6, dtype=np.float32).reshape(2, 3, 1)[::-1]
    x, y = xy
    uv = np.array([(x + 0.5) / 3, (y + 0.5) / 2], np.float32)
    np.testing.assert_allclose(spatial.bilinearly_sampled_image(texture, uv), [value], atol=2e-6)


def test_texture_lookups_are_differentiable_in_texture_and_coordinates():
    rng = np.random.default_rng(1)
    texture = tf.constant(rng.normal(size=[5, 7, 2]), tf.float32)
    uv = tf.constant(rng.uniform(-1, 2, size=[3, 4, 2]), tf.float32)
    computed, numeric = tf.test.compute_gradient(
        spatial.bilinearly_sampled_image, [texture, uv], delta=1e-3
    )
    for c, n in zip(computed, numeric, strict=True):
        np.testing.assert_allclose(c, n, atol=2e-2)


def test_texture_lookups_refuse_other_shapes():
    with pytest.raises(InvalidValueError, match=r"\[H, W, C\]"):
        spatial.bilinearly_sampled_image(np.zeros([4, 4]), [0.5, 0.5])
    with pytest.raises(InvalidValueError, match="2"):
        spatial.bilinearly_sampled_image(np.zeros([4, 4, 3]), [0.5, 0.5, 0.5])


def test_old_names_still_work_and_say_the_new_ones():
    with pytest.warns(DeprecationWarning, match="pixel_image") as record:
        assert spatial.naive([1, 2, 2, 3]).shape == [1, 2, 2, 3]
    assert record[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="laplacian_pyramid_image"):
        assert spatial.laplacian_pyramid([1, 8, 8, 3]).shape == [1, 8, 8, 3]
    with pytest.warns(DeprecationWarning, match="bilinearly_sampled_image"):
        assert spatial.sample_bilinear(np.zeros([2, 2, 3]), [0.5, 0.5]).shape == [3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spatial.pixel_image([1, 2, 2, 3])


@pytest.mark.slow
@pytest.mark.parametrize(
    "param_f", [spatial.pixel_image, spatial.fft_image, spatial.laplacian_pyramid_image]
)
def test_every_parameterization_can_become_a_given_picture(param_f):
    x, y = np.meshgrid(*[np.linspace(0, 1, 48)] * 2)
    noise = np.random.default_rng(0).uniform(0.2, 0.8, size=[48, 48])
    target = np.stack([x * 0.8 + 0.1, np.sin(9 * y) * 0.4 + 0.5, noise], -1)[None]
    _, variables = recorded(lambda: param_f([1, 48, 48, 3]))
    optimizer = tf.keras.optimizers.Adam(0.05)

    @tf.function
    def step():
        replay = iter(variables)
        with (
            tf.GradientTape() as tape,
            tf.variable_creator_scope(lambda make, **kwargs: next(replay)),
        ):
            error = tf.reduce_mean(tf.abs(to_valid_rgb(param_f([1, 48, 48, 3])) - target))
        optimizer.apply_gradients(zip(tape.gradient(error, variables), variables, strict=True))
        return error

    assert any(step() < 0.01 for _ in range(1000))
