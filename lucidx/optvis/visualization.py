"""A picture being optimised: variables, optimizer and step function.

`render_vis`, the recipes and the command line are loops around `Visualization.advance`.
"""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx import diagnosis
from lucidx.errors import (
    DiagnosisWarning,
    InvalidTypeError,
    InvalidValueError,
    NonFiniteLossError,
)
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import ascent, defaults, transform
from lucidx.optvis.expressions import as_expression
from lucidx.optvis.objectives import as_objective
from lucidx.optvis.overrides.redirected_relu_grad import acts_at
from lucidx.optvis.parameterization import instantiate

tf1 = tf.compat.v1


class Visualization:
    """A picture being optimised.

    Parameters
    ----------
    model : what to look at.
    objective_f : `"layer:channel"`, an `Objective` or another function of T; maximised.
    param_f : function that makes variables and returns images `[N, H, W, C]`; by default
        `param.image(128)`, with as many channels as the model takes, and of its size if what the
        objective reads cannot be computed for another.
    optimizer : a Keras or `tf.compat.v1.train` optimizer, which itself is left untouched, or a
        function that makes one; by default Adam with learning rate 0.05.
    transforms : functions from images to images, applied in order before the model sees them; by
        default `transform.standard_transforms`, and a crop to the model's size if what the
        objective reads cannot be computed for another.
    relu_gradient_override : redirect the gradients of ReLUs in the first 17 steps.
    seed : decides everything random. The same seed gives the same picture on the same machine, also
        for an image in a larger batch up to rounding. By default one is drawn from numpy's global
    generator.

    Attributes
    ----------
    step : how many updates have been made.
    variables : what is optimised.
    seed : the seed.

    Raises
    ------
    LucidxError : an argument cannot work; found out before the first step.
    """

    def __init__(
        self,
        model: Model,
        objective_f: Any,
        param_f: Callable[[], tf.Tensor] | None = None,
        optimizer: Any = None,
        transforms: Sequence[Callable[[tf.Tensor], tf.Tensor]] | None = None,
        *,
        relu_gradient_override: bool = True,
        seed: int | None = None,
    ):
        check_model(model)
        self.model = model
        self.seed = _drawn_seed() if seed is None else _checked_seed(seed)
        self.step = 0
        self._objective = as_objective(objective_f)
        self._optimizer = _without_state(make_optimizer(optimizer, []))
        self._redirects = relu_gradient_override
        self._values = ascent.as_inputs(as_expression(self._objective).values)
        if param_f is None:
            spec = tf.TensorSpec([1, None, None, model.image_shape[-1]], tf.float32)
            param_f = defaults.image_for(model, ascent.layers_read(model, self._objective, spec))
        self._param = instantiate(param_f, self.seed)
        self.variables = self._param.variables
        _make_state(self._optimizer, self.variables)
        self._draw = _traced(self._param.draw)
        self._last_finite: tf.Tensor | None = None
        self._still: np.ndarray | int = 0  # steps without gradient, for each image
        self._warned = False
        layers = ascent.layers_read(model, self._objective, self._param.spec)
        if transforms is None:
            transforms = defaults.transforms_for(model, layers)
        self._transform = make_transform_f(transforms)
        diagnosis.preflight(model, layers)
        self._traced_relu, self._traced_step = "", None
        self._step_function()

    def advance(self) -> float | np.ndarray:
        """Make one update.

        Returns
        -------
        The objective before the update: a number, or a vector if that is what the objective
        returns.

        Raises
        ------
        NonFiniteLossError : the objective is NaN or infinite; this run is over.
        """
        try:
            value, flows, image = self._step_function()(tf.constant(self.step, tf.int64))
        except tf.errors.OpError as error:
            raise InvalidValueError(_explain(error, self.model, self._param.spec.shape)) from error
        value = value.numpy()
        if not np.all(np.isfinite(value)):
            raise self._not_finite("objective", value, image)
        self._last_finite = image
        self._watch(flows.numpy())
        self.step += 1
        return value.item() if value.ndim == 0 else value

    def image(self) -> np.ndarray:
        """The image as it is now: float32 `[N, H, W, C]`, before transforms.

        Raises
        ------
        NonFiniteLossError : the last update made it NaN or infinite.
        """
        image = self._draw(tf.constant(self.step, tf.int64))
        if not np.all(np.isfinite(image)):
            raise self._not_finite("image", np.nan, image)
        return image.numpy()

    def state(self) -> dict[str, np.ndarray]:
        """Everything needed to go on later: arrays that `np.savez` can keep and `restore` takes."""
        arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(self.variables)}
        arrays |= {f"optimizer_{i}": v.numpy() for i, v in enumerate(self._optimizer_variables())}
        return {"step": np.array(self.step), "seed": np.array(self.seed), **arrays}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from where another run with the same arguments and seed was.

        Parameters
        ----------
        state : what its `state()` returned.

        Raises
        ------
        InvalidValueError : it is the state of a run with another seed, or with other variables.
        """
        if not {"seed", "step"} <= set(state):
            raise InvalidValueError("This is not the state of a run: it has no seed and step.")
        if int(state["seed"]) != self.seed:
            raise InvalidValueError(
                f"The state is of a run with seed {state['seed']}; this one has {self.seed}."
            )
        kept = {f"variable_{i}": v for i, v in enumerate(self.variables)}
        kept |= {f"optimizer_{i}": v for i, v in enumerate(self._optimizer_variables())}
        shapes = {name: tuple(v.shape) for name, v in kept.items()}
        found = {name: state[name].shape for name in state if name not in ("step", "seed")}
        if found != shapes:
            raise InvalidValueError(f"The state holds {found}; this run has {shapes}.")
        for name, variable in kept.items():
            variable.assign(state[name])
        self.step = int(state["step"])

    def _optimizer_variables(self) -> list[tf.Variable]:
        variables = self._optimizer.variables
        return list(variables() if callable(variables) else variables)

    def check(self, objectives: Sequence[Any]) -> None:
        """Find out, before the work, whether `measure` can evaluate objectives.

        Raises
        ------
        LucidxError
        """
        for objective in map(as_objective, objectives):
            ascent.layers_read(self.model, objective, self._param.spec)

    def measure(self, objectives: Sequence[Any]) -> list[Any]:
        """Values of other objectives for the image as it is now, under newly drawn transforms.

        Parameters
        ----------
        objectives : each as `objective_f`.
        """
        seed, step = tf.constant(self.seed, tf.int64), tf.constant(self.step, tf.int64)
        values = []
        for objective in map(as_objective, objectives):
            evaluate = self._trace(objective, "exact")
            inputs = ascent.as_inputs(as_expression(objective).values)
            values.append(evaluate(self._draw(step), seed, step, *inputs).value.numpy())
        return values

    def _step_function(self) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """One update: from the step to the objective, whether gradients flow, and the image."""
        relu = "redirected" if self._redirects and acts_at(self.step) else "exact"
        if relu != self._traced_relu:
            self._traced_relu, self._traced_step = relu, self._trace_step(relu)
        return self._traced_step

    def _trace_step(self, relu: str) -> Callable[..., Any]:
        ascend = self._trace(self._objective, relu)

        def step_function(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                image = self._param.draw(step)
            result = ascend(image, tf.constant(self.seed, tf.int64), step, *self._values)
            gradients = tape.gradient(image, self.variables, output_gradients=result.gradient)
            if all(gradient is None for gradient in gradients):
                raise InvalidValueError(
                    "The image does not depend on the variables of its parameterization in a way "
                    "that has a gradient: nothing can be optimised."
                )
            gradients = [
                tf.zeros_like(variable) if gradient is None else gradient
                for gradient, variable in zip(gradients, self.variables, strict=True)
            ]
            self._optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
            return result.value, result.flows, image

        return _traced(step_function)

    def _trace(self, objective: Any, relu: str) -> Callable[..., ascent.Ascent]:
        return ascent.trace(self.model, objective, self._transform, self._param.spec, relu)

    def _not_finite(self, what: str, value: Any, image: tf.Tensor) -> NonFiniteLossError:
        last = image if self._last_finite is None else self._last_finite
        return NonFiniteLossError(
            f"The {what} is not finite at step {self.step} ({value}). The last finite image is in "
            "this error's `.image`. Try a smaller learning rate or smaller weights in the "
            "objective; check that it does not divide by zero or take the root or logarithm of a "
            "negative number.",
            self.step,
            last.numpy(),
        )

    def _watch(self, flows: np.ndarray) -> None:
        """Warn, once, of images that no gradient reaches: none at the start, or for some steps."""
        self._still = np.where(flows, 0, self._still + 1)
        stuck = self._still >= (1 if self.step == 0 and not flows.any() else 3)
        if self._warned or not stuck.any():
            return
        self._warned = True
        which = "every image" if stuck.all() else f"images {np.flatnonzero(stuck).tolist()}"
        has_relu6 = any(node.op == "Relu6" for node in self.model.graph_def.node)
        saturated = "saturated, as a ReLU6 is from 6 on" if has_relu6 else "saturated"
        redirect = (
            "Redirecting the gradients of ReLUs has not helped. Read the layer before its ReLU"
            if self._redirects
            else "Read the layer before its ReLU, pass relu_gradient_override=True"
        )
        warnings.warn(
            f"dead_gradient: at step {self.step} no gradient reaches {which}. All units that the "
            f"objective reads are off, or {saturated}. {redirect}, or try another seed; "
            "lucidx.diagnose looks for the cause.",
            DiagnosisWarning,
            stacklevel=4,
        )


def make_transform_f(
    transforms: Sequence[Callable[[tf.Tensor], tf.Tensor]] | None,
) -> Callable[[tf.Tensor], tf.Tensor]:
    """One function that applies transforms in order.

    Parameters
    ----------
    transforms : None for `transform.standard_transforms`; empty for none.

    Raises
    ------
    InvalidTypeError : one of them is not a function.
    """
    if transforms is None:
        transforms = transform.standard_transforms
    if callable(transforms):
        transforms = [transforms]
    if not isinstance(transforms, Iterable) or not all(map(callable, transforms)):
        raise InvalidTypeError(
            "transforms is a list of functions from images to images, such as "
            f"[transform.jitter(8)]; got {transforms!r}."
        )
    return transform.compose(list(transforms))


def make_optimizer(optimizer: Any, args: Sequence[Any]) -> Any:
    """An optimizer for one run.

    Parameters
    ----------
    optimizer : None for Adam with learning rate 0.05 and TensorFlow 1's epsilon; an optimizer of
        Keras or of `tf.compat.v1.train`; or a function that makes one.
    args : arguments for that function.

    Raises
    ------
    InvalidTypeError : something else.
    """
    if optimizer is None:
        return tf1.train.AdamOptimizer(0.05)
    if isinstance(optimizer, type) or not hasattr(optimizer, "apply_gradients"):
        optimizer = optimizer(*args) if callable(optimizer) else optimizer
    if not hasattr(optimizer, "apply_gradients"):
        raise InvalidTypeError(
            "optimizer is a Keras optimizer, a tf.compat.v1.train optimizer, or a function that "
            f"makes one; got {optimizer!r}."
        )
    return optimizer


def _without_state(optimizer: Any) -> Any:
    """The same optimizer as if it had never been used."""
    if not isinstance(optimizer, tf1.train.Optimizer):
        return type(optimizer).from_config(optimizer.get_config())
    fresh = copy.copy(optimizer)
    for state in ("_slots", "_non_slot_dict", "_deferred_slot_restorations"):
        setattr(fresh, state, {})
    return fresh


def _traced(function: Callable[[tf.Tensor], Any]) -> Callable[[tf.Tensor], Any]:
    """The function of the step, traced.

    At once: TensorFlow would call it wasteful that each run traces functions of its own.
    """
    step = tf.TensorSpec([], tf.int64)
    return tf.function(function, autograph=False).get_concrete_function(step)


def _make_state(optimizer: Any, variables: Sequence[tf.Variable]) -> None:
    """Make the optimizer's own variables, before anything is traced."""
    if isinstance(optimizer, tf1.train.Optimizer):
        optimizer._create_slots(variables)
    else:
        optimizer.build(variables)


def _drawn_seed() -> int:
    # From the global generator, so that code which seeds that can be repeated too, as with Lucid.
    return np.random.randint(2**31)  # noqa: NPY002


def _checked_seed(seed: Any) -> int:
    try:
        checked = operator.index(seed)
    except TypeError:
        raise InvalidTypeError(f"A seed is a whole number, not {seed!r}.") from None
    if not 0 <= checked < 2**63:
        raise InvalidValueError(f"A seed is at least 0 and less than 2**63, not {seed}.")
    return checked


def _explain(error: tf.errors.OpError, model: Model, shape: Any) -> str:
    nominal = model.image_shape
    text = (
        f"{model.name} or the objective cannot be evaluated on images {shape}, transformed: "
        f"{model_io.reason_of(error)}."
    )
    if None not in nominal:
        text += (
            f" If the size is the reason: the model was made for {nominal[0]}x{nominal[1]} pixels, "
            "and layers near its output may need just that. Render at that size, with "
            f"transform.crop_or_pad_to({nominal[0]}, {nominal[1]}) as the last transform."
        )
    return text
