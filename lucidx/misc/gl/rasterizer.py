"""Triangles to pixels in numpy, for where there is no OpenGL.

Edge functions are taken in homogeneous coordinates (Olano and Greer, "Triangle Scan Conversion
using 2D Homogeneous Coordinates", 1997), so nothing has to be clipped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_CANDIDATES_AT_ONCE = 1 << 20


def rasterize(
    clip: np.ndarray,
    attribute: np.ndarray,
    faces: np.ndarray,
    size: tuple[int, int],
    background: np.ndarray,
) -> np.ndarray:
    """Draw triangles, the nearer before the farther ones.

    Parameters
    ----------
    clip : float array `[N, 4]`, clip coordinates of the vertices, as in OpenGL.
    attribute : float array `[N, C]`, what is to be drawn, interpolated in perspective.
    faces : int array `[M, 3]`, vertices of the triangles; both sides of them are seen.
    size : width and height in pixels.
    background : `[C]`, where there is no triangle.

    Returns
    -------
    float32 array `[height, width, C]`; row 0 is the top.
    """
    width, height = size
    corners = clip.astype(np.float64)[faces]
    edges, usable = _edge_functions(corners, width, height)
    faces, corners, edges = faces[usable], corners[usable], edges[usable]

    depth = np.full(width * height, np.inf)
    nearest = np.full(width * height, -1)
    shares = np.zeros([width * height, 3])
    for which, columns, rows in _candidates(corners, width, height):
        at = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], -1)
        share = np.einsum("nij,nj->ni", edges[which], at)
        z = (share * corners[which, :, 2]).sum(-1)
        seen = (share >= 0).all(-1) & (share.sum(-1) > 0) & (np.abs(z) <= 1)
        pixel = ((height - 1 - rows) * width + columns)[seen]
        which, share, z = which[seen], share[seen], z[seen]
        order = np.lexsort([z, pixel])
        first = order[np.unique(pixel[order], return_index=True)[1]]
        first = first[z[first] < depth[pixel[first]]]
        drawn = pixel[first]
        depth[drawn], nearest[drawn], shares[drawn] = z[first], which[first], share[first]

    picture = np.tile(np.asarray(background, np.float32), [width * height, 1])
    covered = nearest >= 0
    share = shares[covered] / shares[covered].sum(-1, keepdims=True)
    picture[covered] = np.einsum("ni,nic->nc", share, attribute[faces[nearest[covered]]])
    return picture.reshape(height, width, -1)


def _edge_functions(corners: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices `[M, 3, 3]` from (column, row from below, 1) to each corner's share over w."""
    to_pixels = np.array([[width / 2, 0, width / 2], [0, height / 2, height / 2], [0, 0, 1]])
    in_pixels = corners[..., [0, 1, 3]] @ to_pixels.T
    volume = np.linalg.det(in_pixels)
    extent = np.prod(np.linalg.norm(in_pixels, axis=-1), axis=-1)
    usable = np.abs(volume) > 1e-12 * extent  # edge-on triangles cover no pixel
    edges = np.zeros_like(in_pixels)
    edges[usable] = np.linalg.inv(in_pixels[usable]).swapaxes(1, 2)
    return edges, usable


def _candidates(
    corners: np.ndarray, width: int, height: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield pixels that triangles may cover: number of the triangle, column, row from below."""
    low, high = _bounds(corners, np.array([width, height]))
    spans = np.maximum(high - low, 0)
    ends = np.cumsum(spans.prod(-1))
    start = 0
    while start < len(ends):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _CANDIDATES_AT_ONCE)))
        which = np.repeat(np.arange(start, stop), spans[start:stop].prod(-1))
        within = done + np.arange(len(which)) - (ends - spans.prod(-1))[which]
        columns = low[which, 0] + within % np.maximum(spans[which, 0], 1)
        rows = low[which, 1] + within // np.maximum(spans[which, 0], 1)
        yield which, columns, rows
        start = stop


def _bounds(corners: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest pixel, and highest plus one, whose centres each triangle may cover."""
    w = corners[..., 3:]
    in_front, behind = (w > 0).all(1), (w <= 0).all(1)
    pixels = (corners[..., :2] / np.where(w > 0, w, 1) + 1) / 2 * size
    low = np.where(in_front, np.ceil(pixels.min(1) - 0.5), 0)
    high = np.where(in_front, np.floor(pixels.max(1) + 0.5), np.where(behind, 0, size))
    return tuple(np.clip(bound, 0, size).astype(np.int64) for bound in (low, high))
