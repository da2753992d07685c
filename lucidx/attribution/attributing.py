"""Attribution of a score of an image, or of many, to a layer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from lucidx.attribution.methods import METHODS, USE_GRADIENT, Method
from lucidx.attribution.probes import Probe, Weights, probes_at
from lucidx.attribution.results import Attribution
from lucidx.attribution.scoring import Scorer
from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objective import Objective


def attribute(
    model: Model,
    image: np.ndarray,
    score: Objective | str | Any,
    layer: str | Layer,
    method: str | Method = "linear",
    *,
    batch_size: int = 16,
    maxpool: str = "exact",
    **options: Any,
) -> Attribution | list[Attribution]:
    """How much each neuron of a layer did for a score.

    Parameters
    ----------
    model : a model.
    image : `[H, W, C]` RGB, floats in 0..1 or uint8, of the size that the model takes; or several,
        `[N, H, W, C]`. The images of a batch do not affect each other.
    score : an `Objective` or another function of T, where T gives the layers of one image; a label,
        such as `"Labrador retriever"`; `"layer:label"` or `"layer:channel"`. The difference of two
        classes is a difference of two objectives.
    layer : name of a layer that the score depends on, or `"input"`, the image in 0..1.
    method : one of `METHODS`; or a function of a `Probe`, and of the options, that returns values
        shaped like the activations, or `Weights`.
    batch_size : how many evaluations of the network run at once.
    maxpool : `"smoothed"` to use gradients of max pooling that reach all inputs of a window, not
        only the largest, as the article's linked views do. Ablation has no gradients.
    options : of the method.

    Returns
    -------
    One attribution, or a list of them for several images.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError

    Examples
    --------
    >>> dog, cat = (objectives.class_logit("softmax2_pre_activation", name) for name in names)
    >>> why = attribute(model, photo, dog - cat, "mixed4d")
    >>> why.top(3)  # the channels that say dog, and those that say cat
    """
    function, name = _method(method, options)
    scorer = Scorer(model, score, layer, maxpool)
    probes = list(probes_at(scorer, image, batch_size, gradients=name in USE_GRADIENT))
    results = [_attribution(function(probe, **options), probe, scorer, name) for probe in probes]
    return results[0] if np.ndim(image) == 3 else results


def method_name(method: str | Method) -> str:
    """What a method is called.

    Raises
    ------
    InvalidValueError : there is no method of that name.
    InvalidTypeError : neither a name nor a function.
    """
    if isinstance(method, str):
        if method not in METHODS:
            raise InvalidValueError(
                f"There is no method {method!r}. {did_you_mean(method, METHODS)}"
            )
        return method
    if not callable(method):
        raise InvalidTypeError(
            f"A method is a name, one of {', '.join(METHODS)}, or a function of a Probe; not "
            f"{method!r}."
        )
    return getattr(method, "__name__", repr(method))


def _method(method: str | Method, options: Mapping[str, Any]) -> tuple[Method, str]:
    """The function of a method, and its name, after a look at the options."""
    name = method_name(method)
    function = METHODS[method] if isinstance(method, str) else method
    parameters = list(inspect.signature(function).parameters.values())[1:]
    known = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    if len(known) == len(parameters):
        for option in options:
            if option not in known:
                raise InvalidTypeError(
                    f"The method {name!r} has no option {option!r}. {did_you_mean(option, known)}"
                )
    return function, name


def _attribution(result: Any, probe: Probe, scorer: Scorer, name: str) -> Attribution:
    """What a method returned, as an attribution."""
    at, found = probe.activations, {}
    if isinstance(result, Weights):
        slope, start = (_like(array, at, name) for array in result[:2])
        values = (at - start) * slope
        found = {
            "gradient": slope,
            "baseline": start,
            "baseline_scorer": lambda: next(probe.scores([start], 1)),
            "unweighted_total": result.unweighted_total,
        }
    else:
        values = _like(result, at, name, collapsed=True)
    return Attribution(
        model=scorer.model.name,
        layer=scorer.layer,
        target=scorer.description,
        method=name,
        values=values,
        activations=at,
        score=probe.score,
        **found,
    )


def _like(result: Any, activations: np.ndarray, name: str, collapsed: bool = False) -> np.ndarray:
    """What a method returned, if it is shaped like the activations."""
    array, shape = np.asarray(result), activations.shape
    sizes = [n == m or (collapsed and n == 1) for n, m in zip(array.shape, shape, strict=False)]
    if array.dtype.kind not in "fiu" or array.ndim != len(shape) or not all(sizes):
        raise InvalidTypeError(
            f"The method {name!r} returns {array.dtype} of shape {array.shape}, not numbers "
            f"shaped like the activations, {shape}."
        )
    return array.astype(np.float32, copy=False)
