import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.misc.io.contact_sheet import contact_sheet


def pictures(count: int, size: tuple[int, int] = (32, 48), channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((count, *size, channels)).astype(np.float32)


@pytest.mark.parametrize(
    ("count", "grid"), [(1, (1, 1)), (2, (1, 2)), (4, (2, 2)), (5, (2, 3)), (10, (3, 4))]
)
def test_the_grid_is_about_square(count, grid):
    sheet = contact_sheet(pictures(count))
    assert sheet.shape == (grid[0] * 36 + 4, grid[1] * 52 + 4, 3)
    assert sheet.dtype == np.float32


def test_pictures_lie_row_by_row_on_white():
    images = pictures(3)
    sheet = contact_sheet(list(images), columns=2, padding=5)
    np.testing.assert_array_equal(sheet[5:37, 5:53], images[0])
    np.testing.assert_array_equal(sheet[5:37, 58:106], images[1])
    np.testing.assert_array_equal(sheet[42:74, 5:53], images[2])
    sheet[5:37, 5:53] = sheet[5:37, 58:106] = sheet[42:74, 5:53] = 1
    assert (sheet == 1).all()


def test_more_columns_than_pictures_leave_no_empty_columns():
    assert contact_sheet(pictures(2), columns=9).shape == contact_sheet(pictures(2)).shape


def test_grey_transparent_and_integer_pictures():
    grey = contact_sheet(pictures(1, channels=1), padding=0)
    np.testing.assert_array_equal(grey, pictures(1, channels=1)[0].repeat(3, -1))
    clear = pictures(1, channels=4)
    clear[..., 3] = 0
    assert (contact_sheet(clear) == 1).all()
    np.testing.assert_array_equal(
        contact_sheet(np.full((1, 2, 2, 3), 51, np.uint8), padding=0),
        np.full((2, 2, 3), 0.2, np.float32),
    )
    assert contact_sheet(pictures(1) * 9 - 4).min() == 0


def captions(labels: list, width: int = 128) -> np.ndarray:
    """The strips below black pictures in one row, as [N, height, width]."""
    black = np.zeros((len(labels), 8, width, 3))
    sheet = contact_sheet(black, labels, columns=len(labels), padding=0)
    return np.stack(np.split(sheet[8:, :, 0], len(labels), axis=1))


def test_each_label_is_written_dark_on_white_below_its_picture():
    empty, one, other = captions(["", "mixed4a:476", "mixed4a:477"])
    assert (empty == 1).all()
    assert one.min() < 0.4
    assert (one != other).any()


def test_labels_of_letters_with_and_without_descenders_share_a_baseline():
    plain, with_descender = captions(["a", "ag"])
    inked_columns = (plain < 0.9).any(0).nonzero()[0]
    np.testing.assert_array_equal(plain[:, inked_columns], with_descender[:, inked_columns])


def test_a_long_label_is_shortened_and_leaves_the_neighbour_alone():
    long, longer, empty = captions(
        ["mixed5a_3x3_bottleneck_" * 3, "mixed5a_3x3_bottleneck_" * 5000, ""]
    )
    assert (empty == 1).all()
    np.testing.assert_array_equal(long, longer)
    assert (long[:, -12:] < 0.9).any(), "the ellipsis is at the end"


def test_a_line_break_in_a_label_is_a_blank():
    broken, blank = captions(["a\nb", "a b"])
    np.testing.assert_array_equal(broken, blank)


@pytest.mark.parametrize("width", [1, 8, 300])
def test_labels_fit_below_pictures_of_any_width(width):
    images = pictures(2, (4, width))
    sheet = contact_sheet(images, ["golden retriever", 7], columns=1, padding=0)
    assert sheet.shape[1] == width
    np.testing.assert_array_equal(sheet[:4], images[0])


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([], {}, "there are none"),
        ([np.zeros((2, 3, 3)), np.zeros((4, 3, 3))], {}, "2x3, 4x3"),
        ([np.zeros((2, 3))], {}, r"shape \[2, 3\]"),
        ([np.zeros((2, 3, 7))], {}, r"shape \[2, 3, 7\]"),
        ([np.full((2, 3, 3), np.nan)], {}, "NaN"),
        (pictures(2), {"labels": ["a"]}, "2 pictures and 1 labels"),
        (pictures(2), {"columns": 0}, "columns must be at least 1"),
        (pictures(2), {"padding": -1}, "padding at least 0"),
    ],
)
def test_bad_input_is_refused(images, options, message):
    with pytest.raises(InvalidValueError, match=message):
        contact_sheet(images, **options)
