import numpy as np
import pytest
import tensorflow as tf
from conftest import make_tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, render


@given(
    h=st.integers(2, 20),
    w=st.integers(2, 20),
    channels=st.sampled_from([1, 3, 5]),
    kind=st.sampled_from(["bytes", "floats", "black and white"]),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=40)
def test_an_image_starts_as_the_photo(h, w, channels, kind, seed):
    rng = np.random.default_rng(seed)
    if kind == "floats":
        photo = wanted = rng.uniform(size=[h, w, channels])
    else:
        photo = rng.integers(0, 256, [h, w, channels]).astype(np.uint8)
        photo = photo // 128 * 255 if kind == "black and white" else photo
        wanted = photo / 255
    (image,) = param.image_from(photo)
    assert image.shape == (h, w, channels)
    assert np.abs(image - wanted).max() < 1 / 255


def test_images_of_a_batch_start_alike_and_go_their_own_ways():
    photo = np.random.default_rng(0).uniform(size=[24, 24, 3])
    model = make_tiny_model()
    first, last = render.render_vis(
        model,
        lambda T: tf.reduce_mean(T("second")[0, ..., 3]) - tf.reduce_mean(T("second")[1, ..., 3]),
        lambda: param.image_from(photo, batch=2),
        transforms=[],
        thresholds=(0, 20),
        verbose=False,
        seed=0,
    )
    assert np.abs(first[0] - first[1]).max() < np.abs(last[0] - last[1]).max()
    more, less = model.activations(last, "second")[..., 3].mean((1, 2))
    start = model.activations(photo, "second")[..., 3].mean()
    assert less < start < more


@pytest.mark.parametrize(
    "photo", [np.zeros([8, 8]), np.zeros([2, 8, 8, 3]), np.zeros([0, 8, 3]), np.zeros([1, 8, 3])]
)
def test_photos_have_height_width_and_channels(photo):
    with pytest.raises(InvalidValueError, match="got"):
        param.image_from(photo)


@pytest.mark.parametrize("value", [2, -1, np.nan])
def test_photos_are_in_range(value):
    with pytest.raises(InvalidValueError, match=r"0\.\.1"):
        param.image_from(np.full([4, 4, 3], value, np.float32))


def test_photos_are_arrays():
    with pytest.raises(InvalidTypeError):
        param.image_from("photo.jpg")
    with tf.Graph().as_default(), pytest.raises(InvalidTypeError, match="before running"):
        param.image_from(tf.zeros([4, 4, 3]))


def test_a_batch_is_counted():
    with pytest.raises(InvalidValueError):
        param.image_from(np.zeros([4, 4, 3]), batch=0)
