"""Atlases from activations: laid out, cut into cells of several sizes, and drawn.

samples = read_collection(collect(model, "mixed4c", ["photos"], "mixed4c.work").directory)
atlas = build(model, "mixed4c", samples)
page_of(atlas).save("atlas.html")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import numpy as np

import lucidx
from lucidx import picture_cache
from lucidx.arguments import whole
from lucidx.basis import depth_of, directions, layer_name
from lucidx.errors import InvalidValueError, did_you_mean
from lucidx.icons import QUALITIES, icons
from lucidx.misc.io.writing import into_file
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis.objectives_util import static_index
from lucidx.recipes.activation_atlas import whitening
from lucidx.recipes.activation_atlas.grid import Cells, chosen_grids, filled
from lucidx.recipes.activation_atlas.layout import (
    LEAST,
    UMAP_OPTIONS,
    aligned_umap,
    checked_seed,
)
from lucidx.recipes.activation_atlas.samples import Samples

Progress = Callable[[float, str], None]

_DRAWN_AT_ONCE = 16  # icons, after each of which they are kept and progress is told
_LAID_OUT = 0.1  # of the whole work, for progress
LAYOUT = "layout.npz"


class Level(NamedTuple):
    """An atlas at one density.

    Attributes
    ----------
    cells : of the grid, K of them.
    icons : of each, uint8 `[K, size, size, 3]`.
    """

    cells: Cells
    icons: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Atlas:
    """A map of what a layer can see.

    Attributes
    ----------
    model, layer : names.
    levels : the same map in grids of several sizes, the coarsest first.
    labels : names of the classes that cells argue for; none if that is not known.
    settings : how it was made, what JSON can express.
    """

    model: str
    layer: str
    levels: tuple[Level, ...]
    labels: tuple[str, ...]
    settings: Mapping[str, Any]

    def __repr__(self) -> str:
        grids = ", ".join(f"{cells.size}x{cells.size}" for cells, _ in self.levels)
        drawn = sum(len(icons) for _, icons in self.levels)
        return f"<Atlas of {self.layer!r} of {self.model}: {drawn} icons in grids of {grids}>"

    def level(self, grid: int | None = None) -> Level:
        """The level with a grid of some size; the finest by default.

        Raises
        ------
        InvalidValueError : there is none of that size.
        """
        found = {level.cells.size: level for level in self.levels}
        if grid is None:
            return self.levels[-1]
        if grid not in found:
            raise InvalidValueError(
                f"There is no grid of {grid}; there are {', '.join(map(str, found))}."
            )
        return found[grid]


def build(
    model: Model,
    layer: str | Layer,
    samples: Samples,
    *,
    grids: Sequence[int] | None = None,
    icon_size: int = 80,
    quality: str = "fast",
    threshold: int = 1,
    whiten: bool | None = None,
    seed: int = 0,
    directory: str | os.PathLike | None = None,
    progress: Progress | None = None,
) -> Atlas:
    """Make an atlas ("Activation Atlas", Carter et al., Distill 2019).

    Activations are laid out in the plane, similar ones side by side. The plane is cut into cells,
    and each cell is drawn by an icon of the mean of the activations in it. Icons are kept in the
    cache as they are drawn, so that a run that was stopped goes on there.

    Parameters
    ----------
    model, layer : what is mapped; the layer or its name.
    samples : activations of many pictures; some thousands make a map that shows more than which
        pictures there were.
    grids : numbers of cells along each side; by default those of 5, 10 and 20 that there are enough
        activations for.
    icon_size, quality : of icons, see `lucidx.icons.icons`.
    threshold : cells with as many activations or fewer stay empty.
    whiten : draw directions multiplied by `whitening`, which brings out how they differ from what
        is common in the layer. By default if there are ten times as many activations as channels.
    seed : decides everything random, at most 2 ** 32 - 1.
    directory : keep the layout there, and take it from there if it is of the same activations.
    progress : called with the part of the work that is done, 0 to 1, and what is being done.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work; activations of another depth, or
        known to be of another layer or model; or fewer than the cells of a grid, or too few for any
        cell.
    """
    check_model(model)
    layer = layer_name(layer)
    _check_drawing(icon_size, quality, seed)
    _check_origin(model, layer, samples)
    _check_depth(model, layer, samples)
    whole("threshold", threshold, 0)
    alive = samples.activations.any(1)
    sizes = check_number(model, layer, int(alive.sum()), grids=grids, whiten=whiten)
    used = samples if alive.all() else samples.take(alive)
    whitened = whitening.wanted(whiten, *used.activations.shape)
    turn = whitening.whitening(used.activations) if whitened else None
    progress = progress or (lambda *_: None)
    progress(0, "layout")
    layout, method = _layout(used, seed, directory)
    every = [filled(used, layout, size, threshold) for size in sizes]
    vectors = [cells.means if turn is None else cells.means @ turn for cells in every]
    batches = _batches(vectors)
    drawn: list[np.ndarray] = []
    for n, batch in enumerate(batches):
        progress(_LAID_OUT + (1 - _LAID_OUT) * n / len(batches), "icons")
        basis = directions(layer, batch)
        drawn.append(icons(model, basis, icon_size, quality=quality, seed=seed, progress=False))
    progress(1, "done")
    pictures = np.round(np.concatenate(drawn) * 255).astype(np.uint8)
    ends = np.cumsum([len(part) for part in vectors])[:-1]
    settings = {
        "model": model.name,
        "model_sha256": picture_cache.model_digest(model),
        "layer": layer,
        "activations": len(used),
        "zero_activations_left_out": len(samples) - len(used),
        "layout": method,
        "grids": list(sizes),
        "threshold": threshold,
        "whitened": whitened,
        "icon_size": icon_size,
        "icon_steps": QUALITIES[quality].steps,
        "seed": seed,
        "lucidx": lucidx.__version__,
        "collected": {k: v for k, v in samples.origin.items() if k not in ("model", "layer")},
    }
    labels = used.labels if used.evidence is not None else ()
    levels = tuple(map(Level, every, np.split(pictures, ends)))
    return Atlas(model.name, layer, levels, labels, settings)


def check_number(
    model: Model,
    layer: str | Layer,
    number: int,
    *,
    grids: Sequence[int] | None = None,
    whiten: bool | None = None,
) -> tuple[int, ...]:
    """Find out, before they are collected, whether activations will be enough for an atlas.

    Parameters
    ----------
    model, layer, grids, whiten : as in `build`.
    number : of activations that are not zero.

    Returns
    -------
    The sizes of the grids that they will be laid out in.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : there are too few.
    """
    if number < LEAST:
        raise InvalidValueError(
            f"A map is made of at least {LEAST} activations that are not zero; there are {number}. "
            "Take more pictures, or several positions of each: per_image."
        )
    if whiten:
        whitening.check_number(number, depth_of(model, layer_name(layer)))
    return chosen_grids(grids, number)


def class_numbers(labels: Sequence[str], classes: Iterable[int | str]) -> list[int]:
    """Numbers of classes among `labels`, by label or number, each once.

    Raises
    ------
    InvalidValueError : there is no such class, or several have that name.
    """
    labels, found = list(labels), []
    if not labels:
        raise InvalidValueError("It is not known what these activations argue for.")
    for name in classes:
        if isinstance(name, str):
            numbers = [k for k, label in enumerate(labels) if label == name]
            if not numbers:
                raise InvalidValueError(f"There is no class {name!r}. {did_you_mean(name, labels)}")
            if len(numbers) > 1:
                raise InvalidValueError(
                    f"Several classes are called {name!r}: {', '.join(map(str, numbers))}. Name "
                    "one by its number."
                )
            found.append(numbers[0])
        else:
            found.append(static_index(name, len(labels), "The model", "classes"))
    return list(dict.fromkeys(found))


def _check_drawing(icon_size: int, quality: str, seed: int) -> None:
    """Before the layout, which takes minutes."""
    whole("icon_size", icon_size, 8)
    checked_seed(seed)
    if quality not in QUALITIES:
        raise InvalidValueError(
            f"There is no quality {quality!r}. {did_you_mean(str(quality), QUALITIES)}"
        )


def _check_origin(model: Model, layer: str, samples: Samples) -> None:
    """Layers of as many channels, and models of one name, are told apart by what was collected."""
    asked = {"layer": layer, "graph_sha256": picture_cache.model_digest(model)}
    known = {key: samples.origin.get(key, asked[key]) for key in asked}
    if known == asked:
        return
    one = f"{known['layer']!r} of {samples.origin.get('model', model.name)}"
    other = f"{layer!r} of {model.name}"
    if known["graph_sha256"] != asked["graph_sha256"]:
        one += f" (sha256 {known['graph_sha256'][:8]})"
        other += f" (sha256 {asked['graph_sha256'][:8]})"
    raise InvalidValueError(
        f"These activations are of layer {one}, and the atlas is to be of layer {other}. Name the "
        "layer and the model that they are of, or collect others."
    )


def _check_depth(model: Model, layer: str, samples: Samples) -> None:
    depth, given = depth_of(model, layer), samples.activations.shape[1]
    if given != depth:
        same = [known.name for known in model.layers if known.depth == given]
        advice = f" Layers of {given} channels: {', '.join(same[:8])}." if same else ""
        raise InvalidValueError(
            f"Layer {layer!r} of {model.name} has {depth} channels, and the activations {given}."
            f"{advice}"
        )


def _batches(vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Directions of several grids, the coarsest first, in batches."""
    return [
        part[start : start + _DRAWN_AT_ONCE]
        for part in vectors
        for start in range(0, len(part), _DRAWN_AT_ONCE)
    ]


