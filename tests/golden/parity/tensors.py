"""Kinds of cases that compute with TensorFlow and need no model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from unittest import mock

import numpy as np
import tensorflow as tf

from parity.cases import Case, Outcome, evaluate, lookup
from parity.settings import in_every_setting, tf1

ZERO = tf.UnconnectedGradients.ZERO
OPS = {
    "Relu": lambda case, x: tf.nn.relu(x),
    "Relu6": lambda case, x: tf.nn.relu6(x),
    "MaxPool": lambda case, x: tf.nn.max_pool(x, case["ksize"], case["strides"], case["padding"]),
}


def objective(case: Case) -> Iterator[Outcome]:
    """Value and gradients of an objective on given activations."""
    layers = {layer: array["$array"] for layer, array in case["T"].items()}
    built = build_objective(case)

    def value(*activations):
        T = {**dict(zip(layers, activations, strict=True)), "labels": case["labels"]}
        return built(T.__getitem__)

    names = {"name": built.name, "description": built.description}
    inputs = [case.input(name) for name in layers.values()]
    for setting, out, gradients in in_every_setting(value, inputs):
        named = {f"grad:{layer}": g for layer, g in zip(layers, gradients, strict=True)}
        yield Outcome(setting, {"value": out, **named}, names)


def build_objective(case: Case) -> Callable:
    """Build the objective that a case names or spells out."""
    if "expr" not in case.fields:
        return case.call(case.function)
    arrays = {name: case.input(name) for name in case["inputs"] if name.isidentifier()}
    return evaluate(case["expr"], **vars(lookup("lucid.optvis.objectives")), **arrays)


def tensor_fn(case: Case) -> Iterator[Outcome]:
    """Value and gradients of a function of tensors, or of the transform that a factory makes."""
    names, diff = case["tensors"], case.get("diff", [])
    inputs = [case.input(name) for name in names]
    for setting, out, gradients in in_every_setting(_function(case), inputs, _cotangent(case)):
        named = {f"grad:{n}": g for n, g in zip(names, gradients, strict=True) if n in diff}
        yield Outcome(setting, {"out": out, **named})


def _function(case: Case) -> Callable[..., tf.Tensor]:
    if "chain" in case.fields:
        chain = [lookup(f)(*case.decode(a), **case.decode(k)) for f, a, k in case["chain"]]
        return case.function(chain)
    if case.get("factory"):
        return case.call(case.function)
    function, names = case.function, case.get("tensors", [])
    return lambda *tensors: case.call(function, dict(zip(names, tensors, strict=True)))


def _cotangent(case: Case) -> np.ndarray | None:
    """Gradient that comes in: recorded, or that of mean(out * weights)."""
    if case.get("grad_ys"):
        return case.input(case["grad_ys"])
    if case.get("weights"):
        weights = case.input(case["weights"])
        # In the order in which TensorFlow multiplies, so that exact selections stay exact.
        return weights * (np.float32(1) / np.float32(weights.size))
    return None


def rand_fft_image(case: Case) -> Iterator[Outcome]:
    """As tensor_fn, with recorded noise in place of random draws."""
    inputs = [case.input(name) for name in case.get("tensors", [])]
    for setting, out, _ in in_every_setting(_with_recorded_noise(case), inputs):
        yield Outcome(setting, {"out": out})


def _with_recorded_noise(case: Case) -> Callable[..., tf.Tensor]:
    function = _function(case)

    def run(*tensors):
        noise = iter([case.input(name) for name in case["noise"]])

        def normal(shape, seed=None):
            return tf.reshape(tf.constant(next(noise)), shape)

        with mock.patch("lucidx.optvis.randomness.normal", normal):
            return function(*tensors)

    return run


def param(case: Case) -> Iterator[Outcome]:
    """Image of a parameterization whose variables have given values, and its gradients."""
    recorded = [case.input(name) for name in case["variables"]]
    args, kwargs = case.decode(case["args"]), case.decode(case["kwargs"])
    make_image = functools.partial(case.function, *args, **kwargs)
    for setting, run in PARAM_SETTINGS.items():
        image, gradients, shapes = run(make_image, recorded, _cotangent(case))
        named = {f"grad_var{i}": g for i, g in enumerate(gradients)}
        yield Outcome(setting, {"image": image, **named}, {"variable_shapes": shapes})


def _param_eager(make_image, recorded, cotangent):
    variables = _made_variables(make_image, recorded)
    return *_on_tape(make_image, variables, cotangent), _shapes(variables)


def _param_traced(make_image, recorded, cotangent):
    variables = _made_variables(make_image, recorded)
    run = tf.function(lambda: _on_tape(make_image, variables, cotangent))
    return *run(), _shapes(variables)


def _param_v1_graph(make_image, recorded, cotangent):
    with tf.Graph().as_default(), tf1.Session() as session:
        image = make_image()
        variables = tf1.global_variables()
        cotangents = None if cotangent is None else [tf.constant(cotangent)]
        gradients = tf.gradients(image, variables, cotangents, unconnected_gradients=ZERO)
        session.run(tf1.global_variables_initializer())
        _check_shapes(variables, recorded)
        session.run([v.assign(x) for v, x in zip(variables, recorded, strict=True)])
        return *session.run((image, gradients)), _shapes(variables)


PARAM_SETTINGS = {"eager": _param_eager, "tf.function": _param_traced, "v1 graph": _param_v1_graph}


def _made_variables(make_image, recorded) -> list[tf.Variable]:
    variables: list[tf.Variable] = []

    def record(make_variable, **kwargs):
        variables.append(make_variable(**kwargs))
        return variables[-1]

    with tf.variable_creator_scope(record):
        make_image()
    _check_shapes(variables, recorded)
    for variable, value in zip(variables, recorded, strict=True):
        variable.assign(value)
    return variables


def _on_tape(make_image, variables, cotangent):
    replay = iter(variables)
    with (
        tf.GradientTape() as tape,
        tf.variable_creator_scope(lambda _make_variable, **kwargs: next(replay)),
    ):
        image = make_image()
    return image, tape.gradient(image, variables, cotangent, unconnected_gradients=ZERO)


def _shapes(variables) -> list[list[int]]:
    return [v.shape.as_list() for v in variables]


def _check_shapes(variables, recorded) -> None:
    made, expected = _shapes(variables), [list(x.shape) for x in recorded]
    assert made == expected, f"variables of shapes {made} are made, {expected} were recorded"


def op_override(case: Case) -> Iterator[Outcome]:
    """Gradient of one op that a gradient function replaces."""
    override_map = lookup("lucid.misc.gradient_override.gradient_override_map")
    overrides = functools.partial(override_map, {case["op"]: case.function})
    for setting, run in OVERRIDE_SETTINGS.items():
        y, gradient = run(case, overrides)
        yield Outcome(setting, {"y": y, "grad_x": gradient})


def _override_v1_graph(case: Case, overrides: Callable):
    with tf.Graph().as_default(), tf1.Session() as session:
        step = tf1.train.get_or_create_global_step()
        y, gradient = _overridden(case, overrides)
        session.run(tf1.global_variables_initializer())
        session.run(step.assign(case["global_step"]))
        return session.run((y, gradient))


def _override_traced(case: Case, overrides: Callable):
    @tf.function
    def run():
        set_step_of_trace(case["global_step"])
        return _overridden(case, overrides)

    return run()


OVERRIDE_SETTINGS = {"v1 graph": _override_v1_graph, "tf.function": _override_traced}


def _overridden(case: Case, overrides: Callable) -> tuple[tf.Tensor, tf.Tensor]:
    x = tf.constant(case.input("x"))
    with overrides():
        y = OPS[case["op"]](case, x)
    return y, tf.gradients(y, x, [tf.constant(case.input("grad"))])[0]


def set_step_of_trace(step: int) -> None:
    """Give the tf.function being traced a global step, which overrides look up in their graph."""
    tf1.add_to_collection(tf1.GraphKeys.GLOBAL_STEP, tf.constant(step, tf.int64, name="step"))


def use_gradient(case: Case) -> Iterator[Outcome]:
    """Function whose gradient is written by hand."""
    names = case["tensors"]
    f = case.function(evaluate(case["bwd"]))(evaluate(case["fwd"]))
    inputs = [case.input(name) for name in names]
    for setting, out, gradients in in_every_setting(f, inputs, _cotangent(case)):
        named = {f"grad:{n}": g for n, g in zip(names, gradients, strict=True)}
        yield Outcome(setting, {"out": out, **named})


def style_loss(case: Case) -> Iterator[Outcome]:
    """Style loss over placeholders, for one feed after the other."""
    styles = [case.input(name) for name in case["style"]]
    with tf.Graph().as_default(), tf1.Session() as session:
        layers = [tf1.placeholder(x.dtype, x.shape) for x in styles]
        options = {"ema_decay": case["ema_decay"]}
        if case["loss_func"]:
            options["loss_func"] = lookup(case["loss_func"])
        loss = case.function(layers, **options)
        fetches = {
            "style_loss": loss.style_loss,
            "style_losses": loss.style_losses,
            "grad": tf.gradients(loss.style_loss, layers),
            "effective_gram": loss.effective_grams,
        }
        session.run(tf1.global_variables_initializer())
        loss.set_style(dict(zip(layers, styles, strict=True)))
        targets = session.run(list(loss.target_vars))
        steps = [
            session.run(fetches, _feed(case, layers, names)) for names in case["content_per_step"]
        ]
    arrays = {f"target_gram{i}": gram for i, gram in enumerate(targets)}
    for name in ("style_loss", "style_losses"):
        arrays[name] = np.array([step[name] for step in steps])
    for name in ("grad", "effective_gram"):
        for k, step in enumerate(steps):
            arrays |= {f"{name}_step{k}_layer{i}": x for i, x in enumerate(step[name])}
    yield Outcome("v1 graph", arrays)


def _feed(case: Case, layers: Sequence[tf.Tensor], names: Sequence[str]) -> dict:
    return {layer: case.input(name) for layer, name in zip(layers, names, strict=True)}
