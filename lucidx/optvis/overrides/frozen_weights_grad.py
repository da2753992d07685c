"""The exact gradients of convolutions, computed faster where the weights are frozen.

TensorFlow's own input gradient of a convolution is a kernel of its own, slower on the CPU than the
forward kernel. The gradient is itself a convolution: of the upstream gradient, with the kernel
turned round. With constant weights the turning is folded away when the graph is optimised, and the
forward kernel keeps its preferred layout of the weights from step to step.
"""

from __future__ import annotations

import tensorflow as tf

_SETTINGS = ("strides", "padding", "explicit_paddings", "data_format", "dilations")


def conv2d_grad(op: tf.Operation, grad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradient of `Conv2D`, equal to TensorFlow's up to rounding."""
    x, kernel = op.inputs
    settings = {name: op.get_attr(name) for name in _SETTINGS}
    kernel_grad = tf.raw_ops.Conv2DBackpropFilter(
        input=x, filter_sizes=tf.shape(kernel), out_backprop=grad, **settings
    )
    if _is_plain(settings, x, kernel):
        stride, padding = settings["strides"][1], settings["padding"]
        return _input_grad(x, kernel, grad, stride, padding), kernel_grad
    input_grad = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(x), filter=kernel, out_backprop=grad, **settings
    )
    return input_grad, kernel_grad


def _is_plain(settings: dict, x: tf.Tensor, kernel: tf.Tensor) -> bool:
    """Whether `_input_grad` covers a convolution."""
    _, stride, stride_w, _ = settings["strides"]
    if not (
        kernel.shape.is_fully_defined()
        and kernel.shape.as_list()[2] == _channels(x)  # else it has groups
        and settings["data_format"] == b"NHWC"
        and settings["padding"] in (b"SAME", b"VALID")
        and settings["dilations"] == [1, 1, 1, 1]
        and stride == stride_w
    ):
        return False
    # With VALID padding, rows at the end may be left over that no window reaches. They have to fit
    # in what is computed.
    rest = [-size % stride for size in kernel.shape.as_list()[:2]]
    return settings["padding"] == b"SAME" or all(r >= stride - 1 for r in rest)


def _channels(x: tf.Tensor) -> int | None:
    """Number of channels of `x` `[N, H, W, C]`.

    TensorFlow forgets it where images are padded by amounts that are computed, as in networks that
    came from Caffe; then it is that of what was padded.
    """
    channels = tf.compat.dimension_value(x.shape[-1])
    while channels is None and x.op.type in ("MaxPool", "AvgPool", "LRN", "Relu", "Pad"):
        if x.op.type == "Pad":
            amounts = tf.get_static_value(x.op.inputs[1], partial=True)
            if amounts is None or list(amounts[-1]) != [0, 0]:
                return None
        x = x.op.inputs[0]
        channels = tf.compat.dimension_value(x.shape[-1])
    return channels


def _input_grad(
    x: tf.Tensor, kernel: tf.Tensor, grad: tf.Tensor, stride: int, padding: bytes
) -> tf.Tensor:
    """Gradient with respect to `x`, as a convolution with stride 1.

    Input pixel s*q + r gets its gradient from the kernel's taps r, r + s, r + 2s, ...: one small
    kernel for each of the s*s phases (r, r'). Their results are interleaved by depth_to_space.
    """
    height, width, channels_in, channels_out = kernel.shape.as_list()
    taps = [-(-size // stride) for size in (height, width)]
    kernel = tf.pad(
        kernel, [[0, taps[0] * stride - height], [0, taps[1] * stride - width], [0, 0], [0, 0]]
    )
    phases = tf.reshape(kernel, [taps[0], stride, taps[1], stride, channels_in, channels_out])
    phases = tf.transpose(tf.reverse(phases, [0, 2]), [0, 2, 5, 1, 3, 4])
    phases = tf.reshape(phases, [*taps, channels_out, stride * stride * channels_in])
    if stride == 1:
        same = padding == b"SAME"
        before = [(t - 1) // 2 if same else 0 for t in taps]
        after = [t - 1 - b if same else 0 for t, b in zip(taps, before, strict=True)]
        around = [[t - 1 - b, t - 1 - a] for t, b, a in zip(taps, before, after, strict=True)]
        return _convolved(grad, phases, around, x.shape)
    padded = _convolved(grad, phases, [[t - 1, t - 1] for t in taps])
    padded = tf.nn.depth_to_space(padded, stride)
    sizes = tf.shape(x)[1:3]
    before = [0, 0]
    if padding == b"SAME":
        outputs = -(-sizes // stride)
        total = tf.maximum((outputs - 1) * stride + [height, width] - sizes, 0)
        before = total // 2
    input_grad = tf.slice(padded, [0, before[0], before[1], 0], [-1, sizes[0], sizes[1], -1])
    input_grad.set_shape(x.shape)
    return input_grad


def _convolved(
    t: tf.Tensor, kernel: tf.Tensor, around: list[list[int]], shape: tf.TensorShape | None = None
) -> tf.Tensor:
    """Convolution with stride 1 of `t` with zeros around it; of static shape `shape` if given."""
    padding = [[0, 0], *around, [0, 0]] if any(map(any, around)) else "VALID"
    result = tf.nn.conv2d(t, kernel, 1, padding)
    if shape is not None:
        result.set_shape(shape)
    return result


def depthwise_conv2d_grad(op: tf.Operation, grad: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradient of `DepthwiseConv2dNative`, equal to TensorFlow's up to rounding."""
    x, kernel = op.inputs
    settings = {name: op.get_attr(name) for name in _SETTINGS}
    kernel_grad = tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
        input=x, filter_sizes=tf.shape(kernel), out_backprop=grad, **settings
    )
    height, width, _, multiplier = kernel.shape.as_list()
    if (
        settings["strides"] == settings["dilations"] == [1, 1, 1, 1]
        and settings["padding"] == b"SAME"
        and multiplier == 1
        and None not in (height, width)
        and height % 2
        and width % 2
    ):
        turned = tf.reverse(kernel, [0, 1])
        return tf.raw_ops.DepthwiseConv2dNative(input=grad, filter=turned, **settings), kernel_grad
    input_grad = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
        input_sizes=tf.shape(x), filter=kernel, out_backprop=grad, **settings
    )
    return input_grad, kernel_grad
