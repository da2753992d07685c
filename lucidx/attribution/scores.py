"""What is explained: one number that a network computes of one image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lucidx import value_range
from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives

T = Callable[[str], Any]


class Score(NamedTuple):
    """A function of T, and what to call it.

    Attributes
    ----------
    objective : function of T, where T gives the layers of one image, as a batch of one.
    description : for people.
    """

    objective: Callable[[T], Any]
    description: str


def as_score(model: Model, score: Any) -> Score:
    """What was meant by a score.

    Parameters
    ----------
    model : whose labels and layers are meant.
    score : an `Objective`, or another function of T; `"Labrador retriever"`, a label of the model;
        `"softmax2_pre_activation:tabby"`, a label and the layer that has one score per class; or
        `"mixed4d:20"`, the mean of a channel.

    Raises
    ------
    InvalidValueError : no class of that name (the closest are offered), or a bare label for a model
        without an output layer of one score per class.
    UnknownLayerError : no layer of that name.
    InvalidTypeError : neither a string nor a function.
    """
    if callable(score):
        said = getattr(score, "description", "") or getattr(score, "__name__", "")
        return Score(score, said or repr(score))
    if not isinstance(score, str):
        raise InvalidTypeError(
            "A score is a label, 'layer:label', 'layer:channel', an Objective or a function of T; "
            f"not {score!r}."
        )
    layer, colon, what = (part.strip() for part in score.rpartition(":"))
    if colon and _is_whole(what):
        return Score(objectives.as_objective(score), score)
    if not colon or score in (model.labels or ()):
        return Score(_of_class(model, score), score)
    model_io.skeleton(model).layer(layer)
    return Score(_logit(model, layer, what), score)


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _of_class(model: Model, label: str) -> objectives.Objective:
    layer = value_range.class_scores(model)
    if layer is None or not model.labels:
        raise InvalidValueError(
            f"{model.name} has no labels and output layer to find {label!r} in. Name the layer and "
            "the class's number: 'layer:3'."
        )
    return _logit(model, layer, label)


def _logit(model: Model, layer: str, label: str) -> objectives.Objective:
    if not model.labels:
        raise InvalidValueError(
            f"{model.name} has no labels, so {label!r} cannot be found. Use the class's number: "
            f"'{layer}:3'."
        )
    if label not in model.labels:
        raise InvalidValueError(
            f"{model.name} has no class {label!r}. {did_you_mean(label, model.labels)}"
        )
    # A number, not the label: classes then share one trace.
    return objectives.class_logit(layer, list(model.labels).index(label))
