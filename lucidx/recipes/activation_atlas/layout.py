"""Where activations are on a map: similar ones side by side."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lucidx.arguments import whole
from lucidx.errors import InvalidTypeError, InvalidValueError, MissingExtraError

UMAP_OPTIONS = {"n_components": 2, "n_neighbors": 50, "min_dist": 0.05, "metric": "cosine"}
LEAST = 4  # activations that make a map
_LARGEST_SEED = 2**32 - 1  # that scikit-learn takes, and so UMAP

# Of the layout without UMAP.
_PLACED_BY_TSNE = 5000
_COMPONENTS = 50
_PERPLEXITY = 30
_NEIGHBORS = 3


def normalize_layout(
    layout: np.ndarray,
    min_percentile: float = 1,
    max_percentile: float = 99,
    relative_margin: float = 0.1,
    *,
    symmetric: bool = False,
) -> np.ndarray:
    """Bring a layout into the unit square, outliers to its border.

    Along each axis, points further than a margin beyond the percentiles are moved to the margin.
    What is then least becomes 0, what is greatest 1.

    Parameters
    ----------
    layout : `[N, D]`.
    min_percentile, max_percentile : of what counts as inside, 0 to 100.
    relative_margin : around it, as a fraction of the distance of the percentiles.
    symmetric : the margin is the same on both sides. Otherwise the upper one is measured after the
        lower one has been added, as in Lucid: 0.11 for 0.1.

    Returns
    -------
    `[N, D]` in 0..1; 0.5 along an axis on which all points are equal.

    Raises
    ------
    InvalidValueError : no points, points that are not finite, or impossible percentiles.
    """
    layout = checked_rows(layout, "A layout")
    if not 0 <= min_percentile < max_percentile <= 100:
        raise InvalidValueError(
            "Percentiles are in 0..100, the lower one first; these are "
            f"{min_percentile} and {max_percentile}."
        )
    if not relative_margin >= 0:
        raise InvalidValueError(f"relative_margin is at least 0, not {relative_margin}.")
    low, high = np.percentile(layout, [min_percentile, max_percentile], axis=0)
    inside = high - low
    low = low - relative_margin * inside
    high = high + relative_margin * (inside if symmetric else high - low)
    layout = np.clip(layout, low, high)
    layout = layout - layout.min(0)
    extent = layout.max(0)
    return np.where(extent > 0, layout / np.where(extent > 0, extent, 1), 0.5)


def aligned_umap(
    activations: np.ndarray | Sequence[np.ndarray],
    umap_options: Mapping[str, Any] = {},
    normalize: bool = True,
    verbose: bool = False,
    *,
    seed: int = 0,
) -> np.ndarray | list[np.ndarray]:
    """Lay out activations in the plane, similar ones near each other ("Activation Atlas", 2019).

    By UMAP (McInnes et al., 2018) with the settings of the article's atlases, which needs the extra
    `atlas`. Without it the layout is another one, and a warning says so: up to 5,000 of the
    activations, scaled to unit length and reduced to 50 principal components, are laid out by
    scikit-learn's t-SNE (van der Maaten and Hinton, 2008), the others between the nearest of these.

    Parameters
    ----------
    activations : `[N, C]`; or several such arrays with the same C, which are laid out together.
    umap_options : for `umap.UMAP`, over the usual ones; they cannot do without UMAP.
    normalize : bring the layout into the unit square, see `normalize_layout`; margins are the same
        on all sides, and arrays that are laid out together stay together.
    verbose : print what the algorithm has to say.
    seed : decides everything random, at most 2 ** 32 - 1.

    Returns
    -------
    float64 `[N, 2]`, or a list of these for several arrays.

    Raises
    ------
    InvalidValueError : activations that are not finite, of different depths or fewer than four, an
        impossible seed, or UMAP fails.
    MissingExtraError : `umap_options` are given, and umap-learn is not installed.
    """
    checked_seed(seed)
    several = isinstance(activations, list | tuple)
    parts = [
        checked_rows(part, "Activations") for part in (activations if several else [activations])
    ]
    depths = sorted({part.shape[1] for part in parts})
    if len(depths) != 1:
        raise InvalidValueError(f"Activations to lay out together have one depth, not {depths}.")
    joined = np.concatenate(parts)
    if len(joined) < LEAST or depths[0] < 2:
        raise InvalidValueError(
            f"A map is made of at least {LEAST} activations of at least 2 channels; these are "
            f"{len(joined)} of {depths[0]}."
        )
    layout = _by_umap(joined, umap_options, verbose, seed)
    if normalize:
        layout = normalize_layout(layout, symmetric=True)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(layout, ends) if several else layout


def _by_umap(
    activations: np.ndarray, options: Mapping[str, Any], verbose: bool, seed: int
) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError as error:
        if options:
            raise MissingExtraError("umap-learn", "atlas", "umap_options") from error
        warnings.warn(
            "This map is laid out by scikit-learn's t-SNE, because umap-learn is not installed; "
            "with UMAP it looks different: pip install 'lucidx[atlas]'",
            stacklevel=3,
        )
        return _by_tsne(activations, verbose, seed)
    # One job, because that is all UMAP uses with a seed, and it warns of having been told else.
    usual = {**UMAP_OPTIONS, "random_state": seed, "n_jobs": 1, "verbose": verbose}
    usual["n_neighbors"] = min(usual["n_neighbors"], len(activations) - 1)
    try:
        return UMAP(**{**usual, **options}).fit_transform(activations).astype(np.float64)
    except (RecursionError, SystemError) as error:
        raise InvalidValueError(
            "UMAP cannot lay out these activations: many of them may be equal. Leave out copies, "
            "or take more."
        ) from error


def _by_tsne(activations: np.ndarray, verbose: bool, seed: int) -> np.ndarray:
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.neighbors import KNeighborsRegressor
    from threadpoolctl import threadpool_limits  # scikit-learn needs it too

    lengths = np.linalg.norm(activations, axis=1, keepdims=True)
    points = (activations / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    number = min(len(points), _PLACED_BY_TSNE)
    # Of many rows some, anywhere: neighbouring rows tend to be of one photo.
    chosen = np.sort(np.random.default_rng(seed).choice(len(points), number, replace=False))
    components = min(_COMPONENTS, number, points.shape[1])
    reducer = PCA(components, svd_solver="full").fit(points[chosen])
    points = reducer.transform(points)
    tsne = TSNE(
        perplexity=min(_PERPLEXITY, (number - 1) / 3),
        init="pca",
        random_state=seed,
        verbose=int(verbose),
    )
    # Its threads wait for each other busily: on a machine that has other work, many are slower.
    with threadpool_limits(1, "openmp"):
        placed = tsne.fit_transform(points[chosen]).astype(np.float64)
    if number == len(points):
        return placed
    between = KNeighborsRegressor(_NEIGHBORS, weights="distance").fit(points[chosen], placed)
    layout = between.predict(points)
    layout[chosen] = placed
    return layout


def checked_seed(seed: int) -> int:
    """`seed`, if activations can be laid out by it.

    Raises
    ------
    InvalidTypeError, InvalidValueError
    """
    number = whole("seed", seed, 0)
    if number > _LARGEST_SEED:
        raise InvalidValueError(f"seed is at most {_LARGEST_SEED}, not {seed}.")
    return number


def checked_rows(array: Any, what: str) -> np.ndarray:
    """Finite numbers `[N, C]`; others are refused, under the name `what`.

    Raises
    ------
    InvalidTypeError : not numbers.
    InvalidValueError : not finite, empty, or of another rank.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise InvalidTypeError(f"{what} is an array of numbers, not of {array.dtype}.")
    if array.ndim != 2 or not array.size:
        raise InvalidValueError(
            f"{what} is [N, C], one row for each activation; this has shape {array.shape}. Of "
            "activations [N, H, W, C], take all positions, reshape(-1, C), or some of them."
        )
    if not np.isfinite(array).all():
        rows = np.flatnonzero(~np.isfinite(array).all(1))
        raise InvalidValueError(
            f"{what} is finite; {len(rows)} rows are not (the first: {rows[0]})."
        )
    return array
