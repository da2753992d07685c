"""Images that interpolate between several objectives, sharing what they can."""

from __future__ import annotations

import itertools

import tensorflow as tf

from lucidx.optvis.param.lowres import lowres_tensor
from lucidx.optvis.param.resize_bilinear_nd import static_shape


def multi_interpolation_basis(
    n_objectives: int = 6, n_interp_steps: int = 5, width: int = 128, channels: int = 3
) -> tf.Tensor:
    """Image parameterization for the interpolations between every pair of several objectives.

    Entry [a, b, m] is meant to be optimised for objective a at m = 0, for b at the last m, and for
    a mixture between. All share low-resolution components, so neighbouring images are aligned and
    differ only where they need to ("Differentiable Image Parameterizations", Mordvintsev et al.,
    Distill 2018, on aligned feature visualization interpolation). Interpolating from a to b is
    interpolating from b to a backwards: entry [a, b, m] equals [b, a, -1 - m].

    Parameters
    ----------
    n_objectives : N.
    n_interp_steps : M, images from one objective to the next.
    width : W, of the square images, in pixels.
    channels : C.

    Returns
    -------
    float32 [N, N, M, W, W, C], unconstrained; `param.to_valid_rgb` makes colours of it.

    Raises
    ------
    InvalidTypeError, InvalidValueError : for arguments that are not positive integers.
    """
    n, m, width, channels = static_shape([n_objectives, n_interp_steps, width, channels])

    def pyramid(lead: list[int], underlying: list[int], factors: tuple[int, ...]) -> tf.Tensor:
        shape = [*lead, width, width, channels]
        sizes = [max(1, width // factor) for factor in factors]
        return tf.add_n([lowres_tensor(shape, [*underlying, s, s, channels]) for s in sizes])

    shared = pyramid([], [], (1, 2, 4, 8))
    ends = tf.stack([pyramid([m], [2], (1, 2, 4, 8)) for _ in range(n)])
    # Towards b, the images of b run backwards.
    between_ends = ends[:, None] + tf.reverse(ends, [1])[None, :]

    own = {(a, a): tf.zeros([m, width, width, channels]) for a in range(n)}
    for a, b in itertools.combinations(range(n), 2):
        own[a, b] = pyramid([m], [m], (1, 2))
        own[b, a] = tf.reverse(own[a, b], [0])
    grid = tf.stack([tf.stack([own[a, b] for b in range(n)]) for a in range(n)])
    return between_ends + grid + shared
