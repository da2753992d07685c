"""A basis: named directions in a layer.

Channels are one. The components of a factorization, a probe's weights, a sparse autoencoder's
decoder are others. What takes a basis (rendering, attribution, icons, interfaces) works for all of
them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from lucidx.errors import InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.modelzoo import model_io
from lucidx.optvis import objectives
from lucidx.optvis.objectives_util import dimension, dot_cossim, is_static, matched, static_index

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Layer, Model

_SWEEPS = 1000  # at most, of coordinate descent
_LONGEST_NAME = 1000  # characters
_NO_TEXT = set("\0\r")  # which arrays of text, and tables, do not keep
_PRECISE = 1e-7  # change in a sweep, relative to the largest coefficient


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Basis:
    """Named directions in a layer; an immutable value.

    `len(basis)` is K. A number, slice, name, or list of numbers or names selects: `basis[3]`,
    `basis["mixed4d:12"]` and `basis[[3, 1]]` are bases too.

    Attributes
    ----------
    layer : name of a layer with activations `[N, H, W, C]` or `[N, C]`.
    directions : float32 `[K, C]`, finite, none of them zero; a read-only copy of what was given.
    names : K different strings of at most 1000 characters, without NUL and carriage returns; a
        number is put behind those that are given twice.
    origin : how the basis was made: what JSON can express.
    nonnegative : activations are made of the members by adding, never by subtracting, as in NMF.

    Raises
    ------
    InvalidValueError : an impossible value; says which rows are.
    InvalidTypeError : `directions` are not numbers, or `origin` is not JSON.
    """

    layer: str
    directions: np.ndarray
    names: tuple[str, ...] = ()
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    nonnegative: bool = False

    def __post_init__(self):
        checked = {
            "layer": layer_name(self.layer),
            "directions": _checked_directions(self.directions),
            "origin": _checked_origin(self.origin),
        }
        checked["names"] = _unique_names(self.names, len(checked["directions"]))
        for field, value in checked.items():
            object.__setattr__(self, field, value)

    def __len__(self) -> int:
        return len(self.directions)

    def __iter__(self) -> Iterator[Basis]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, members: int | str | slice | Sequence[Any] | np.ndarray) -> Basis:
        chosen = self._indices(members)
        before = self.origin.get("members", range(len(self)))
        return Basis(
            self.layer,
            self.directions[chosen],
            tuple(self.names[k] for k in chosen),
            {**self.origin, "members": [int(before[k]) for k in chosen]},
            self.nonnegative,
        )

    def __repr__(self) -> str:
        shown = [*map(repr, self.names[:3]), *["..."][: len(self) > 3]]
        return f"<Basis: {len(self)} directions in {self.layer!r}: {', '.join(shown)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled.
        values = (self.layer, self.directions, self.names, dict(self.origin), self.nonnegative)
        return Basis, values

    def _indices(self, members: Any) -> list[int]:
        if isinstance(members, slice):
            return list(range(len(self))[members])
        if isinstance(members, str) or is_static(members):
            return [self._index(members)]
        if isinstance(members, np.ndarray) and members.dtype == bool:
            if members.shape != (len(self),):
                raise InvalidValueError(
                    f"A basis of {len(self)} members is masked by as many truth values; got shape "
                    f"{members.shape}."
                )
            members = np.flatnonzero(members)
        if not isinstance(members, Iterable):
            raise InvalidTypeError(
                f"Members of a basis are numbers, names, slices or lists of them; not {members!r}."
            )
        return [self._index(member) for member in members]

    def _index(self, member: Any) -> int:
        if not isinstance(member, str):
            return static_index(member, len(self), f"The basis in {self.layer!r}", "members")
        if member not in self.names:
            raise InvalidValueError(
                f"The basis in {self.layer!r} has no member {member!r}. "
                f"{did_you_mean(member, self.names)}"
            )
        return self.names.index(member)

    def objective(
        self, member: int | str | None = None, *, cossim_pow: float = 0
    ) -> objectives.Objective:
        """Objective that draws the members: member k in image k of a batch of K.

        It is the sum of `objectives.direction(layer, directions[k], batch=k)`. Bases of the same
        layer and size share one traced graph.

        Parameters
        ----------
        member : draw one only, in every image.
        cossim_pow : as in `objectives.direction`.
        """
        if member is None:
            return _members(self.layer, self.directions, cossim_pow)
        return objectives.direction(self.layer, self.directions[self._index(member)], cossim_pow)

    def coefficients(self, activations: np.ndarray) -> np.ndarray:
        """How activations are made of the members.

        Least squares, of all solutions the smallest; for a non-negative basis, non-negative least
        squares. For channels they are the activations of these channels.

        Parameters
        ----------
        activations : `[..., C]`.

        Returns
        -------
        float32 `[..., K]`; `reconstruct` takes it.

        Raises
        ------
        InvalidValueError : another number of channels, or not finite.
        """
        activations = np.asarray(activations, np.float32)
        depth = self.directions.shape[1]
        if activations.shape[-1:] != (depth,):
            raise InvalidValueError(
                f"The basis in {self.layer!r} has directions of {depth} channels; the activations "
                f"have shape {activations.shape}."
            )
        if not np.isfinite(activations).all():
            raise InvalidValueError("The activations are not finite: they hold NaN or infinity.")
        columns = _columns(self.directions)
        if columns is not None:
            found = activations[..., columns]
            return np.maximum(found, 0) if self.nonnegative else found
        rows = activations.reshape(-1, depth)
        solve = _nonnegative_least_squares if self.nonnegative else _least_squares
        found = solve(rows.astype(np.float64), self.directions.astype(np.float64))
        return found.astype(np.float32).reshape(*activations.shape[:-1], len(self))

    def reconstruct(self, coefficients: np.ndarray) -> np.ndarray:
        """Activations `[..., C]`, float32, that are made of the members by coefficients `[..., K]`.

        Raises
        ------
        InvalidValueError : there are not K coefficients.
        """
        coefficients = np.asarray(coefficients, np.float32)
        if coefficients.shape[-1:] != (len(self),):
            raise InvalidValueError(
                f"The basis in {self.layer!r} has {len(self)} members; the coefficients have shape "
                f"{coefficients.shape}."
            )
        return coefficients @ self.directions

    @property
    def digest(self) -> str:
        """Sha256, in hex, of the layer's name and the directions."""
        digest = hashlib.sha256(json.dumps([self.layer, *self.directions.shape]).encode())
        digest.update(self.directions.astype("<f4").tobytes())
        return digest.hexdigest()


