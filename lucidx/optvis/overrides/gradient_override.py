"""Replacing the gradient of operations, by type or for one function.

In graphs (a `tf.Graph`, or the trace of a `tf.function`) `gradient_override_map` changes the
gradient of all operations of some types that are made inside a block. `use_gradient` gives one
Python function another gradient and works in eager code too.
"""

from __future__ import annotations

import contextlib
import functools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis.overrides.custom_gradient import custom_gradient

GradientFunction = Callable[..., Any]


class OpRecord(NamedTuple):
    """What a gradient function may ask of its operation, where there is no real one."""

    type: str
    inputs: Sequence[tf.Tensor]
    outputs: Sequence[tf.Tensor]


def register_to_random_name(grad_f: GradientFunction) -> str:
    """Register a gradient function under a new name in TensorFlow's registry, and return the name.

    Parameters
    ----------
    grad_f : takes the operation and the gradients of its outputs, returns those of its inputs.
    """
    name = f"{getattr(grad_f, '__name__', 'gradient')}_{uuid.uuid4()}"
    tf.RegisterGradient(name)(grad_f)
    return name


# TensorFlow never forgets a registration, so each function is registered once.
_registered_name = functools.cache(register_to_random_name)


@contextlib.contextmanager
def gradient_override_map(override_dict: Mapping[str, str | GradientFunction]) -> Iterator[None]:
    """Change the gradient of operations made inside the block, in the graph that is being built.

    Parameters
    ----------
    override_dict : type of operation, such as `"Relu"` -> gradient function or the name of a
        registered one. Gradient functions take the operation and the gradient of its output.

    Raises
    ------
    InvalidValueError : no graph is being built; eager operations cannot be overridden.
    InvalidTypeError : an entry is neither a function nor a name.
    """
    for op_type, gradient in override_dict.items():
        if not (callable(gradient) or isinstance(gradient, str)):
            raise InvalidTypeError(f"The gradient for {op_type} is not a function: {gradient!r}.")
    if not override_dict:
        yield
        return
    if tf.executing_eagerly():
        raise InvalidValueError(
            "Gradients are overridden while a graph is built: use gradient_override_map inside a "
            "tf.function or a tf.Graph; for eager code there is use_gradient."
        )
    names = {k: g if isinstance(g, str) else _registered_name(g) for k, g in override_dict.items()}
    with tf.compat.v1.get_default_graph().gradient_override_map(names):
        yield


def use_gradient(
    grad_f: GradientFunction,
) -> Callable[[Callable[..., tf.Tensor]], Callable[..., Any]]:
    """Decorator giving a function of tensors another gradient.

    Parameters
    ----------
    grad_f : takes an `OpRecord` (with the function's inputs and output) and the gradient of the
        output, returns the gradient of the input, or one per input.

    Returns
    -------
    Decorator for functions of tensors that return one tensor; keyword arguments are passed through.
    No gradient reaches keyword arguments, nor variables that the function reads.
    """

    def decorator(f: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
        @functools.wraps(f)
        def with_gradient(*inputs: Any, **options: Any) -> tf.Tensor:
            @custom_gradient
            def call(*tensors: tf.Tensor) -> tuple[tf.Tensor, GradientFunction]:
                output = tf.convert_to_tensor(f(*tensors, **options))

                def gradient(upstream: tf.Tensor, variables: Sequence[Any] = ()) -> Any:
                    # The type of operation that Lucid's implementation showed to gradient
                    # functions.
                    gradients = grad_f(OpRecord("PyFunc", tensors, (output,)), upstream)
                    return (gradients, [None] * len(variables)) if variables else gradients

                return output, gradient

            return call(*(tf.convert_to_tensor(i) for i in inputs))

        return with_gradient

    return decorator
