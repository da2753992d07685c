"""Lucid's ChannelReducer: activations in terms of fewer channels."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sklearn.decomposition
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean

# Algorithms that take and find only what is not negative.
NONNEGATIVE = ("NMF", "MiniBatchNMF", "LatentDirichletAllocation")


class ChannelReducer:
    """Reduce the last axis of arrays with one of scikit-learn's decompositions.

    Attributes that the estimator has once it is fitted can be read without the underscore at their
    end: `reducer.components` is the estimator's `components_`, `[n_components, C]`.

    Parameters
    ----------
    n_components : channels to keep.
    reduction_alg : name of a class of `sklearn.decomposition`, such as "NMF" or "PCA", or a class
        like them.
    **kwargs : for the class.

    Raises
    ------
    InvalidValueError : no such class, or `n_components` is not a whole number of 1 or more.
    InvalidTypeError : the class does not take these arguments.
    """

    def __init__(
        self, n_components: int = 3, reduction_alg: str | type = "NMF", **kwargs: Any
    ) -> None:
        self.n_components = _count(n_components)
        estimator = reduction_alg if isinstance(reduction_alg, type) else _by_name(reduction_alg)
        try:
            self._reducer = estimator(n_components=self.n_components, **kwargs)
        except TypeError as error:
            raise InvalidTypeError(f"{estimator.__name__}: {error}.") from error
        self._is_fit = False

    def fit(self, acts: ArrayLike) -> BaseEstimator:
        """Find the components of activations.

        Parameters
        ----------
        acts : `[..., C]`.

        Returns
        -------
        The fitted estimator, scikit-learn's.

        Raises
        ------
        InvalidValueError : not finite, or negative for an algorithm that only adds.
        """
        fitted = self._apply_flat(self._reducer.fit, self._checked(acts))
        self._is_fit = True
        return fitted

    def fit_transform(self, acts: ArrayLike) -> np.ndarray:
        """Find the components of activations `[..., C]`, and express these by them.

        Returns
        -------
        `[..., n_components]`.

        Raises
        ------
        InvalidValueError : as for `fit`.
        """
        reduced = self._apply_flat(self._reducer.fit_transform, self._checked(acts))
        self._is_fit = True
        return reduced

    def transform(self, acts: ArrayLike) -> np.ndarray:
        """Express activations `[..., C]` by the components found before: `[..., n_components]`.

        Raises
        ------
        InvalidValueError : as for `fit`.
        sklearn.exceptions.NotFittedError : (a ValueError) there are none yet.
        """
        return self._apply_flat(self._reducer.transform, self._checked(acts))

    def inverse_transform(self, reduced: ArrayLike) -> np.ndarray:
        """Activations `[..., C]` that `reduced`, `[..., n_components]`, stands for.

        Raises
        ------
        InvalidValueError : the algorithm has no way back.
        """
        if not hasattr(self._reducer, "inverse_transform"):
            raise InvalidValueError(
                f"{type(self._reducer).__name__} has no way back to activations; NMF and PCA have."
            )
        return self._apply_flat(self._reducer.inverse_transform, np.asarray(reduced))

    def __call__(self, acts: ArrayLike) -> np.ndarray:
        """`transform(acts)`, or `fit_transform(acts)` when there are no components yet."""
        return self.transform(acts) if self._is_fit else self.fit_transform(acts)

    def __getattr__(self, name: str) -> Any:
        # Copying and unpickling ask for attributes before there are any.
        reducer = self.__dict__.get("_reducer")
        if reducer is not None and not name.startswith("_") and hasattr(reducer, f"{name}_"):
            return getattr(reducer, f"{name}_")
        missing = f"{type(self).__name__} has no attribute {name!r}."
        if reducer is None or name.startswith("_"):
            raise AttributeError(missing)
        found = _fitted_names(reducer)
        raise AttributeError(f"{missing} {did_you_mean(name, found) if found else 'Fit it first.'}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_fitted_names(self._reducer)})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._reducer})"

    @classmethod
    def _apply_flat(cls, f: Callable[[np.ndarray], Any], acts: ArrayLike) -> Any:
        """`f` applied to the rows `[M, C]` of `[..., C]`, and its rows put where these were."""
        acts = np.asarray(acts)
        if acts.ndim < 1 or not acts.size:
            raise InvalidValueError(f"Activations are [..., C]; their shape is {acts.shape}.")
        result = f(acts.reshape(-1, acts.shape[-1]))
        if not isinstance(result, np.ndarray):
            return result
        return result.reshape(*acts.shape[:-1], -1)

    def _checked(self, acts: ArrayLike) -> np.ndarray:
        acts = np.asarray(acts)
        if not np.isfinite(acts).all():
            raise InvalidValueError("The activations are not finite: they hold NaN or infinity.")
        name = type(self._reducer).__name__
        if name in NONNEGATIVE and acts.size and acts.min() < 0:
            raise InvalidValueError(
                f"{name} makes activations by adding components, so they must not be negative; the "
                f"lowest is {acts.min():.4g}. Take activations from behind a ReLU, or "
                "reduction_alg='PCA', which also subtracts."
            )
        return acts


def _count(n_components: Any) -> int:
    try:
        count = operator.index(n_components)
    except TypeError:
        count = 0
    if isinstance(n_components, bool) or count < 1:
        raise InvalidValueError(
            f"n_components is a whole number of 1 or more, not {n_components!r}."
        )
    return count


def _by_name(name: Any) -> type:
    known = algorithms()
    if name not in known:
        raise InvalidValueError(
            f"sklearn.decomposition has no algorithm {name!r}. {did_you_mean(str(name), known)}"
        )
    return getattr(sklearn.decomposition, name)


def algorithms() -> list[str]:
    """Names of the algorithms in `sklearn.decomposition`."""
    return [
        name
        for name, member in sorted(vars(sklearn.decomposition).items())
        if isinstance(member, type) and issubclass(member, BaseEstimator)
    ]


def _fitted_names(reducer: Any) -> list[str]:
    return [n[:-1] for n in dir(reducer) if n.endswith("_") and not n.startswith("_")]
