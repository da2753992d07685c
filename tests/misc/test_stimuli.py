"""Synthetic images: two colors, smooth edges, fading."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidValueError
from lucidx.misc.stimuli import rmin, rounded_corner, sample_binary_image


def test_it_decorates_a_function_that_tells_inside_from_outside():
    @sample_binary_image(31, color_a=(1, 0.5, 0), color_b=(0, 0, 1))
    def disk(X, Y):
        return X**2 + Y**2 - 10**2

    assert disk.shape == (31, 31, 3)
    assert np.allclose(disk[15, 15], [0, 0, 1]) and np.allclose(disk[0, 0], [1, 0.5, 0])
    edge = disk[15, 25]
    assert 0 < edge[0] < 1 and edge[2] == pytest.approx(1 - edge[0])


def test_x_is_to_the_right_and_y_downwards():
    image = sample_binary_image(11)(lambda X, Y: X - 2)
    assert np.all(image[:, 8:] == 1) and np.all(image[:, :7] == 0)
    assert np.all(sample_binary_image(11)(lambda X, Y: Y - 2)[8:] == 1)


def test_a_line_is_drawn_where_the_color_changes():
    image = sample_binary_image(21, boundary_line=True, boundary_width=2)(lambda X, Y: X)
    assert np.all(image[:, 10] == 0) and np.all(image[:, [5, 15]] == 1)


def test_blur_and_fade_begin_at_their_radius():
    def share_of_grey(**options):
        image = sample_binary_image(61, 20, **options)(lambda X, Y: X)[..., 0]
        return ((image > 0) & (image < 1)).mean()

    assert share_of_grey(blur_beyond_radius=5) > 2 * share_of_grey()
    plain, faded = (
        sample_binary_image(41, fade_beyond_radius=fade, fade_over_distance=5)(lambda X, Y: X - 0.7)
        for fade in (None, 10)
    )
    assert np.array_equal(faded[20, 11:20], plain[20, 11:20])
    assert np.allclose(faded[20, [0, -1]], 0.5)


def test_the_rounded_minimum_is_lucids():
    assert rmin(0, 0, 1) == pytest.approx(np.sqrt(0.5) - 1)
    assert rmin(3, 10, 1) == 3
    assert rmin(0.2, 0.1, 0) == 0.1


@settings(deadline=None, max_examples=30)
@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(0, 5))
def test_the_rounded_minimum_is_symmetric_and_a_little_below_the_minimum(x, y, r):
    rounded = rmin(x, y, r)
    assert rounded == pytest.approx(rmin(y, x, r), abs=1e-5)
    assert min(x, y) - 0.3 * r - 1e-9 <= rounded <= min(x, y) + 1e-9


def test_corners_turn_with_their_orientation():
    shares = [rounded_corner(angle, 5, size=41)[:20].mean() for angle in (0, 90, 180)]
    assert max(shares) - min(shares) > 0.2
    half, quarter = rounded_corner(0, 0, 180, size=41), rounded_corner(0, 0, 90, size=41)
    assert abs(half.mean() - 0.5) < 0.02 < abs(quarter.mean() - 0.5)


def test_impossible_sizes_are_refused():
    with pytest.raises(InvalidValueError, match="at least 1"):
        sample_binary_image(0)
    with pytest.raises(InvalidValueError, match="at least 1"):
        sample_binary_image(8, alias_factor=0)


def test_unknown_settings_are_named_in_a_warning(caplog):
    rounded_corner(0, 5, size=8, colour=1)
    assert "colour" in caplog.text
