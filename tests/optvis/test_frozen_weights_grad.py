"""The faster gradients for frozen weights are exactly TensorFlow's, whatever the convolution."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.optvis.overrides import frozen_weights, gradient_override_map

tf1 = tf.compat.v1


def random(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def gradients(f, x, shape, overridden):
    """Gradient of a random weighting of f(x), where only `shape` is known of x."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(shape)])
    def run(x):
        with gradient_override_map(frozen_weights if overridden else {}):
            y = f(x)
        upstream = tf.sin(tf.reshape(tf.range(tf.size(y), dtype=tf.float32), tf.shape(y)))
        return tf.gradients(y, x, upstream)[0]

    return run(tf.constant(x)).numpy()


def check(f, x, shape=None):
    shape = x.shape if shape is None else shape
    expected = gradients(f, x, shape, overridden=False)
    np.testing.assert_allclose(gradients(f, x, shape, True), expected, rtol=1e-4, atol=1e-4)


def backprop_ops(f, *args):
    """Types of the operations that the overridden gradient with respect to the input is made of."""
    with tf.Graph().as_default() as graph:
        inputs = [tf1.placeholder(tf.float32, shape) for shape in args]
        with gradient_override_map(frozen_weights):
            y = f(*inputs)
        before = len(graph.get_operations())
        (gradient,) = tf.gradients(y, inputs[:1])
        assert gradient.shape.is_compatible_with(inputs[0].shape)
        return {op.type for op in graph.get_operations()[before:]}


@st.composite
def inputs(draw, kernel, padding):
    """An image no smaller than a VALID kernel needs, and what is known of its shape."""
    least = kernel if padding == "VALID" else (1, 1)
    height, width = (n + draw(st.integers(0, 9)) for n in least)
    batch, depth = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    known = draw(st.sampled_from(["everything", "batch", "depth"]))
    shape = {
        "everything": [batch, height, width, depth],
        "batch": [batch, None, None, depth],
        "depth": [None, None, None, depth],
    }[known]
    return random(batch, height, width, depth), shape


@st.composite
def convolutions(draw):
    kernel = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    x, shape = draw(inputs(kernel, padding))
    return kernel, draw(st.integers(1, 4)), padding, x, shape


@given(convolutions(), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_convolutions(convolution, depth):
    kernel, stride, padding, x, shape = convolution
    weights = random(*kernel, x.shape[-1], depth)
    check(lambda t: tf.nn.conv2d(t, weights, stride, padding), x, shape)


@given(convolutions(), st.integers(1, 2))
@settings(deadline=None, max_examples=25)
def test_depthwise_convolutions(convolution, multiplier):
    kernel, stride, padding, x, shape = convolution
    weights = random(*kernel, x.shape[-1], multiplier)
    strides = [1, stride, stride, 1]
    check(lambda t: tf.nn.depthwise_conv2d(t, weights, strides, padding), x, shape)


X = random(2, 9, 8, 4)
OTHERS = {
    "stride by axis": lambda t: tf.nn.conv2d(t, random(3, 3, 4, 2), (1, 2), "SAME"),
    "explicit padding": lambda t: tf.nn.conv2d(
        t, random(3, 3, 4, 2), 2, [[0, 0], [2, 0], [0, 3], [0, 0]]
    ),
    "dilated": lambda t: tf.nn.conv2d(t, random(3, 3, 4, 2), 1, "SAME", dilations=2),
    "in groups": lambda t: tf.nn.conv2d(t, random(3, 3, 2, 6), 1, "SAME"),
    "in groups with stride": lambda t: tf.nn.conv2d(t, random(3, 3, 1, 4), 2, "VALID"),
    "to one pixel": lambda t: tf.nn.conv2d(t, random(9, 8, 4, 2), 1, "VALID"),
    "stride beyond the image": lambda t: tf.nn.conv2d(t, random(3, 3, 4, 2), 11, "SAME"),
    "dilated depthwise": lambda t: tf.nn.depthwise_conv2d(
        t, random(3, 3, 4, 1), [1, 1, 1, 1], "SAME", dilations=[2, 2]
    ),
    "depthwise with explicit padding": lambda t: tf.nn.depthwise_conv2d(
        t, random(3, 3, 4, 1), [1, 1, 1, 1], [[0, 0], [1, 2], [0, 0], [0, 0]]
    ),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("shape", [X.shape, [None, None, None, 4]])
def test_other_convolutions(name, shape):
    check(OTHERS[name], X, shape)


def test_weights_get_their_gradient_too():
    for convolve, weights in (
        (lambda w: tf.nn.conv2d(X, w, 2, "SAME"), random(3, 2, 4, 5)),
        (lambda w: tf.nn.depthwise_conv2d(X, w, [1, 1, 1, 1], "SAME"), random(3, 3, 4, 1)),
    ):
        check(convolve, weights)
        check(convolve, weights, [None] * 4)


FAST = {
    "same": lambda x: tf.nn.conv2d(x, random(3, 3, 4, 2), 1, "SAME"),
    "even": lambda x: tf.nn.conv2d(x, random(2, 4, 4, 2), 1, "SAME"),
    "strided": lambda x: tf.nn.conv2d(x, random(7, 7, 4, 2), 2, "SAME"),
    "pointwise with stride": lambda x: tf.nn.conv2d(x, random(1, 1, 4, 2), 2, "VALID"),
    "depthwise": lambda x: tf.nn.depthwise_conv2d(x, random(5, 5, 4, 1), [1, 1, 1, 1], "SAME"),
}


@pytest.mark.parametrize("name", FAST)
def test_common_convolutions_avoid_the_slow_kernels(name):
    types = backprop_ops(FAST[name], [None, None, None, 4])
    assert not [t for t in types if t.endswith("BackpropInput")]


def test_channels_first_falls_back_to_tensorflows_kernels():
    def convolve(x):
        return tf.nn.conv2d(x, random(3, 3, 4, 2), 2, "SAME", data_format="NCHW")

    def depthwise(x):
        weights, strides = random(3, 3, 4, 1), [1, 1, 2, 2]
        return tf.nn.depthwise_conv2d(x, weights, strides, "SAME", data_format="NCHW")

    assert "Conv2DBackpropInput" in backprop_ops(convolve, [1, 4, 8, 8])
    assert "DepthwiseConv2dNativeBackpropInput" in backprop_ops(depthwise, [1, 4, 8, 8])


def test_weights_of_unknown_shape_fall_back_to_tensorflows_kernels():
    def convolve(x, weights):
        return tf.nn.conv2d(x, weights, 1, "SAME")

    assert "Conv2DBackpropInput" in backprop_ops(convolve, [1, 8, 8, 4], [None, None, 4, 2])