def channels(model: Model, layer: str | Layer, channels: Iterable[int] | None = None) -> Basis:
    """Basis of channels, named as objectives are: `"mixed4d:12"`.

    Parameters
    ----------
    model : whose layer it is.
    layer : the layer, or its name.
    channels : which; all by default.

    Raises
    ------
    UnknownLayerError, InvalidValueError : there is no such layer, or channel.
    """
    layer = layer_name(layer)
    depth = depth_of(model, layer)
    chosen = [
        static_index(channel, depth, f"Layer {layer!r} of {model.name}", "channels")
        for channel in (range(depth) if channels is None else channels)
    ]
    directions = np.zeros([len(chosen), depth], np.float32)
    directions[np.arange(len(chosen)), chosen] = 1
    return Basis(layer, directions, tuple(f"{layer}:{c}" for c in chosen), {"method": "channels"})


def directions(
    layer: str | Layer,
    array: np.ndarray,
    names: Iterable[str] | None = None,
    *,
    model: Model | None = None,
    origin: Mapping[str, Any] | None = None,
    nonnegative: bool = False,
) -> Basis:
    """Basis of any directions: a probe's weights, a dictionary, a sparse autoencoder's decoder.

    Parameters
    ----------
    layer : the layer, or its name.
    array : `[K, C]`, one direction per row, or one direction `[C]`. scikit-learn's linear
        classifiers have this as `coef_`; the weight of a decoder made by `torch.nn.Linear` is its
        transpose.
    names : of the directions; `"direction 0"` and so on by default.
    model : to compare C with the layer's depth.
    origin : how they were made: what JSON can express.
    nonnegative : see `Basis`.

    Raises
    ------
    UnknownLayerError, InvalidValueError, InvalidTypeError : as for `Basis`, or a wrong depth.
    """
    layer = layer_name(layer)
    array = _checked_directions(np.atleast_2d(array))
    basis = Basis(
        layer,
        array,
        tuple(names) if names is not None else tuple(f"direction {k}" for k in range(len(array))),
        {"method": "directions"} if origin is None else origin,
        nonnegative,
    )
    if model is not None:
        check_fits(model, basis)
    return basis


