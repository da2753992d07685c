import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.recipes.tiles import OVERLAP, tiled_gradient


def squares(tile):
    """Of which the gradient at a pixel depends on nothing but the pixel."""
    return (tile**2).mean(), 2 * tile


sides = st.integers(1, 300)


@settings(deadline=None, max_examples=40)
@given(sides, sides, st.integers(8, 100), st.integers(0, 299), st.booleans())
def test_every_pixel_counts_once_wherever_tiles_begin(height, width, tile, offset, exact):
    picture = np.random.default_rng(0).random((height, width, 2), np.float32)
    shift = (offset % height, offset % width)
    _, gradient = tiled_gradient(squares, picture, (tile, tile), shift, exact=exact)
    np.testing.assert_allclose(gradient, 2 * picture, rtol=1e-4)


@settings(deadline=None, max_examples=40)
@given(sides, sides, st.integers(8, 100), st.booleans())
def test_tiles_have_one_size_no_larger_than_asked_for_or_just_that(height, width, tile, exact):
    shapes = set()

    def note(part):
        shapes.add(part.shape)
        return 0, part

    tiled_gradient(note, np.zeros((height, width, 1), np.float32), (tile, tile + 1), exact=exact)
    ((rows, columns, _),) = shapes
    assert rows <= tile and columns <= tile + 1
    assert not exact or (rows, columns) == (tile, tile + 1)


@pytest.mark.parametrize("shift", [(0, 0), (10, 20)])
def test_a_picture_that_fits_is_one_tile_and_goes_on_at_its_other_side(shift):
    picture = np.random.default_rng(0).random((40, 50, 3), np.float32)
    seen = []

    def note(part):
        seen.append(part)
        return 5.0, part

    value, _ = tiled_gradient(note, picture, (64, 64), shift)
    assert value == 5
    np.testing.assert_array_equal(seen, [np.roll(picture, (-shift[0], -shift[1]), (0, 1))])


def test_tiles_that_disagree_fade_into_each_other():
    levels = iter(np.tile([0.0, 1.0], 20))

    def disagree(tile):
        return 0, np.full_like(tile, next(levels))

    picture = np.zeros((8, 500, 1), np.float32)
    _, gradient = tiled_gradient(disagree, picture, (128, 128))
    assert gradient.max() == 1 and gradient.min() == 0
    assert np.abs(np.diff(gradient[0, :, 0])).max() < 1.5 / OVERLAP
