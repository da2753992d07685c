"""Kinds of cases that run a whole network."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx import attribution
from lucidx.optvis import objectives
from parity.cases import Case, Outcome, lookup
from parity.settings import in_every_setting, tf1
from parity.tensors import build_objective, set_step_of_trace


class Imported(NamedTuple):
    """A model imported on a placeholder in a graph of its own."""

    session: tf1.Session
    image: tf.Tensor
    T: Any
    global_step: tf.Variable


@functools.cache
def _model(path: str) -> Any:
    return lookup(path)()


def _weights(case: Case) -> Any:
    """Model of a case; raises WeightsNotFoundError where its weights are not on this machine."""
    model = _model(case.reference_model["class"])
    assert model.graph_def.node
    return model


def _overrides(name: str | None) -> Callable[[], contextlib.AbstractContextManager]:
    if name is None:
        return contextlib.nullcontext
    return lookup(f"lucid.optvis.overrides.{name}_overrides")


# Importing a network takes longer than running it, so cases that differ in nothing else share it.
@functools.lru_cache(maxsize=8)
def _imported(model: Any, overrides: str | None, image_shape: tuple[int, ...]) -> Imported:
    with tf.Graph().as_default() as graph:
        step = tf1.train.get_or_create_global_step()
        image = tf1.placeholder(tf.float32, image_shape)
        with _overrides(overrides)():
            T = lookup("lucid.optvis.render.import_model")(model, image, image)
        session = tf1.Session(graph=graph)
        session.run(tf1.global_variables_initializer())
    return Imported(session, image, T, step)


@contextlib.contextmanager
def _in_graph(case: Case) -> Iterator[tuple[Imported, dict]]:
    net = _imported(_weights(case), case.get("overrides"), case.image.shape)
    with net.session.graph.as_default():
        net.session.run(net.global_step.assign(case.get("global_step", 0)))
        yield net, {net.image: case.image}


def model_import(case: Case) -> Iterator[Outcome]:
    """What a model's class says about the model."""
    model = case.function()
    layers = [[layer.name, layer.depth, sorted(layer.tags)] for layer in model.layers]
    facts = {
        "layers": layers,
        "image_shape": list(model.image_shape),
        "is_BGR": model.is_BGR,
        "input_name": model.input_name,
        "image_value_range": np.asarray(model.image_value_range).tolist(),
        "name": model.name,
        "layer_reprs": [repr(model.layers[0]), repr(model.layers[-1])],
    }
    yield Outcome("python", {}, facts)


def model_create_input(case: Case) -> Iterator[Outcome]:
    """The tensor that a model's input node is fed with."""
    model = _model_with(case, case["model_attrs"])
    static_shapes = []

    def prepared(image):
        _, prep_input = model.create_input(image, **case["kwargs"])
        static_shapes.append(prep_input.shape.as_list())
        return prep_input

    for setting, out, _ in in_every_setting(prepared, [case.image]):
        # An eager tensor cannot forget its shape.
        known = {"static_shape": static_shapes[-1]} if setting != "eager" else {}
        yield Outcome(setting, {"prep_input": out}, known)


def _model_with(case: Case, attributes: str | Mapping) -> Any:
    if isinstance(attributes, str):
        return lookup(f"lucid.modelzoo.vision_models.{attributes}")()
    Model = lookup("lucid.modelzoo.vision_base.Model")
    return type("Recorded", (Model,), case.decode(attributes))()


def model_acts(case: Case) -> Iterator[Outcome]:
    """Activations of a layer."""
    layer = case["layer"]
    with _in_graph(case) as (net, feed):
        yield _activations(case, "v1 graph", net.session.run(net.T(layer), feed))
    run = _function_of_image(case, lambda image, T: T(layer))
    yield _activations(case, "tf.function", run(tf.constant(case.image)).numpy())


def _activations(case: Case, setting: str, acts: np.ndarray) -> Outcome:
    part = tuple(s if isinstance(s, int) else slice(*s) for s in case["slice"])
    whole = acts.astype(np.float64)
    arrays = {
        "slice": acts[part],
        "mean": whole.mean(),
        "std": whole.std(),
        "channel_mean": whole.reshape(-1, whole.shape[-1]).mean(0),
    }
    return Outcome(setting, arrays, {"shape": list(acts.shape)})


