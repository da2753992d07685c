"""Maps of what a layer can see ("Activation Atlas", Carter et al., Distill 2019).

Many activations are laid out in the plane, similar ones side by side. The plane is cut into cells,
and each cell is drawn by an icon of the mean of the activations in it:

    activations = model.activations(photos, "mixed4c").reshape(-1, 512)
    atlas = activation_atlas(model, "mixed4c", activations=activations)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, NamedTuple

import numpy as np

from lucidx.arguments import whole
from lucidx.basis import check_fits, directions, layer_name
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.aligned_activations import (
    NUMBER_OF_AVAILABLE_SAMPLES,
    HasActivations,
    layer_inverse_covariance,
    push_activations,
)
from lucidx.modelzoo.importing import check_model
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.progress import tqdm
from lucidx.recipes.activation_atlas.grid import cells_of, too_few
from lucidx.recipes.activation_atlas.layout import aligned_umap, checked_rows
from lucidx.recipes.activation_atlas.render import render_icons

Cells = tuple[list[np.ndarray], list[tuple[int, int]], list[int]]


class ActivationTranslation(Enum):
    """How activations of two layers come to be comparable."""

    ONE_TO_TWO = auto()
    BIDIRECTIONAL = auto()


@dataclass(frozen=True, eq=False)
class _Recorded:
    """A layer of which activations are known."""

    name: str
    activations: np.ndarray


class _Drawing(NamedTuple):
    """How an atlas is drawn; see `activation_atlas`."""

    grid_size: int
    icon_size: int
    icon_batch_size: int
    n_steps: int
    verbose: bool
    seed: int


def activation_atlas(
    model: Model,
    layer: str | Layer,
    grid_size: int = 10,
    icon_size: int = 96,
    number_activations: int = NUMBER_OF_AVAILABLE_SAMPLES,
    icon_batch_size: int = 32,
    verbose: bool = False,
    *,
    activations: np.ndarray | None = None,
    threshold: int = 5,
    n_steps: int = 128,
    seed: int = 0,
) -> np.ndarray:
    """Draw an atlas of a layer.

    Parameters
    ----------
    model, layer : what to look at; the layer or its name.
    grid_size : cells along each side.
    icon_size : width and height of a cell in pixels.
    number_activations : how many to use, from the first on.
    icon_batch_size : icons drawn at once; of no influence on what they look like.
    verbose : show progress.
    activations : `[N, C]`, of many photos; by default those that Lucid recorded for the layers of
        its zoo, which are fetched.
    threshold : cells with as many activations or fewer stay empty.
    n_steps : updates of an icon.
    seed : decides everything random.

    Returns
    -------
    float32 `[grid_size * icon_size, grid_size * icon_size, C]` in 0..1 with the model's number of
    channels, white where there is nothing. The first axis of the layout runs down, the second to
    the right, as in Lucid.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : activations that are not finite or not of the layer, or so few that no cell
        has enough.
    DownloadError : there are no recorded activations of the layer.
    """
    check_model(model)
    drawing = _checked_drawing(
        _Drawing(grid_size, icon_size, icon_batch_size, n_steps, verbose, seed)
    )
    recorded = _recorded(model, layer, activations)
    used = recorded.activations[: whole("number_activations", number_activations)]
    layout = aligned_umap(used, verbose=verbose, seed=seed)
    cells = bin_laid_out_activations(layout, used, grid_size, threshold)
    *_, canvas = _canvases(model, recorded.name, cells, None, drawing)
    return canvas


def aligned_activation_atlas(
    model1: Model,
    layer1: str | Layer,
    model2: Model,
    layer2: str | Layer,
    grid_size: int = 10,
    icon_size: int = 80,
    num_steps: int = 1024,
    whiten_layers: bool = True,
    number_activations: int = NUMBER_OF_AVAILABLE_SAMPLES,
    icon_batch_size: int = 32,
    verbose: bool = False,
    *,
    activations1: np.ndarray | None = None,
    activations2: np.ndarray | None = None,
    threshold: int = 10,
    seed: int = 0,
) -> Iterator[Iterator[np.ndarray]]:
    """Draw atlases of two layers on one map: what is at one place in both means the same.

    Each layer's activations are carried over to the other by least squares, and both are laid out
    together.

    Parameters
    ----------
    model1, layer1, model2, layer2 : the layers; of different models, or of one.
    grid_size, icon_size, number_activations, icon_batch_size, verbose : as in `activation_atlas`.
    num_steps : updates of an icon.
    whiten_layers : draw directions multiplied with the inverse of the layer's second moments, which
        brings out how they differ from what is common. It takes many more activations than there
        are channels (Lucid has 100,000): the inverse for few is mostly noise, and so are the icons.
    activations1, activations2 : `[N, C1]` and `[N, C2]`, row by row of the same position of the
        same photo; by default those that Lucid recorded.
    threshold, seed : as in `activation_atlas`.

    Returns
    -------
    Two iterators, one for each layer, over the atlas as it grows: after each batch of icons an
    array as `activation_atlas` returns it. They can be advanced in any order.

    Raises
    ------
    As `activation_atlas`; also InvalidValueError if the activations are not as many for both.
    """
    for model in (model1, model2):
        check_model(model)
    drawing = _checked_drawing(
        _Drawing(grid_size, icon_size, icon_batch_size, num_steps, verbose, seed)
    )
    number = whole("number_activations", number_activations)
    layers = _recorded(model1, layer1, activations1), _recorded(model2, layer2, activations2)
    layouts = aligned_umap(
        _combine_activations(*layers, number_activations=number), verbose=verbose, seed=seed
    )
    atlases = []
    for model, layer, layout in zip((model1, model2), layers, layouts, strict=True):
        cells = bin_laid_out_activations(layout, layer.activations[:number], grid_size, threshold)
        S = layer_inverse_covariance(layer) if whiten_layers else None
        atlases.append(_canvases(model, layer.name, cells, S, drawing))
    return iter(atlases)


def bin_laid_out_activations(
    layout: np.ndarray, activations: np.ndarray, grid_size: int, threshold: int = 5
) -> Cells:
    """Mean activations of the cells of a grid over a layout.

    Every point is in exactly one cell: one on the line between two is in the later one, and one
    outside of the unit square in the nearest.

    Parameters
    ----------
    layout : `[N, 2]`, x and y in 0..1, such as from `aligned_umap`.
    activations : `[N, C]`.
    grid_size : cells along each side.
    threshold : cells with as many points or fewer are left out.

    Returns
    -------
    Of each cell that is left, row by row: its mean activation, `[C]`; its column and row, `(x, y)`;
    and its number of points.

    Raises
    ------
    InvalidValueError : not as many points as activations, some are not finite, or no cell is left.
    """
    layout = checked_rows(layout, "A layout")
    activations = checked_rows(activations, "Activations")
    if layout.shape[1] != 2:
        raise InvalidValueError(f"A layout to bin is [N, 2]; this one has shape {layout.shape}.")
    if len(layout) != len(activations):
        raise InvalidValueError(
            f"There are {len(layout)} points for {len(activations)} activations."
        )
    grid_size = whole("grid_size", grid_size)
    every = list(cells_of(layout, grid_size))
    cells = [cell for cell in every if len(cell.members) > threshold]
    if not cells:
        raise too_few(grid_size, threshold, [len(cell.members) for cell in every])
    means = []
    for cell in cells:
        members = activations[cell.members]
        means.append(members.mean(0, np.float64).astype(np.result_type(members, np.float32)))
    coordinates = [(cell.column, cell.row) for cell in cells]
    return means, coordinates, [len(cell.members) for cell in cells]


def make_canvas(
    icon_batch: Sequence[np.ndarray], coordinates: Sequence[tuple[int, int]], grid_size: int
) -> np.ndarray:
    """Put icons into a grid.

    Parameters
    ----------
    icon_batch : icons `[h, w, C]`, floats, all of one shape.
    coordinates : of each, its row and column.
    grid_size : cells along each side.

    Returns
    -------
    `[grid_size * h, grid_size * w, C]`, 1 where there is no icon.

    Raises
    ------
    InvalidValueError : no icons, not as many coordinates, or some are outside of the grid.
    """
    icons, places = np.asarray(icon_batch), np.asarray(coordinates)
    if icons.ndim != 4 or places.shape != (len(icons), 2):
        raise InvalidValueError(
            "Icons [h, w, C], at least one, go with as many coordinates (row, column); these are "
            f"{icons.shape} and {places.shape}."
        )
    if places.min() < 0 or places.max() >= grid_size:
        raise InvalidValueError(
            f"Coordinates are in 0..{grid_size - 1}; these are in {places.min()}..{places.max()}."
        )
    _, height, width, depth = icons.shape
    canvas = np.ones([grid_size, grid_size, height, width, depth], icons.dtype)
    canvas[tuple(places.T)] = icons
    return canvas.swapaxes(1, 2).reshape(grid_size * height, grid_size * width, depth)


def _checked_drawing(drawing: _Drawing) -> _Drawing:
    """The same, before hours of layout."""
    for name in ("grid_size", "icon_size", "icon_batch_size", "n_steps"):
        whole(name, getattr(drawing, name))
    return drawing


def _canvases(
    model: Model, layer: str, cells: Cells, S: np.ndarray | None, drawing: _Drawing
) -> Iterator[np.ndarray]:
    """The atlas after each batch of icons."""
    means, coordinates, _ = cells
    icons: list[np.ndarray] = []
    with tqdm(total=len(means), disable=not drawing.verbose, unit="icon", desc="atlas") as bar:
        for start in range(0, len(means), drawing.icon_batch_size):
            drawn, _ = render_icons(
                means[start : start + drawing.icon_batch_size],
                model,
                layer,
                drawing.icon_size,
                drawing.n_steps,
                S=S,
                num_attempts=1,
                seed=drawing.seed,
            )
            icons += drawn
            bar.update(len(drawn))
            yield make_canvas(icons, coordinates[: len(icons)], drawing.grid_size)


def _recorded(model: Model, layer: str | Layer, activations: np.ndarray | None) -> _Recorded:
    """A layer and its activations: those given, or those that Lucid recorded."""
    if activations is None:
        layer = model.get_layer(layer)
        return _Recorded(layer.name, layer.activations)
    name, activations = layer_name(layer), checked_rows(activations, "Activations")
    check_fits(model, directions(name, np.ones(activations.shape[1])))
    return _Recorded(name, activations)


def _combine_activations(
    layer1: HasActivations,
    layer2: HasActivations,
    activations1: np.ndarray | None = None,
    activations2: np.ndarray | None = None,
    mode: ActivationTranslation = ActivationTranslation.BIDIRECTIONAL,
    number_activations: int = NUMBER_OF_AVAILABLE_SAMPLES,
) -> tuple[Any, Any]:
    """Activations of two layers in the same space.

    Parameters
    ----------
    layer1, layer2 : with activations `[N, C1]` and `[N, C2]` for the same examples, by which
        activations are carried over.
    activations1, activations2 : what to combine; by default those of the layers.
    mode : `ONE_TO_TWO`: the first are carried over to the second layer. `BIDIRECTIONAL`: both are,
        and added to their own channels.
    number_activations : how many to use, from the first on.

    Returns
    -------
    Two arrays with the same number of channels: C2, or C1 + C2.
    """
    first, second = (
        (layer.activations if given is None else np.asarray(given))[:number_activations]
        for layer, given in ((layer1, activations1), (layer2, activations2))
    )
    first_in_second = push_activations(first, layer1, layer2)
    if mode is ActivationTranslation.ONE_TO_TWO:
        return first_in_second, second
    second_in_first = push_activations(second, layer2, layer1)
    return (
        np.concatenate([first, first_in_second], -1),
        np.concatenate([second_in_first, second], -1),
    )
