import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import param, randomness
from lucidx.optvis.param.random import rand_fft_image


def test_samples_have_the_statistics_of_vivid_images():
    sample = param.image_sample([4, 128, 128, 3], sd=0.5).numpy()
    assert sample.mean() == pytest.approx(0.497, abs=0.05)
    assert sample.std() == pytest.approx(0.136, abs=0.03)


def test_a_traced_sample_is_new_at_each_call():
    sample = tf.function(lambda: param.image_sample([1, 8, 8, 3], sd=0.5))
    assert np.abs(sample() - sample()).max() > 0.01


def test_in_a_stream_a_sample_depends_on_seed_and_step_only():
    def sample(seed, step):
        with randomness.stream(seed, step):
            return param.image_sample([2, 8, 7, 3], sd=0.5).numpy()

    np.testing.assert_array_equal(sample(1, 5), sample(1, 5))
    assert np.abs(sample(1, 5) - sample(1, 6)).max() > 0.01
    assert np.abs(sample(1, 5) - sample(2, 5)).max() > 0.01
    assert np.abs(sample(1, 5)[0] - sample(1, 5)[1]).max() > 0.01


def test_zero_sd_is_uniform_grey():
    np.testing.assert_array_equal(
        param.image_sample([2, 6, 5, 3], sd=0), np.full([2, 6, 5, 3], 0.5)
    )


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 6), (6, 1), (1, 1)])
def test_sizes_known_only_when_running_give_the_same_numbers(size):
    def sample(h, w):
        with randomness.stream(0):
            return rand_fft_image([2, h, w, 3], sd=0.5)

    traced = tf.function(sample, input_signature=[tf.TensorSpec([], tf.int32)] * 2)
    assert traced.get_concrete_function().structured_outputs.shape.as_list() == [2, None, None, 3]
    np.testing.assert_allclose(traced(*size), sample(*size), atol=1e-6)


def test_impossible_shapes_are_refused():
    with pytest.raises(InvalidValueError, match="at least 1"):
        param.image_sample([1, 0, 4, 3])
    with pytest.raises(InvalidValueError, match="4 entries"):
        param.image_sample([4, 4, 3])
    with pytest.raises(InvalidTypeError):
        param.image_sample([1, 4.5, 4, 3])
    with pytest.raises(InvalidValueError, match="3 channels"):
        param.image_sample([1, 4, 4, 2])
    assert param.image_sample([1, 4, 4, 2], decorrelate=False).shape == [1, 4, 4, 2]