def model_grad(case: Case) -> Iterator[Outcome]:
    """Objective of a network and its gradient with respect to the image."""
    objective = build_objective(case)
    facts = {"name": objective.name, "description": objective.description}
    with _in_graph(case) as (net, feed):
        fetches = _value_and_gradients(case, objective, net.image, net.T)
        yield Outcome("v1 graph", net.session.run(fetches, feed), facts)

    image = tf.constant(case.image)
    run = _function_of_image(case, lambda im, T: _value_and_gradients(case, objective, im, T))
    yield Outcome("tf.function, tf.gradients inside", _numpy(run(image)), facts)

    if case["overrides"] is None:
        value = _function_of_image(case, lambda _, T: -objective(T))
        with tf.GradientTape() as tape:
            tape.watch(image)
            minus = value(image)
        arrays = {"value": -minus, "grad_of_minus_objective": tape.gradient(minus, image)}
        yield Outcome("tf.function, tape outside", _numpy(arrays), facts)


def _value_and_gradients(case: Case, objective: Any, image: tf.Tensor, T: Any) -> dict:
    value = objective(T)
    fetches = {"value": value, "grad_of_minus_objective": tf.gradients(-value, image)[0]}
    if "grad_of_objective" in case["outputs"]:
        fetches["grad_of_objective"] = tf.gradients(value, image)[0]
    return fetches


def _function_of_image(case: Case, compute: Any) -> Any:
    """Make a user's tf.function that imports the model itself."""
    model = _weights(case)
    import_model = lookup("lucid.optvis.render.import_model")
    overrides = _overrides(case.get("overrides"))

    @tf.function
    def run(image):
        set_step_of_trace(case.get("global_step", 0))
        with overrides():
            T = import_model(model, image, image)
        return compute(image, T)

    return run


