"""Running a plan: each task once, each result kept under its task."""

from __future__ import annotations

import functools
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from lucidx import attribution, value_range
from lucidx.attribution.scores import class_index, class_labels
from lucidx.basis import channels
from lucidx.errors import DiagnosisWarning, InvalidValueError
from lucidx.icons import icons
from lucidx.interfaces import content, grids
from lucidx.interfaces.grammar import INPUT, Atoms
from lucidx.interfaces.grouping import GroupsFound, find_groups
from lucidx.interfaces.photos import Photo
from lucidx.interfaces.planning import (
    AT_INPUT,
    AttributeClass,
    ComputeActivations,
    DrawChannels,
    DrawGrid,
    DrawGroups,
    FindGroups,
    LinkPositions,
    MeasureBypass,
    Plan,
    Quality,
    Task,
    describe,
    steps,
)
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives

Progress = Callable[[float, str], Any]


class Classes(NamedTuple):
    """The classes that a page is about.

    Attributes
    ----------
    indices : of each in the model's outputs.
    labels : names, for people.
    scores : before the softmax, for the photo.
    probabilities : after it.
    """

    indices: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    probabilities: tuple[float, ...] = ()


class Drawn(NamedTuple):
    """Channels, and their icons `[K, size, size, 3]` in 0..1."""

    members: tuple[int, ...]
    icons: np.ndarray


@dataclass
class Results:
    """What has been computed of a plan.

    Attributes
    ----------
    found : results by their tasks.
    tick : called with the part done of the task that is being computed.
    """

    model: Model
    photo: Photo
    classes: Classes
    quality: Quality
    seed: int
    found: dict[Task, Any] = field(default_factory=dict)
    tick: Callable[[float], Any] = lambda part: None

    def __getitem__(self, task: Task) -> Any:
        return self.found[task]

    def class_attributions(self, layer: str) -> list[Any]:
        """Attributions of the classes' scores to a layer, in the order of the classes."""
        return [self[AttributeClass(layer, index)] for index in self.classes.indices]

    def bypass(self, layer: str) -> float:
        """Part of the change in the classes' scores that passes a layer by; 0 if none can."""
        return self.found.get(MeasureBypass(layer), 0.0)

    @functools.cached_property
    def _groupings(self) -> list[GroupsFound]:
        return [found for task, found in self.found.items() if isinstance(task, FindGroups)]

    def groups(self, atoms: Atoms) -> Any:
        """The neuron groups that atoms are."""
        return next(g.groups[atoms] for g in self._groupings if atoms in g.groups)

    def group_effects(self, below: Atoms, above: Atoms) -> np.ndarray:
        """What each group adds to the activity of each group above, `[K, K']`."""
        return next(g.effects[below, above] for g in self._groupings if (below, above) in g.effects)


def find_classes(model: Model, photo: Photo, asked: Sequence[str | int] | str | int) -> Classes:
    """Classes by their labels or numbers, or the model's top predictions.

    Parameters
    ----------
    model, photo : whose predictions.
    asked : labels or indices of classes; or how many of the top predictions.

    Raises
    ------
    InvalidValueError : no such class; the closest are offered. Or several of that label.
    """
    layer = value_range.class_scores(model)
    if layer is None:
        if isinstance(asked, Integral) or not asked:
            return Classes()
        raise InvalidValueError(f"{model.name} has no layer of class scores to find {asked} in.")
    scores = np.asarray(model.activations(photo.image, layer), np.float64)
    labels = _distinct(class_labels(model))
    if isinstance(asked, Integral):
        if asked < 1:
            raise InvalidValueError(f"At least 1 class can be asked for, not {asked}.")
        indices = [int(i) for i in np.argsort(-scores, kind="stable")[:asked]]
    else:
        asked = [asked] if isinstance(asked, str) else asked
        indices = list(dict.fromkeys(class_index(model, one) for one in asked))
    probabilities = softmax(scores)
    return Classes(
        tuple(indices),
        tuple(labels[i] for i in indices),
        tuple(float(scores[i]) for i in indices),
        tuple(float(probabilities[i]) for i in indices),
    )


def _distinct(labels: Sequence[str]) -> list[str]:
    """What to call classes, no two the same."""
    counts = Counter(labels)
    # Two classes of ImageNet are cranes: a reader must tell the bird from the machine.
    return [f"{name} ({i})" if counts[name] > 1 else name for i, name in enumerate(labels)]