def from_reducer(reducer: Any, layer: str | Layer, *, model: Model | None = None) -> Basis:
    """Basis of the components of a fitted scikit-learn estimator, or of a `ChannelReducer`.

    Members add to activations only: a mean that the estimator subtracts (PCA) is no member, and
    `Basis.coefficients` are then not what the estimator's `transform` gives.

    Parameters
    ----------
    reducer : has `components_` (decompositions, dictionaries) or `cluster_centers_`, `[K, C]`.
    layer : the layer whose activations it was fitted to, or its name.
    model : to compare C with the layer's depth.

    Raises
    ------
    InvalidTypeError : it has neither: it is not fitted, or of another kind.
    UnknownLayerError, InvalidValueError : as for `directions`.
    """
    from sklearn.decomposition import NMF, LatentDirichletAllocation, MiniBatchNMF

    estimator = getattr(reducer, "_reducer", reducer)
    attribute = next(
        (a for a in ("components_", "cluster_centers_") if hasattr(estimator, a)), None
    )
    kind = type(estimator).__name__
    if attribute is None:
        raise InvalidTypeError(
            f"A basis is made of the components_ or cluster_centers_ of a fitted estimator; this "
            f"{kind} has neither. Fit it first, or pass an array to `directions`."
        )
    found = _checked_directions(getattr(estimator, attribute))
    return directions(
        layer,
        found,
        [f"{kind} {k}" for k in range(len(found))],
        model=model,
        origin={"method": kind},
        nonnegative=isinstance(estimator, (NMF, MiniBatchNMF, LatentDirichletAllocation))
        or bool(getattr(estimator, "positive_code", False)),
    )


def unit(directions: np.ndarray) -> np.ndarray:
    """Directions `[K, C]` scaled to length 1, float32."""
    # In float64, where the squares of the smallest float32 are not 0.
    lengths = np.linalg.norm(directions.astype(np.float64), axis=1, keepdims=True)
    return (directions / lengths).astype(np.float32)


def channel_numbers(basis: Basis) -> list[int] | None:
    """The channels that the members are, if each is another one; None for other directions."""
    columns = _columns(basis.directions)
    return None if columns is None else columns.tolist()


def depth_of(model: Model, layer: str) -> int:
    """Number of channels of a layer.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError : the layer has no channels, or it is not known how many.
    """
    skeleton = model_io.skeleton(model)
    info = skeleton.layer(layer)
    if info.shape.rank not in (2, 4):
        raise InvalidValueError(
            f"Layer {layer!r} of {model.name} has shape {info.shape}; directions are in layers "
            "[N, H, W, C] or [N, C]."
        )
    axis = 1 if info.data_format == "NCHW" else -1
    depth = dimension(info, axis)
    if depth is None and all(model.image_shape):

        def seen() -> int:
            blank = np.zeros([1, *model.image_shape], np.float32)
            return model.activations(blank, layer).shape[axis]

        depth = skeleton.fact(f"depth of {layer}", seen)  # which its graph does not tell
    if depth is None:
        raise InvalidValueError(f"The depth of layer {layer!r} of {model.name} is not known.")
    return depth


def check_fits(model: Model, basis: Basis) -> None:
    """Refuse a basis of another depth than the model's layer.

    Raises
    ------
    UnknownLayerError, InvalidValueError
    """
    depth, (members, length) = depth_of(model, basis.layer), basis.directions.shape
    if depth == length:
        return
    transposed = " Is it transposed?" if depth == members else ""
    raise InvalidValueError(
        f"Layer {basis.layer!r} of {model.name} has {depth} channels; the directions are "
        f"[{members}, {length}], one per row.{transposed}"
    )