def _layout(
    samples: Samples, seed: int, directory: str | os.PathLike | None
) -> tuple[np.ndarray, str]:
    """Where activations are, and by which method; as it was before if it is in the directory."""
    method = layout_method()
    if directory is None:
        return aligned_umap(samples.activations, seed=seed), method
    path = Path(directory) / LAYOUT
    key = f"{samples.digest()} {seed} {method}"
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["key"]) == key and kept["layout"].shape == (len(samples), 2):
                return kept["layout"], method
    except Exception:  # damaged files raise nearly anything
        pass  # there is none, or it is to be made again
    layout = aligned_umap(samples.activations, seed=seed)
    os.makedirs(directory, exist_ok=True)
    with filelock.FileLock(path.with_name(f".{LAYOUT}.lock")):  # so that no draft here is in use
        for draft in path.parent.glob(f".{LAYOUT}.*.part*"):
            draft.unlink(missing_ok=True)  # of a process that was killed
        with into_file(path) as file:
            np.savez(file, layout=layout, key=np.array(key))
    return layout, method


def layout_method() -> str:
    """What activations are laid out by here: UMAP if it is installed."""
    if util.find_spec("umap") is None:
        return f"t-SNE of scikit-learn {metadata.version('scikit-learn')}"
    options = ", ".join(f"{name} {UMAP_OPTIONS[name]}" for name in UMAP_OPTIONS)
    return f"UMAP {metadata.version('umap-learn')}, {options}"
