"""Meshes and the matrices that place them before a camera.

Matrices that transform (`lookat`, `homotrans`) act on columns; projections (`frustum`,
`perspective`) are transposed, to act on rows, as OpenGL reads them.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike

from lucidx.errors import CorruptFileError, InvalidTypeError, InvalidValueError

_COORDINATES = {"v": "position", "vt": "uv", "vn": "normal"}


def frustum(
    left: float, right: float, bottom: float, top: float, znear: float, zfar: float
) -> np.ndarray:
    """Perspective projection of what is between two planes.

    Parameters
    ----------
    left, right, bottom, top : edges of the picture on the near plane.
    znear, zfar : distances of the planes.

    Returns
    -------
    float32 array `[4, 4]` for rows: `[x, y, z, 1] @ M` are clip coordinates.

    Raises
    ------
    InvalidValueError : edges or planes that coincide.
    """
    if left == right or bottom == top or znear == zfar:
        raise InvalidValueError("The edges, and the planes, of a frustum have to be apart.")
    width, height, depth = right - left, top - bottom, zfar - znear
    return np.array(
        [
            [2 * znear / width, 0, 0, 0],
            [0, 2 * znear / height, 0, 0],
            [(right + left) / width, (top + bottom) / height, -(zfar + znear) / depth, -1],
            [0, 0, -2 * znear * zfar / depth, 0],
        ],
        np.float32,
    )


def perspective(fovy: float, aspect: float, znear: float, zfar: float) -> np.ndarray:
    """Perspective projection along the axis of view; see `frustum`.

    Parameters
    ----------
    fovy : angle from the lower edge of the picture to the upper one, in degrees.
    aspect : width of the picture over its height.
    znear, zfar : distances of the planes between which things are seen.
    """
    h = np.tan(np.radians(fovy) / 2) * znear
    w = h * aspect
    return frustum(-w, w, -h, h, znear, zfar)


def anorm(
    x: ArrayLike, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> np.ndarray:
    """Euclidean length of vectors along `axis`, or of the whole array."""
    return np.sqrt(np.square(x).sum(axis, keepdims=keepdims))


def normalize(
    v: ArrayLike, axis: int | tuple[int, ...] | None = None, eps: float = 1e-10
) -> np.ndarray:
    """Vectors along `axis`, or the whole array, scaled to length 1; shorter than `eps` to less."""
    return v / np.maximum(anorm(v, axis, keepdims=axis is not None), eps)


def lookat(eye: ArrayLike, target: ArrayLike = (0, 0, 0), up: ArrayLike = (0, 1, 0)) -> np.ndarray:
    """Transformation from the world to what a camera sees: x right, y up, -z ahead.

    Parameters
    ----------
    eye : position `[3]` of the camera.
    target : position that it looks at, which comes to lie at `[0, 0, -distance]`.
    up : direction that is upwards in the picture.

    Returns
    -------
    float32 array `[4, 4]` for columns; see `homotrans`.

    Raises
    ------
    InvalidValueError : the camera is at its target, or looks along `up`.
    """
    eye, target, up = (np.asarray(v, np.float32)[:3] for v in (eye, target, up))
    forward = normalize(target - eye)
    across = np.cross(forward, normalize(up))
    if anorm(across) < 1e-6:
        raise InvalidValueError(
            f"A camera at {eye.tolist()} that looks at {target.tolist()} has no upward direction "
            f"along {up.tolist()}; give another `up`, or another position."
        )
    side = normalize(across)
    rotation = np.stack([side, np.cross(side, forward), -forward])
    view = np.eye(4, dtype=np.float32)
    view[:3, :3] = rotation
    view[:3, 3] = -rotation @ eye
    return view


def sample_view(min_dist: float, max_dist: float | None = None) -> np.ndarray:
    """View of the origin from a random direction, each as likely; see `lookat`.

    Parameters
    ----------
    min_dist, max_dist : the distance is drawn between them; `min_dist` if only that is given.
    """
    direction = normalize(np.random.normal(size=3))  # noqa: NPY002
    furthest = min_dist if max_dist is None else max_dist
    distance = np.random.uniform(min_dist, furthest)  # noqa: NPY002
    return lookat(distance * direction)


def homotrans(M: ArrayLike, p: ArrayLike) -> np.ndarray:
    """Transform points.

    Parameters
    ----------
    M : array `[4, 4]` for columns.
    p : points `[..., 3]`, or `[..., 4]` in homogeneous coordinates.

    Returns
    -------
    Points `[..., 3]`.
    """
    p = np.asarray(p)
    if p.shape[-1] == 3:
        p = np.concatenate([p, np.ones_like(p[..., :1])], -1)
    transformed = p @ np.asarray(M).T
    return transformed[..., :3] / transformed[..., 3:]


def load_obj(fn: str | os.PathLike[str] | IO[Any]) -> dict[str, np.ndarray]:
    """Read a mesh in the Wavefront OBJ format.

    Polygons become fans of triangles. Corners that agree in position, texture coordinate and normal
    are one vertex. Materials, groups and smoothing are ignored.

    Parameters
    ----------
    fn : path, or a file opened in text or binary mode.

    Returns
    -------
    "face" (int32 `[3 * triangles]`, numbers of vertices) and those of "position" (float32 `[N, 3]`;
    wider if the file gives colors), "uv" (`[N, 2]` or wider) and "normal" (`[N, 3]`) that the faces
    refer to. Zero where only some do.

    Raises
    ------
    CorruptFileError : not a mesh, or one without faces.
    """
    given: dict[str, list[list[float]]] = {kind: [] for kind in _COORDINATES}
    vertices: dict[tuple[int, int, int], int] = {}
    faces: list[int] = []
    with _lines(fn) as lines:
        for number, line in enumerate(lines, 1):
            tag, *words = _words(line)
            try:
                if tag in given:
                    given[tag].append([float(word) for word in words])
                elif tag == "f":
                    corners = [_corner(word, given) for word in words]
                    faces += _fan([vertices.setdefault(c, len(vertices)) for c in corners])
            except ValueError as error:
                raise CorruptFileError(
                    f"Line {number} is not of a mesh in the OBJ format: {error}"
                ) from error
    if not faces:
        raise CorruptFileError("There are no faces in this file: it is not a mesh.")
    return {"face": np.array(faces, np.int32), **_per_vertex(np.array(list(vertices)), given)}


def _lines(fn: Any) -> contextlib.AbstractContextManager[Iterable[str | bytes]]:
    if isinstance(fn, str | os.PathLike):
        return open(fn, "rb")
    return contextlib.nullcontext(fn)


def _words(line: str | bytes) -> list[str]:
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    return text.partition("#")[0].split() or [""]


def _corner(word: str, given: Mapping[str, Sequence[Any]]) -> tuple[int, int, int]:
    """Numbers of a corner's position, texture coordinate and normal, from 1; 0 for none."""
    indices = _parse_vertex_tuple(word)
    so_far = [len(rows) for rows in given.values()]
    if any(-index > count for index, count in zip(indices, so_far, strict=True)):
        raise ValueError(f"{word!r} counts back beyond the first of {so_far} v, vt and vn.")
    return tuple(i if i >= 0 else n + i + 1 for i, n in zip(indices, so_far, strict=True))


