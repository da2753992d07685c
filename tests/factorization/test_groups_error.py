import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.factorization import GroupsError, groups_error, neuron_groups, plot_error


def test_errors_are_those_of_the_groups_and_fall_with_their_number(skipping, obses):
    curve = groups_error(skipping, obses, "second", [6, 2, 4])
    assert curve.numbers == (2, 4, 6)
    assert curve.errors == tuple(
        pytest.approx(neuron_groups(skipping, obses, "second", n).error) for n in curve.numbers
    )
    assert curve.errors[0] > curve.errors[1] > curve.errors[2]


def test_more_groups_than_channels_are_refused(skipping, obses):
    with pytest.raises(InvalidValueError, match="12 channels"):
        groups_error(skipping, obses, "second", [2, 13])
    with pytest.raises(InvalidValueError, match="empty"):
        groups_error(skipping, obses, "second", [])


@pytest.mark.parametrize(
    "curve", [GroupsError((2, 4, 8), (0.9, 0.5, 0.25)), GroupsError((3,), (0.5,))]
)
def test_the_plot_has_its_points_where_the_numbers_are(curve):
    picture = plot_error(curve)
    assert picture.dtype == np.float32
    assert picture.shape[2] == 3
    assert 0 <= picture.min() < picture.max() == 1
    drawn = np.argwhere((picture[..., 0] > 0.7) & (picture[..., 2] < 0.2))
    top, bottom = drawn[:, 0].min(), drawn[:, 0].max()
    # Errors are between 0, at the lowest line, and 1, at the highest.
    lines = np.flatnonzero((picture[:, 60:400] < 0.95).all((1, 2)))
    span = lines.max() - lines.min()
    assert (lines.max() - top - 4) / span == pytest.approx(max(curve.errors), abs=0.03)
    assert (lines.max() - bottom + 4) / span == pytest.approx(min(curve.errors), abs=0.03)
