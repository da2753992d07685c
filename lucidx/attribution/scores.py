"""What is explained: one number that a network computes of one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
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
    InvalidValueError : no class of that name (the closest are offered), or several; or a bare label
        for a model without an output layer of one score per class.
    UnknownLayerError : no layer of that name.
    InvalidTypeError : neither a string nor a function.
    """
    if callable(score):
        said = getattr(score, "description", "") or getattr(score, "__name__", "")
        return Score(score, said or repr(score))
    if not isinstance(score, str):
        raise InvalidTypeError(
            "A score is a label, 'layer:label', 'layer:channel', an Objective or a function of T; "
            f"not {score!r}.{_by_number(model, score)}"
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
    # A number, not the label: classes then share one trace.
    return objectives.class_logit(layer, _index_of(model, model.labels, label, layer))


def _by_number(model: Model, number: Any) -> str:
    """How a class is named by its number, if that is what was meant."""
    if not isinstance(number, Integral) or isinstance(number, bool):
        return ""
    layer = value_range.class_scores(model) or "layer"
    return f" For the class, or channel, of that number: '{layer}:{number}'."


def class_index(model: Model, label_or_index: str | int) -> int:
    """Number of a class, counted from 0, by its label or number.

    Parameters
    ----------
    model : whose labels, and scores for classes, are meant.
    label_or_index : text is a label, also if it is made of digits.

    Raises
    ------
    InvalidValueError : no class of that name (the closest are offered) or number; or a label that
        several classes have (their numbers are given).
    InvalidTypeError : neither text nor a whole number.
    """
    labels = class_labels(model)
    if isinstance(label_or_index, str):
        return _index_of(model, labels, label_or_index, value_range.class_scores(model))
    if not isinstance(label_or_index, Integral) or isinstance(label_or_index, bool):
        raise InvalidTypeError(f"Classes are labels or indices, not {label_or_index!r}.")
    count = _class_count(model) or len(labels)
    if not 0 <= label_or_index < count:
        known = f"has classes 0 to {count - 1}" if count else "has no classes"
        raise InvalidValueError(f"{model.name} {known}; there is no class {label_or_index}.")
    return int(label_or_index)


def class_labels(model: Model) -> list[str]:
    """Names of the classes, "class 3" where the model names fewer than it has."""
    try:
        named = list(model.labels or ())
    except (InvalidValueError, OSError):
        named = []
    count = _class_count(model) or len(named)
    return [*named[:count], *(f"class {i}" for i in range(len(named), count))]


def _class_count(model: Model) -> int | None:
    layer = value_range.class_scores(model)
    return None if layer is None else model_io.skeleton(model).layer(layer).shape[-1]


def _index_of(model: Model, labels: Sequence[str], label: str, layer: str | None) -> int:
    numbers = [i for i, known in enumerate(labels) if known == label]
    if not numbers:
        raise InvalidValueError(
            f"{model.name} has no class {label!r}. {did_you_mean(label, labels)}"
        )
    if len(numbers) > 1:
        ways = " or ".join(f"'{layer or 'layer'}:{number}'" for number in numbers)
        raise InvalidValueError(
            f"{len(numbers)} classes of {model.name} are called {label!r}: "
            f"{' and '.join(map(str, numbers))}. Name one by its number; as a score, {ways}."
        )
    return numbers[0]
