"""Steps of training: TensorFlow 1's `tf.contrib.slim.learning`, without its loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from lucidx.compat.missing import reporter

__all__ = ["clip_gradient_norms", "create_train_op", "multiply_gradients"]

__getattr__ = reporter("slim.learning", __all__)

tf1 = tf.compat.v1

Gradient = tf.Tensor | tf.IndexedSlices | None
Gradients = Sequence[tuple[Gradient, tf.Variable]]
Multipliers = Mapping[str | tf.Variable, float]

_OF_THE_GRAPH = "the graph's"  # None means that no steps are counted


def create_train_op(
    total_loss: tf.Tensor,
    optimizer: tf1.train.Optimizer,
    global_step: tf.Variable | str | None = _OF_THE_GRAPH,
    update_ops: Sequence[tf.Operation | tf.Tensor] | None = None,
    variables_to_train: Sequence[tf.Variable] | None = None,
    clip_gradient_norm: float = 0,
    summarize_gradients: bool = False,
    gate_gradients: int = tf1.train.Optimizer.GATE_OP,
    aggregation_method: int | None = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Multipliers | None = None,
    check_numerics: bool = True,
) -> tf.Tensor:
    """Tensor that makes a step of training when it is computed.

    Parameters
    ----------
    total_loss : what the step makes smaller.
    global_step : counts the steps; by default the graph's, None for none.
    update_ops : done before the gradients, such as those of batch norm; by default the graph's
        collection of them.
    variables_to_train : by default all that can be trained.
    clip_gradient_norm : largest norm that the gradient of a variable may have; 0 for any.
    summarize_gradients : put a histogram of each gradient, and its norm, into the summaries.
    gate_gradients, aggregation_method, colocate_gradients_with_ops : as the optimizer's
        `compute_gradients` takes them.
    gradient_multipliers : of gradients, by variable or the name of its operation.
    check_numerics : whether a loss that is no finite number is an error.

    Returns
    -------
    The loss before the step.
    """
    if update_ops is None:
        update_ops = tf1.get_collection(tf1.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(update_ops):
        total_loss = tf.identity(total_loss)
    gradients = optimizer.compute_gradients(
        total_loss,
        tf1.trainable_variables() if variables_to_train is None else variables_to_train,
        gate_gradients=gate_gradients,
        aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )
    if gradient_multipliers:
        gradients = multiply_gradients(gradients, gradient_multipliers)
    if clip_gradient_norm > 0:
        gradients = clip_gradient_norms(gradients, clip_gradient_norm)
    if summarize_gradients:
        _summarize(gradients)
    if isinstance(global_step, str):
        global_step = tf1.train.get_or_create_global_step()
    step = optimizer.apply_gradients(gradients, global_step)
    if check_numerics:
        total_loss = tf.debugging.check_numerics(total_loss, "The loss is not finite")
    with tf.control_dependencies([step]):
        train_op = tf.identity(total_loss, "train_op")
    tf1.add_to_collection(tf1.GraphKeys.TRAIN_OP, train_op)
    return train_op


def clip_gradient_norms(
    gradients_to_variables: Gradients, max_norm: float
) -> list[tuple[Gradient, tf.Variable]]:
    """Gradients, each of which has a norm of at most `max_norm`."""
    return [
        (None if gradient is None else tf.clip_by_norm(gradient, max_norm), variable)
        for gradient, variable in gradients_to_variables
    ]


def multiply_gradients(
    grads_and_vars: Gradients, gradient_multipliers: Multipliers
) -> list[tuple[Gradient, tf.Variable]]:
    """Gradients times numbers; those of other variables as they are.

    Parameters
    ----------
    gradient_multipliers : the numbers, by variable or the name of its operation.
    """
    numbers = {
        key if isinstance(key, str) else key.op.name: number
        for key, number in gradient_multipliers.items()
    }
    return [
        (_times(gradient, numbers.get(variable.op.name, 1)), variable)
        for gradient, variable in grads_and_vars
    ]


def _times(gradient: Gradient, number: float) -> Gradient:
    if gradient is None or (isinstance(number, int | float) and number == 1):
        return gradient
    number = tf.cast(number, gradient.dtype)
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * number, gradient.indices, gradient.dense_shape)
    return gradient * number


def _summarize(gradients: Gradients) -> None:
    for gradient, variable in gradients:
        if gradient is not None:
            values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
            tf1.summary.histogram(f"{variable.op.name}_gradient", values)
            tf1.summary.scalar(f"{variable.op.name}_gradient_norm", tf.linalg.global_norm([values]))
