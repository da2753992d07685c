"""Why pictures come out grey or noisy.

The commonest failures of feature visualization are silent: a wrong value range, an objective behind
a softmax, units that are all off. Each check here names the cause and the cure.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx import value_range
from lucidx.errors import DiagnosisWarning, LucidxError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import ascent, param, randomness
from lucidx.optvis.expressions import as_expression
from lucidx.optvis.objectives import as_objective


@dataclass(frozen=True)
class Finding:
    """One likely cause of bad pictures.

    Attributes
    ----------
    name : of the cause: `"value_range"`, `"softmax_target"`, `"dead_gradient"`, `"dead_unit"` or
        `"not_finite"`.
    message : what was seen.
    cure : what to do about it.
    """

    name: str
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message} {self.cure}"


def diagnose(model: Model, objective: Any = None, *, seed: int = 0) -> list[Finding]:
    """Look for the usual causes of grey or noisy pictures.

    Parameters
    ----------
    model : to check.
    objective : to check too: `"layer:channel"`, an `Objective` or a function of T.
    seed : of the noise images are started from.

    Returns
    -------
    What was found, the most likely cause first; empty if all seems well.

    Raises
    ------
    LucidxError : the objective cannot work on this model at all.
    """
    check_model(model)
    with model_io.eagerly():
        findings = [check_value_range(model)]
        if objective is not None:
            findings += check_objective(model, objective, seed)
    return [finding for finding in findings if finding is not None]


def check_value_range(model: Model, *, quick: bool = False) -> Finding | None:
    """Compare the model's value range with the usual ones; see `lucidx.value_range`.

    Parameters
    ----------
    model : a classifier of RGB images; others are not judged.
    quick : use fewer pictures, and find only what is plain.
    """
    trials = value_range.trials(model, quick=quick)
    if not trials:
        return None
    own, *others = trials
    best = max(value_range.contenders(others), key=lambda t: t.separation, default=None)
    # What is said unasked, about networks that may not know photos, has to be beyond doubt.
    enough = 0.3 if quick else 0.8
    if best is None or own.separation > enough * best.separation:
        return None
    hardly = "hardly tells" if own.separation < value_range.PLAIN else "does not well tell"
    return Finding(
        "value_range",
        f"{model.name} is fed images in {own.name}, in which it {hardly} photos apart: "
        f"{own.separation:.2f}, against {best.separation:.2f} in {value_range.typed(model, best)}.",
        "If it was trained on photos, its image_value_range is probably "
        f"{' or '.join(value_range.typed(model, t) for t in value_range.contenders(others))}; see "
        "how its training data were prepared.",
    )


def check_objective(model: Model, objective: Any, seed: int = 0) -> list[Finding]:
    """Look for reasons why an objective gives no picture.

    Parameters
    ----------
    model : that the objective is about.
    objective : as in `render_vis`.
    seed : of the noise images are started from.
    """
    objective = as_objective(objective)
    height, width, channels = (side or 128 for side in model.image_shape)
    with randomness.stream(seed):
        start = param.image(width, height, channels=None if channels == 3 else channels)
    spec = tf.TensorSpec(start.shape, tf.float32)
    layers = ascent.layers_read(model, objective, spec)
    findings = [*softmax_targets(model, layers)]

    def ascend(image: tf.Tensor, relu: str) -> ascent.Ascent:
        trace = ascent.trace(model, objective, lambda t: t, spec, relu)
        zero = tf.constant(0, tf.int64)
        return trace(image, zero, zero, *ascent.as_inputs(as_expression(objective).values))

    exact = ascend(start, "exact")
    if not (np.all(np.isfinite(exact.value)) and np.all(np.isfinite(exact.gradient))):
        findings.append(
            Finding(
                "not_finite",
                "On the image that rendering starts from, the objective or its gradient is not "
                "finite.",
                "Look for a division by zero, a root or a logarithm in the objective, and check "
                "image_value_range.",
            )
        )
    elif not np.any(exact.flows):
        findings.append(_dead(layers, bool(np.any(ascend(start, "redirected").flows))))
        photos = value_range.photo_variants((height, width), 2)[0] if channels == 3 else []
        if not any(np.any(ascend(tf.constant(p[np.newaxis]), "exact").flows) for p in photos):
            findings.append(
                Finding(
                    "dead_unit",
                    "No gradient flows on photos either.",
                    "The unit may be off for all images: try another one.",
                )
            )
    return findings


def _dead(layers: list[str], redirect_helps: bool) -> Finding:
    cure = f"Read the layer before the ReLU instead of {', '.join(layers)}"
    if redirect_helps:
        cure += ", or keep relu_gradient_override on: redirected gradients get it started."
    else:
        cure += ", or another unit: redirected gradients do not get it started."
    return Finding(
        "dead_gradient",
        "On the image that rendering starts from, every unit that the objective reads is off or "
        "saturated: there is no gradient.",
        cure,
    )


def softmax_targets(model: Model, layers: Iterable[str]) -> Iterator[Finding]:
    """A finding for each of the layers that comes after a softmax."""
    skeleton = model_io.skeleton(model)
    for name in layers:
        scores = value_range.before_softmax(skeleton, name)
        if scores is not None:
            yield Finding(
                "softmax_target",
                f"The objective reads {name!r}, which comes after a softmax: its gradient is "
                "mostly about pushing other classes down, and vanishes where one class wins.",
                f"Use the layer before it, {scores!r}.",
            )


def preflight(model: Model, layers: Iterable[str]) -> None:
    """Warn of what can be told before rendering, quickly.

    Parameters
    ----------
    model : to be rendered. Its value range is checked once, unless it is of the catalogue.
    layers : that the objective reads.
    """
    for finding in softmax_targets(model, layers):
        warnings.warn(str(finding), DiagnosisWarning, stacklevel=4)
    # A model of the catalogue has the right range, unless it was given another.
    if not model.catalogue_name or "image_value_range" in vars(model):
        model_io.skeleton(model).fact("value range", lambda: _warn_of_value_range(model))


def _warn_of_value_range(model: Model) -> None:
    # A model that cannot be asked is no reason not to render it.
    with contextlib.suppress(LucidxError, tf.errors.OpError):
        finding = check_value_range(model, quick=True)
        if finding is not None:
            warnings.warn(str(finding), DiagnosisWarning, stacklevel=7)
