"""Attribution along paths that bring in the features of a factorization at different times.

Integrated gradients (Sundararajan et al. 2017) depend on the path from zero to the activations. The
straight one brings everything in at once. Here many paths are averaged, each of which brings one
half of the features in early and the other late, from Lucid's rl_util.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lucidx.errors import InvalidValueError
from lucidx.factorization.gradients import Score, default_score_fn, scored_gradients

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model


def get_paths(
    acts: np.ndarray, nmf: Any, *, max_paths: int | None, integrate_steps: int, seed: int = 0
) -> Iterator[np.ndarray]:
    """Paths from zero to activations.

    On a path, at time t from 0 to 1, half of the features are at t² of what they are in the
    activations, the others at 1 - (1 - t)², and what the features do not explain at t. The next
    path is the same with the halves exchanged.

    Parameters
    ----------
    acts : activations `[N, ..., C]`.
    nmf : with `transform` from activations to features and `inverse_transform` back, such as a
        `LayerNMF` or a fitted `ChannelReducer`.
    max_paths : number of paths; None for all there are.
    integrate_steps : steps of a path.
    seed : decides which halves are taken, if not all.

    Yields
    ------
    float32 `[integrate_steps + 1, N, ..., C]`: a path.

    Raises
    ------
    InvalidValueError : less than one path or step.
    """
    if integrate_steps < 1 or (max_paths is not None and max_paths < 1):
        raise InvalidValueError(
            "At least one path and one step are needed; max_paths is "
            f"{max_paths}, integrate_steps {integrate_steps}."
        )
    reduced = nmf.transform(acts)
    rest = acts - nmf.inverse_transform(reduced)
    times = np.linspace(0, 1, integrate_steps + 1, dtype=np.float32)
    early, late = 1 - (1 - times) ** 2, times**2

    def paths() -> Iterator[np.ndarray]:
        for half in _halves(reduced.shape[-1], max_paths, seed):
            for chosen in (half, ~half):
                schedule = np.where(chosen, late[:, np.newaxis], early[:, np.newaxis])
                points = (
                    nmf.inverse_transform(reduced * weights) + time * rest
                    for time, weights in zip(times, schedule, strict=True)
                )
                yield np.stack([np.asarray(point, np.float32) for point in points])

    return itertools.islice(paths(), max_paths)


def _halves(features: int, max_paths: int | None, seed: int) -> Iterator[np.ndarray]:
    """Different halves of features as masks `[features]`; none is another's complement."""
    size = features // 2
    # Of an even number, a half's complement is a half too: one of them holds feature 0.
    fixed = (0,) if features % 2 == 0 else ()
    free = range(len(fixed), features)
    size -= len(fixed)
    everything = math.comb(len(free), size)
    wanted = everything if max_paths is None else min(everything, math.ceil(max_paths / 2))
    rng = np.random.default_rng(seed)
    seen: set[tuple[int, ...]] = set()
    combinations = (
        itertools.combinations(free, size)
        if wanted == everything
        else (tuple(sorted(rng.choice(free, size, replace=False))) for _ in itertools.count())
    )
    for combination in combinations:
        if combination in seen:
            continue
        seen.add(combination)
        mask = np.zeros(features, bool)
        mask[[*fixed, *combination]] = True
        yield mask
        if len(seen) == wanted:
            return


def get_multi_path_attr(
    model: Model,
    layer_name: str,
    prev_layer_name: str | None,
    obses: np.ndarray,
    prev_nmf: Any,
    *,
    act_dir: np.ndarray | None = None,
    act_poses: np.ndarray | None = None,
    score_fn: Score = default_score_fn,
    override: Mapping[str, Any] | None = None,
    max_paths: int | None = 50,
    integrate_steps: int = 10,
    seed: int = 0,
) -> np.ndarray:
    """Attribution of a layer to an earlier layer, averaged over paths; see `get_paths`.

    Along each path, what the activations gain in a step times the gradient at its end is added up.

    Parameters
    ----------
    prev_nmf : factorization of the earlier layer, as `nmf` of `get_paths`.
    max_paths, integrate_steps, seed : as for `get_paths`.
    model, layer_name, prev_layer_name, obses, act_dir, act_poses, score_fn, override : as for
        `get_grad_or_attr`.

    Returns
    -------
    Float32, of the shape of the earlier layer's activations.

    Raises
    ------
    UnknownLayerError, InvalidValueError
    """
    acts, gradient = scored_gradients(
        model, layer_name, prev_layer_name, obses, act_dir, act_poses, score_fn, override
    )
    total, count = np.zeros_like(acts), 0
    for path in get_paths(
        acts, prev_nmf, max_paths=max_paths, integrate_steps=integrate_steps, seed=seed
    ):
        total += sum((b - a) * gradient(b) for a, b in itertools.pairwise(path))
        count += 1
    return total / np.float32(count)