def _parse_vertex_tuple(s: str) -> tuple[int, int, int]:
    indices = [int(index or 0) for index in s.split("/")]
    if len(indices) > 3 or indices[0] == 0:
        raise ValueError(f"a corner is v, v/vt, v//vn or v/vt/vn, not {s!r}.")
    return tuple(indices + [0] * (3 - len(indices)))


def _fan(polygon: list[int]) -> list[int]:
    if len(polygon) < 3:
        raise ValueError(f"a face has at least three corners, not {len(polygon)}.")
    first, *others = polygon
    return [v for pair in itertools.pairwise(others) for v in (first, *pair)]


def _per_vertex(
    vertices: np.ndarray, given: Mapping[str, Sequence[Sequence[float]]]
) -> dict[str, np.ndarray]:
    coordinates = {}
    for (kind, rows), indices in zip(given.items(), vertices.T, strict=True):
        if indices.max() > len(rows):
            raise CorruptFileError(f"A face refers to {kind} {indices.max()} of {len(rows)}.")
        if indices.any():
            coordinates[_COORDINATES[kind]] = _unify_rows([[], *rows])[indices]
    return coordinates


def _unify_rows(a: Sequence[Sequence[float]]) -> np.ndarray:
    array = np.zeros([len(a), max(map(len, a))], np.float32)
    for row, values in zip(array, a, strict=True):
        row[: len(values)] = values
    return array


