import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, randomness, render
from lucidx.optvis.param import magnitude


def amplitudes(images, decorrelate=True):
    """Of the spectra of the unconstrained numbers of images [N, H, W, C]."""
    t = param.from_valid_rgb(images, decorrelate).astype(np.float64)
    return np.abs(np.fft.rfft2(t.transpose(0, 3, 1, 2)))


def real_ones(h, w):
    """Where a real image's spectrum is real."""
    row, column = np.mgrid[:h, : w // 2 + 1]
    return (2 * row % h == 0) & (2 * column % w == 0)


@given(
    h=st.integers(2, 17),
    w=st.integers(1, 8).map(lambda half: 2 * half),
    channels=st.sampled_from([None, 1, 4]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=30)
def test_amplitudes_are_the_given_ones_whatever_the_phases(h, w, channels, seed):
    photo = np.random.default_rng(seed).uniform(0.4, 0.6, [h, w, channels or 3])
    wanted = param.magnitude_of([photo])
    with randomness.stream(seed):
        images = param.maco_image(w, h, 2, magnitude=wanted, channels=channels)
    found = amplitudes(images, channels is None)
    real = real_ones(h, w)
    both = np.stack([wanted, wanted])
    np.testing.assert_allclose(found[..., ~real], both[..., ~real], rtol=1e-3, atol=1e-3)
    assert (found[..., real] <= wanted[..., real] + 1e-3).all()


def test_optimising_changes_phases_and_no_amplitudes(tiny):
    small = 0.3 * param.natural_magnitude(24)  # far from where colours saturate
    first, last = render.render_vis(
        tiny,
        "second:3",
        lambda: param.maco_image(24, magnitude=small),
        thresholds=(0, 30),
        verbose=False,
        seed=0,
    )
    real = real_ones(24, 24)
    np.testing.assert_allclose(amplitudes(last)[..., ~real], [small[..., ~real]], rtol=0.01)
    assert np.abs(last - first).mean() > 0.02
    start, end = tiny.activations(np.concatenate([first, last]), "second")[..., 3].mean((1, 2))
    assert end > 1.2 * start


def test_images_of_a_batch_start_differently_and_do_not_depend_on_its_size():
    with randomness.stream(5):
        two = param.maco_image(8, batch=2).numpy()
    with randomness.stream(5):
        one = param.maco_image(8).numpy()
    np.testing.assert_allclose(two[:1], one, atol=1e-6)
    assert np.abs(two[1] - two[0]).max() > 0.1


@pytest.mark.parametrize("size", [(64, 64), (65, 40), (40, 65), (2, 3)])
def test_odd_and_oblong_images_are_as_vivid_as_others(size):
    w, h = size
    image = param.maco_image(w, h, batch=4)
    assert image.shape == (4, h, w, 3)
    assert param.natural_magnitude(w, h).shape == (3, h, w // 2 + 1 + w % 2)
    deviation = np.sqrt(np.mean(param.from_valid_rgb(image, True) ** 2))
    assert deviation == pytest.approx(magnitude.CONTRAST, rel=0.3 if w < 8 else 0.05)


def test_natural_amplitudes_fall_with_frequency():
    amplitude = param.natural_magnitude(128)
    np.testing.assert_array_equal(amplitude[0], amplitude[2])
    assert amplitude[0, 0, 32] / amplitude[0, 0, 64] == pytest.approx(2**1.2, rel=1e-3)
    np.testing.assert_allclose(amplitude[0, 10, :64], amplitude[0, -10, :64])


def test_the_magnitude_of_an_image_makes_images_like_it():
    x = np.mgrid[:16, :15][1] / 16
    stripes = np.repeat(0.5 + 0.2 * np.sin(9 * x)[..., None], 3, -1)
    found = param.magnitude_of([stripes])
    assert found.shape == (3, 16, 9)
    image = param.maco_image(15, 16, magnitude=found)[0].numpy()
    along, across = (np.abs(np.diff(image, axis=axis)).mean() for axis in (0, 1))
    assert across > 5 * along


def test_the_magnitude_of_images_is_their_mean():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, [3, 6, 7, 3]).astype(np.uint8)
    each = [param.magnitude_of([image]) for image in images]
    np.testing.assert_allclose(param.magnitude_of(images), np.mean(each, 0), rtol=1e-5)
    grey = param.magnitude_of(images[..., :1])
    assert grey.shape == (1, 6, 5)


WRONG = {
    "other size": (np.ones([3, 8, 6]), InvalidValueError, r"\[3, 8, 5\].*\[3, 8, 6\]"),
    "no channels": (np.ones([8, 5]), InvalidValueError, "magnitude_of"),
    "negative": (np.full([3, 8, 5], -1.0), InvalidValueError, "at least 0"),
    "nothing": (np.zeros([3, 8, 5]), InvalidValueError, "somewhere more"),
    "not a number": (np.full([3, 8, 5], np.nan), InvalidValueError, "finite"),
    "not numbers": ("photos", InvalidTypeError, "array"),
}


@pytest.mark.parametrize(("given_", "error", "says"), WRONG.values(), ids=WRONG)
def test_a_magnitude_that_cannot_be_used_is_refused(given_, error, says):
    with pytest.raises(error, match=says):
        param.maco_image(8, magnitude=given_)


@pytest.mark.parametrize("size", [(1, 8), (8, 1), (0, 8)])
def test_images_one_pixel_thin_have_no_spectrum(size):
    with pytest.raises(InvalidValueError):
        param.maco_image(*size)


def test_magnitudes_are_of_images_of_one_size():
    with pytest.raises(InvalidTypeError):
        param.magnitude_of([np.zeros([4, 4, 3]), np.zeros([5, 4, 3])])
    with pytest.raises(InvalidValueError):
        param.magnitude_of(np.zeros([4, 4, 3]))
    with tf.Graph().as_default(), pytest.raises(InvalidTypeError):
        param.magnitude_of(tf.zeros([1, 4, 4, 3]))