def _numpy(arrays: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    return {name: x.numpy() for name, x in arrays.items()}


def model_attr(case: Case) -> Iterator[Outcome]:
    """Attribution of class logits to a layer, linear or along the path from zero."""
    for setting, attributions_of in {"v1 graph": _in_notebook, "attribution": _attributed}.items():
        logits, shape, attributions = attributions_of(case)
        arrays = {"logits": np.array(logits, np.float32)}
        for name, values in attributions.items():
            arrays[f"spatial{name}"] = values.sum(-1)
            arrays[f"channel{name}"] = values.sum((0, 1))
        yield Outcome(setting, arrays, {"layer_shape": shape})


Attributions = tuple[Any, list[int], dict[str, np.ndarray]]


def _in_notebook(case: Case) -> Attributions:
    """Logits, shape of the layer and attributions, computed as a notebook does."""
    with _in_graph(case) as (net, feed):
        acts, classes = net.T(case["layer"]), [case["class1"], case["class2"]]
        logits = net.T(case.reference_model["logits_layer"])[0]
        scores = [logits[c] for c in classes]
        gradients = [tf.gradients(s, acts)[0] for s in (*scores, scores[0] - scores[1])]
        at, logit_values = net.session.run((acts, scores), feed)
        if case["method"] == "linear":
            names = ("_class1", "_class2", "_diff")
            slopes = net.session.run(gradients, feed)
            found = {n: (g * at)[0] for n, g in zip(names, slopes, strict=True)}
        else:
            parts = [n / case["N"] for n in range(case["N"])]
            run = net.session.run
            terms = [run(gradients[-1], {**feed, acts: at * p}) * at / case["N"] for p in parts]
            found = {"": sum(terms)[0], "_without_n0": sum(terms[1:])[0]}
    return logit_values, list(at.shape), found


def _attributed(case: Case) -> Attributions:
    """Logits, shape of the layer and attributions, by `lucidx.attribution`."""
    layer, logits = case["layer"], case.reference_model["logits_layer"]
    classes = [objectives.class_logit(logits, case[name]) for name in ("class1", "class2")]
    scores = dict(zip(("_class1", "_class2"), classes, strict=True))
    scores["_diff"] = classes[0] - classes[1]

    def found(score: Any, method: Any, **options: Any) -> attribution.Attribution:
        return attribution.attribute(_weights(case), case.image, score, layer, method, **options)

    def first_term(probe: attribution.Probe) -> np.ndarray:
        zeros = np.zeros_like(probe.activations)
        ((_, slope),) = probe.evaluations([zeros], 1)
        return slope * probe.activations / case["N"]

    linear = {name: found(score, "linear") for name, score in scores.items()}
    values = {name: a.values for name, a in linear.items()}
    if case["method"] == "path":
        whole = found(scores["_diff"], "path", steps=case["N"], rule="left").values
        values = {"": whole, "_without_n0": whole - found(scores["_diff"], first_term).values}
    of_classes = [linear[name].score for name in ("_class1", "_class2")]
    return of_classes, [1, *linear["_diff"].activations.shape], values


def model_attr_spatial(case: Case) -> Iterator[Outcome]:
    """Attribution of the strength of each position of one layer to positions of another."""
    with _in_graph(case) as (net, feed):
        acts1, acts2 = net.T(case["layer1"]), net.T(case["layer2"])
        row, column = tf1.placeholder(tf.int32, []), tf1.placeholder(tf.int32, [])
        strength = tf.sqrt(tf.reduce_sum(acts2[0, row, column] ** 2))
        attr = tf.reduce_sum((acts1 * tf.gradients(strength, acts1)[0])[0], -1)
        rows, columns = net.session.run(tf.shape(acts2), feed)[1:3]
        maps = [
            [net.session.run(attr, {**feed, row: i, column: j}) for j in range(columns)]
            for i in range(rows)
        ]
    yield Outcome("v1 graph", {"attr": np.array(maps)})
    found = attribution.layer_attribution(
        _weights(case), case.image, case["layer1"], case["layer2"]
    )
    yield Outcome("attribution", {"attr": found.values})


def model_get_activations(case: Case) -> Iterator[Outcome]:
    """Activations of many images, given in one of the ways that are allowed."""
    model, images, kwargs = _weights(case), case.image, case.decode(case["kwargs"])
    if case["examples"]:
        examples = {"ndarray": lambda: images, "list": lambda: list(images)}
        examples["generator"] = lambda: (image for image in images)
        acts = model.get_activations(case["layer"], examples[case["examples"]](), **kwargs)
    else:
        indexed = zip([tuple(i) for i in case["indices"]], images, strict=True)
        acts = case.function(model, case["layer"], indexed, **kwargs)
    yield Outcome("python", {"acts": acts}, {"shape": list(acts.shape), "dtype": str(acts.dtype)})


def trajectory(case: Case) -> Iterator[Outcome]:
    """Images and losses along an optimization from a given start."""
    for setting, descend in DESCENTS.items():
        yield Outcome(setting, *descend(case))


def _descend_in_session(case: Case) -> tuple[dict, dict]:
    """Run make_vis_T as a notebook does: every step by hand in a v1 session."""
    image_param = lookup("lucid.optvis.param.image")
    with tf.Graph().as_default(), tf1.Session() as session:
        T = case.function(
            _weights(case),
            case["objective"],
            lambda: image_param(**case["param_kwargs"]),
            transforms=[],
            relu_gradient_override=case["relu_gradient_override"],
        )
        (variable,) = tf1.trainable_variables()
        (gradient,) = tf.gradients(-T("loss"), [variable])
        session.run(tf1.global_variables_initializer())
        session.run(variable.assign(case.input("variable")))
        image = T("input")
        arrays = {"image_start": session.run(image)}
        arrays["grad_of_minus_loss_start"] = session.run(gradient)
        losses, wanted = [], _recorded_updates(case)
        for update in range(1, case["steps"] + 1):
            losses.append(session.run([T("loss"), T("vis_op")])[0])
            if update in wanted:
                arrays[wanted[update]] = session.run(image)
        arrays["image_final"] = session.run(image)
    arrays |= {"losses": np.array(losses), "losses_first8": np.array(losses[:8])}
    return arrays, {"variable_shape": variable.shape.as_list(), "number_of_updates": len(losses)}


def _descend_eagerly(case: Case) -> tuple[dict, dict]:
    """Advance what render_vis is a loop around."""
    vis = lookup("lucid.optvis.render.Visualization")(
        _weights(case),
        case["objective"],
        lambda: lookup("lucid.optvis.param.image")(**case["param_kwargs"]),
        transforms=[],
        relu_gradient_override=case["relu_gradient_override"],
        seed=0,
    )
    (variable,) = vis.variables
    variable.assign(case.input("variable"))
    arrays = {"image_start": vis.image()}
    losses, wanted = [], _recorded_updates(case)
    for update in range(1, case["steps"] + 1):
        losses.append(vis.advance())
        if update in wanted:
            arrays[wanted[update]] = vis.image()
    arrays["image_final"] = vis.image()
    arrays |= {"losses": np.array(losses), "losses_first8": np.array(losses[:8])}
    return arrays, {"variable_shape": variable.shape.as_list(), "number_of_updates": len(losses)}


DESCENTS = {"v1 graph": _descend_in_session, "TensorFlow 2": _descend_eagerly}


def _recorded_updates(case: Case) -> dict[int, str]:
    matches = (re.fullmatch(r"image_after_(\d+)_updates?", name) for name in case["outputs"])
    return {int(match[1]): match[0] for match in matches if match}
