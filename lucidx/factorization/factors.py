"""Taking activations apart into maps and directions, by scikit-learn's algorithms."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import sklearn.cluster
import sklearn.decomposition
from sklearn.exceptions import ConvergenceWarning

from lucidx.errors import InvalidValueError, did_you_mean
from lucidx.factorization.channel_reducer import algorithms

CLUSTERS = "KMeans"
# They find no directions that add to activations, or need more than a number of them.
_UNFIT = ("KernelPCA", "LatentDirichletAllocation", "SparseCoder")
# NMF starts from the singular vectors, with their zeros: then the rounding of the photo's pixels
# does not change the groups, as it can with scikit-learn's default, and the error is lower.
_SETTINGS = {"NMF": {"init": "nndsvd", "max_iter": 2000}, CLUSTERS: {"n_init": 10}}


class Factors(NamedTuple):
    """Activations taken apart: about `spatial [M, K] @ directions [K, C] + mean [C]`."""

    spatial: np.ndarray
    directions: np.ndarray
    mean: np.ndarray


def check_method(method: str) -> None:
    """Refuse what is no algorithm.

    Raises
    ------
    InvalidValueError
    """
    known = [CLUSTERS, *(name for name in algorithms() if name not in _UNFIT)]
    if method not in known:
        raise InvalidValueError(
            f"There is no method {method!r} for groups. {did_you_mean(str(method), known)}"
        )


def take_apart(
    rows: np.ndarray, number: int, method: str, seed: int, fit_to: np.ndarray | None = None
) -> Factors:
    """Factors of activations.

    Parameters
    ----------
    rows : activations `[M, C]`.
    number : of factors, K.
    method : name of a class of `sklearn.decomposition`, or "KMeans".
    seed : decides everything random.
    fit_to : other rows `[M', C]` to find the directions in.
    """
    settings = _SETTINGS.get(method, {})
    with warnings.catch_warnings():
        # The relative error tells how good factors are, and more steps hardly change it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if method == CLUSTERS:
            return _clusters(rows, sklearn.cluster.KMeans(number, random_state=seed, **settings))
        estimator = getattr(sklearn.decomposition, method)(number, **settings)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        if fit_to is None:
            spatial = estimator.fit_transform(rows)
        else:
            spatial = estimator.fit(fit_to).transform(rows)
    return Factors(spatial, *_linear(estimator, number))


def _clusters(rows: np.ndarray, estimator: sklearn.cluster.KMeans) -> Factors:
    spatial = np.eye(estimator.n_clusters, dtype=np.float32)[estimator.fit_predict(rows)]
    centers = estimator.cluster_centers_
    return Factors(spatial, centers, np.zeros_like(centers[0]))


def _linear(estimator: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
    """What each factor adds to activations, and what is there without them."""
    if hasattr(estimator, "inverse_transform"):
        mean = estimator.inverse_transform(np.zeros([1, number], np.float32))[0]
        return estimator.inverse_transform(np.eye(number, dtype=np.float32)) - mean, mean
    directions = estimator.components_
    return directions, getattr(estimator, "mean_", np.zeros_like(directions[0]))


def relative_error(rows: np.ndarray, factors: Factors) -> float:
    """Norm of what factors leave of activations `[M, C]`, relative to that of the activations."""
    left = rows - factors.spatial @ factors.directions - factors.mean
    return float(np.linalg.norm(left) / np.linalg.norm(rows))
