import numpy as np
import pytest
import tensorflow as tf

from lucidx.attribution import layer_attribution
from lucidx.errors import InvalidValueError, UnknownLayerError
from lucidx.modelzoo.vision_base import Model


def by_hand(model, image, first, last, row, column):
    """Gradient of the norm of one position times activation, summed over channels."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        T = model.import_graph(tf.constant(image[np.newaxis]))
        at = T("input") if first == "input" else T(first)
        strength = tf.norm(T(last)[0, row, column])
        return session.run(tf.reduce_sum(tf.gradients(strength, at)[0] * at, -1)[0])


@pytest.mark.parametrize("first, last", [("early", "late"), ("branch", "late"), ("stream", "late")])
@pytest.mark.parametrize("batch_size", [3, 16])
def test_each_position_is_attributed_to_each(small, noise, first, last, batch_size):
    found = layer_attribution(small, noise[0], first, last, batch_size=batch_size)
    for row, column in ((0, 0), (2, 3), (3, 3)):
        expected = by_hand(small, noise[0], first, last, row, column)
        np.testing.assert_allclose(found.influenced_by(row, column), expected, atol=1e-6)
        np.testing.assert_array_equal(
            found.influences(row, column), found.values[:, :, row, column]
        )
    strengths = np.linalg.norm(small.activations(noise[0], last), axis=-1)
    np.testing.assert_allclose(found.strengths, strengths, rtol=1e-5)


def test_the_input_has_positions_and_a_dense_layer_has_one(small, noise):
    assert layer_attribution(small, noise[0], "input", "late").values.shape == (4, 4, 8, 8)
    assert layer_attribution(small, noise[0], "late", "logits").values.shape == (1, 1, 4, 4)


def test_smoothed_pooling_spreads_influence_over_windows(small, noise):
    exact = layer_attribution(small, noise[0], "early", "pooled").values
    smoothed = layer_attribution(small, noise[0], "early", "pooled", maxpool="smoothed").values
    window = np.s_[1, 1, 2:4, 2:4]
    assert np.count_nonzero(smoothed[window]) >= np.count_nonzero(exact[window])
    assert np.abs(smoothed - exact).max() > 1e-3
    assert not smoothed[1, 1, :2].any()  # of other windows


def test_positions_without_activation_are_attributed_to_nothing(noise):
    with tf.Graph().as_default() as graph:
        images = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        first = tf.nn.relu(images, name="first")
        tf.nn.relu(first - 0.9, name="second")
    model = Model.from_graphdef(graph.as_graph_def(), "input", (0, 1), (8, 8, 3), name="Dark")
    found = layer_attribution(model, noise[0], "first", "second")
    assert np.isfinite(found.values).all()
    assert (found.strengths == 0).any()
    assert not found.values[found.strengths == 0].any()
    assert found.values.any()


def test_both_layouts_agree(small, small_nchw, noise):
    try:
        small_nchw.activations(noise[0], "late")
    except InvalidValueError:
        pytest.skip("this TensorFlow has no convolutions of that layout on the CPU")
    found = layer_attribution(small_nchw, noise[0], "stream", "late").values
    expected = layer_attribution(small, noise[0], "stream", "late").values
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_layers_in_the_wrong_order_and_other_mistakes_are_refused(small, noise):
    image = noise[0]
    with pytest.raises(InvalidValueError, match="not before it"):
        layer_attribution(small, image, "late", "early")
    with pytest.raises(InvalidValueError, match="not after"):
        layer_attribution(small, image, "late", "late")
    with pytest.raises(InvalidValueError, match="not after"):
        layer_attribution(small, image, "late", "input")
    with pytest.raises(UnknownLayerError, match="Did you mean 'late'"):
        layer_attribution(small, image, "early", "laet")
    with pytest.raises(InvalidValueError, match="'exact' or 'smoothed'"):
        layer_attribution(small, image, "early", "late", maxpool="soft")
    with pytest.raises(InvalidValueError, match="batch_size"):
        layer_attribution(small, image, "early", "late", batch_size=0)
    with pytest.raises(InvalidValueError, match="one image"):
        layer_attribution(small, noise, "early", "late")
