"""Style as the statistics of a layer's activations (Gatys, Ecker and Bethge, 2015)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.errors import InvalidValueError

tf1 = tf.compat.v1


def gram_style(a: tf.Tensor) -> tf.Tensor:
    """Gram matrix `[C, C]` of activations `[..., C]`: the mean over all positions of a a^T.

    Parameters
    ----------
    a : float32 activations; the batch counts as more positions.
    """
    depth = tf.compat.dimension_value(a.shape[-1])
    flat = tf.reshape(a, [-1, tf.shape(a)[-1] if depth is None else depth])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], flat.dtype)


def mean_l1_loss(g1: tf.Tensor, g2: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference."""
    return tf.reduce_mean(tf.abs(g1 - g2))


def mean_l2_loss(g1: tf.Tensor, g2: tf.Tensor) -> tf.Tensor:
    """Root mean square difference."""
    # The root has no gradient at 0.
    return tf.sqrt(1e-12 + tf.reduce_mean(tf.square(g1 - g2)))


class StyleLoss:
    """Distance between the style of some layers and a target.

    In a `tf.Graph` the target may be set later, by `set_style`, and the style may be averaged over
    steps. In a `tf.function` and in eager code give `targets`: what `style_func` makes of the
    style's activations.

    Parameters
    ----------
    style_layers : tensors `[..., C]`.
    ema_decay : compare the exponential moving average of the style over steps instead of one
        step's. It starts at zero and moves each time the loss is evaluated; gradients are those of
    the step's style.
    style_func : from activations to style.
    loss_func : from two styles to a number.
    targets : styles to compare with, one per layer, instead of `set_style`.

    Attributes
    ----------
    input_grams, effective_grams : styles of the layers; their averages, if `ema_decay` is given.
    target_vars : variables holding the target styles.
    style_losses, style_loss : distance for each layer, and their sum.
    ema : the TensorFlow object that averages, or None.

    Raises
    ------
    InvalidValueError : no layers; another number or shape of targets; or what needs a `tf.Graph`.
    """

    def __init__(
        self,
        style_layers: Sequence[tf.Tensor],
        ema_decay: float | None = None,
        style_func: Callable[[tf.Tensor], tf.Tensor] = gram_style,
        loss_func: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = mean_l1_loss,
        *,
        targets: Sequence[np.ndarray | tf.Tensor] | None = None,
    ):
        self.input_grams = [style_func(layer) for layer in style_layers]
        if not self.input_grams:
            raise InvalidValueError("There are no style layers.")
        if (targets is None or ema_decay is not None) and not _in_session_graph():
            raise InvalidValueError(
                "Outside a tf.Graph, where each variable is made once, StyleLoss cannot keep "
                "a target or an average: pass targets= (for instance [gram_style(acts)] of the "
                "style's activations) and leave out ema_decay."
            )
        if targets is not None:
            _check_targets(self.input_grams, targets)
        self.ema = None
        self.effective_grams = self.input_grams
        if ema_decay is not None:
            self.ema = tf.train.ExponentialMovingAverage(ema_decay)
            self.effective_grams = self._averaged()
        if targets is None:
            self.target_vars = [
                tf.Variable(tf.zeros(gram.shape, gram.dtype), trainable=False)
                for gram in self.input_grams
            ]
            targets = self.target_vars
        else:
            self.target_vars = []
        self.style_losses = [
            loss_func(gram, target)
            for gram, target in zip(self.effective_grams, targets, strict=True)
        ]
        self.style_loss = tf.add_n(self.style_losses)

    def _averaged(self) -> list[tf.Tensor]:
        update = self.ema.apply(self.input_grams)
        with tf.control_dependencies([update]):
            averages = [self.ema.average(gram).read_value() for gram in self.input_grams]
            # The value of the average with the gradient of the current style.
            return [
                gram + tf.stop_gradient(average - gram)
                for gram, average in zip(self.input_grams, averages, strict=True)
            ]

    def set_style(self, input_feeds: Mapping[tf.Tensor, Any]) -> None:
        """Take the style of an input as the target, in the default `tf.compat.v1.Session`.

        Call it after the variables are initialised; initialising them again forgets the target.

        Parameters
        ----------
        input_feeds : values for placeholders, as in `Session.run`.
        """
        session = tf1.get_default_session()
        if session is None:
            raise InvalidValueError(
                "set_style evaluates tensors and needs a default tf.compat.v1.Session; "
                "elsewhere, pass targets= to StyleLoss."
            )
        grams = session.run(self.input_grams, input_feeds)
        for variable, gram in zip(self.target_vars, grams, strict=True):
            variable.load(gram, session)


def _in_session_graph() -> bool:
    return not (tf.executing_eagerly() or tf.inside_function())


def _check_targets(grams: Sequence[tf.Tensor], targets: Sequence[np.ndarray | tf.Tensor]) -> None:
    if len(targets) != len(grams):
        raise InvalidValueError(f"There are {len(grams)} style layers and {len(targets)} targets.")
    for n, (gram, target) in enumerate(zip(grams, targets, strict=True)):
        shape = target.shape if tf.is_tensor(target) else np.shape(target)
        if not gram.shape.is_compatible_with(shape):
            raise InvalidValueError(
                f"The style of layer {n} has shape {gram.shape}, its target {shape}."
            )