def normalize_mesh(mesh: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Copy of a mesh, moved and scaled to just fit into -1..1.

    Parameters
    ----------
    mesh : "position" `[N, 3]` (further columns stay as they are), and anything else, which the copy
        shares. Integers become floats.
    """
    position = np.array(mesh["position"])
    position = position.astype(np.result_type(position, np.float32), copy=False)
    xyz = position[:, :3]
    centred = xyz - (xyz.max(0) + xyz.min(0)) / 2
    position[:, :3] = centred / max(np.abs(centred).max(), np.finfo(np.float32).tiny)
    return {**mesh, "position": position}


def checked_mesh(
    position: ArrayLike, uv: ArrayLike, face: ArrayLike | None = None, uv_width: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrays of a mesh, if they fit together.

    Parameters
    ----------
    position : `[N, 3]` or more columns, or `[3 * N]`.
    uv : what the vertices carry, `[N, uv_width]` or more columns, or `[uv_width * N]`.
    face : numbers of vertices, three for each triangle, in any shape; by default all in order.

    Returns
    -------
    Positions float32 `[N, 3]`, what vertices carry float32 `[N, K]`, corners uint32 `[3 * T]`.

    Raises
    ------
    InvalidTypeError : something is not numbers.
    InvalidValueError : something is not finite, or of another shape, or they do not fit together.
    """
    position = _checked_rows(position, "position", 3)[:, :3]
    uv = _checked_rows(uv, "uv", uv_width)
    corners = np.arange(len(position)) if face is None else np.asarray(face).ravel()
    if corners.dtype.kind not in "iu" or len(corners) % 3 or not len(corners):
        raise InvalidValueError(
            "The 'face' of a mesh is integers, numbers of vertices, three for each triangle; there "
            f"are {len(corners)} of dtype {corners.dtype}."
        )
    if len(position) != len(uv) or corners.min() < 0 or corners.max() >= len(position):
        raise InvalidValueError(
            f"The mesh has {len(position)} positions, {len(uv)} texture coordinates, and faces "
            f"between vertices {corners.min()} and {corners.max()}: these do not fit."
        )
    return np.ascontiguousarray(position), uv, corners.astype(np.uint32)


def _checked_rows(rows: ArrayLike, key: str, width: int) -> np.ndarray:
    array = np.asarray(rows)
    if array.dtype.kind not in "iuf":
        raise InvalidTypeError(f"The {key!r} of a mesh is numbers; this is {array.dtype}.")
    if array.ndim == 1 and array.size % width == 0:
        array = array.reshape(-1, width)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float32)
    if array.ndim != 2 or array.shape[1] < width:
        raise InvalidValueError(
            f"The {key!r} of a mesh is numbers [N, {width}]; the shape is {list(array.shape)}."
        )
    wrong = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(wrong):
        raise InvalidValueError(
            f"The {key!r} of a mesh is finite; {len(wrong)} of its {len(array)} rows are not, row "
            f"{wrong[0]} for instance: {array[wrong[0]].tolist()}."
        )
    return array