def run(plan: Plan, results: Results, progress: Progress | None = None) -> Results:
    """Compute the tasks of a plan.

    Parameters
    ----------
    plan : what to compute.
    results : of which model, photo and classes; filled and returned.
    progress : called with the part done, 0 to 1, and what is being done.
    """
    report = progress or (lambda done, what: None)
    done = 0.0
    for task, cost in zip(plan.tasks, plan.costs, strict=True):

        def tick(part: float, task: Task = task, before: float = done, own: float = cost) -> None:
            report((before + part * own) / plan.cost, describe(task))

        tick(0)
        results.tick = tick
        with model_io.eagerly():
            results.found[task] = _RUN[type(task)](task, results)
        done += cost
    report(1.0, "page")
    return results


def _activations(task: ComputeActivations, results: Results) -> np.ndarray:
    acts = np.asarray(results.model.activations(results.photo.image, task.layer))
    info = model_io.skeleton(results.model).layer(task.layer)
    if acts.ndim == 3 and info.data_format == "NCHW":
        acts = np.moveaxis(acts, 0, -1)
    if not np.isfinite(acts).all():
        raise InvalidValueError(
            f"{task.layer!r} of {results.model.name} is not finite for this photo. "
            "lucidx.diagnose(model) looks for reasons."
        )
    return acts


def _class_attribution(task: AttributeClass, results: Results) -> Any:
    score = objectives.class_logit(value_range.class_scores(results.model), task.index)
    # Complete, as the first-order estimate of the article is not, and nearly as cheap.
    options = {"method": "path", "steps": steps(results.model, task.layer, results.quality)}
    if task.layer == INPUT:
        options = AT_INPUT
    return attribution.attribute(results.model, results.photo.image, score, task.layer, **options)


def _position_links(task: LinkPositions, results: Results) -> Any:
    return attribution.layer_attribution(
        results.model, results.photo.image, task.below, task.above, maxpool="smoothed"
    )


def _bypass(task: MeasureBypass, results: Results) -> float:
    """Part of the change in scores since a black photo that is there with the layer silenced."""
    classes = list(results.classes.indices)
    layer = value_range.class_scores(results.model)
    black = results.model.activations(np.zeros_like(results.photo.image), layer)[classes]
    silenced = [found.baseline_score for found in results.class_attributions(task.layer)]
    change = np.abs(results.classes.scores - black).sum()
    return float(np.abs(silenced - black).sum() / change) if change else 0.0


def _groups(task: FindGroups, results: Results) -> GroupsFound:
    return find_groups(results.model, results.photo.image, task.chain, results.seed)


def _channel_icons(task: DrawChannels, results: Results) -> Drawn:
    members = content.most_shown(task.contents, results)
    if not members:
        return Drawn((), np.zeros([0, 1, 1, 3], np.float32))
    basis = channels(results.model, task.layer, members)
    return Drawn(tuple(members), _icons(basis, results))


def _group_icons(task: DrawGroups, results: Results) -> np.ndarray:
    return _icons(results.groups(task.groups).basis, results)


def _icons(basis: Any, results: Results) -> np.ndarray:
    quality = results.quality
    with warnings.catch_warnings():
        # One of many icons may die while it is drawn; it stays what it was.
        warnings.filterwarnings("ignore", "dead_gradient", DiagnosisWarning)
        return icons(
            results.model, basis, quality.icon_size, quality=quality.icons, seed=results.seed
        )


def _grid(task: DrawGrid, results: Results) -> np.ndarray:
    quality = results.quality
    vectors = grids.pooled(results[ComputeActivations(task.layer)], quality.cells)
    return grids.draw(
        results.model,
        task.layer,
        vectors,
        quality.grid_size // max(vectors.shape[:2]),
        quality.grid_steps,
        seed=results.seed,
        on_step=lambda step: results.tick(step / quality.grid_steps),
    )


_RUN: Mapping[type, Callable[[Any, Results], Any]] = {
    ComputeActivations: _activations,
    AttributeClass: _class_attribution,
    MeasureBypass: _bypass,
    LinkPositions: _position_links,
    FindGroups: _groups,
    DrawChannels: _channel_icons,
    DrawGroups: _group_icons,
    DrawGrid: _grid,
}