@objectives.wrap_objective(require_format="NHWC", traced=("directions",))
def _members(layer: str, directions: np.ndarray, cossim_pow: float) -> objectives.Objective:
    members = dimension(directions, 0)

    def inner(T):
        acts = matched(T(layer), directions, layer)
        if dimension(acts, 0) not in (members, None):
            raise InvalidValueError(
                f"This objective draws {members} directions, each in its own image; there are "
                f"{dimension(acts, 0)} images. Make as many: param.image(..., batch={members})."
            )
        # One dot product for all: as a sum of objectives, each would pad its gradient to the whole
        # batch.
        return members * dot_cossim(acts, directions[:, None, None, :], cossim_pow)

    return inner


def layer_name(layer: Any) -> str:
    """The name of a `Layer`, or a name as it is."""
    name = getattr(layer, "name", layer)
    if not isinstance(name, str) or not name:
        raise InvalidTypeError(f"Layers are named by strings; got {name!r}.")
    return name


def _checked_directions(array: Any) -> np.ndarray:
    try:
        array = np.array(array)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"Directions are an array [K, C]: {error}.") from error
    if array.dtype.kind not in "biuf":
        raise InvalidTypeError(f"Directions are numbers [K, C], not {array.dtype}.")
    if array.ndim != 2 or not array.size:
        raise InvalidValueError(
            f"Directions are [K, C], one per row, at least one; these have shape {array.shape}."
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    for wrong, what, cure in (
        (~np.isfinite(array).all(1), "not finite", ""),
        (~array.any(1), "zero: they point nowhere", " Leave them out: array[array.any(axis=1)]."),
    ):
        if wrong.any():
            rows = np.flatnonzero(wrong)
            some = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
            raise InvalidValueError(f"{len(rows)} directions are {what} (rows {some}).{cure}")
    array.setflags(write=False)
    return array


def _checked_origin(origin: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return MappingProxyType(json.loads(json.dumps(dict(origin))))
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"The origin of a basis is what JSON can express: {error}."
        ) from error


def _unique_names(names: Iterable[str], members: int) -> tuple[str, ...]:
    names = [str(name) for name in names] or [str(k) for k in range(members)]
    if len(names) != members:
        raise InvalidValueError(f"There are {len(names)} names for {members} directions.")
    for name in names:
        if len(name) > _LONGEST_NAME or set(name) & _NO_TEXT or not _is_unicode(name):
            raise InvalidValueError(
                f"The name {name[:50]!r} is not text of at most {_LONGEST_NAME} characters that "
                "files can hold."
            )
    taken = set(names)
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    unique = []
    for name in names:
        candidate = name
        while candidate in seen or (candidate != name and candidate in taken):
            numbers[name] = numbers.get(name, 1) + 1
            candidate = f"{name} ({numbers[name]})"
        seen.add(candidate)
        unique.append(candidate)
    return tuple(unique)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # one half of a surrogate pair
        return False
    return True


def _columns(directions: np.ndarray) -> np.ndarray | None:
    """For directions that are different channels: which. None for others."""
    columns = directions.argmax(1)
    one_each = (np.count_nonzero(directions, 1) == 1).all() and (directions.max(1) == 1).all()
    return columns if one_each and len(set(columns.tolist())) == len(columns) else None


def _least_squares(rows: np.ndarray, directions: np.ndarray) -> np.ndarray:
    return rows @ np.linalg.pinv(directions)


def _nonnegative_least_squares(rows: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """By coordinate descent, for all rows `[M, C]` at once: `[M, K]`."""
    lengths = np.linalg.norm(directions, axis=1)
    unit = directions / lengths[:, None]
    gram, target = unit @ unit.T, rows @ unit.T
    found = np.maximum(_least_squares(rows, unit), 0)
    for _ in range(_SWEEPS):
        largest_change = 0.0
        for k in range(len(unit)):
            better = np.maximum(found[:, k] + target[:, k] - found @ gram[:, k], 0)
            largest_change = max(largest_change, np.abs(better - found[:, k]).max(initial=0))
            found[:, k] = better
        if largest_change <= _PRECISE * found.max(initial=0):
            break
    return found / lengths
