import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.factorization import neuron_groups
from lucidx.factorization.overlays import group_colors, isolated, overlay


@pytest.fixture
def groups(skipping, obses):
    return neuron_groups(skipping, obses, "second", 3)


def test_pictures_are_of_the_images_sizes_and_in_range(groups, obses):
    together, apart = overlay(groups, obses), isolated(groups, obses)
    assert together.shape == obses.shape
    assert apart.shape == (3, *obses.shape)
    for picture in (together, apart):
        assert 0 <= picture.min() <= picture.max() <= 1


def test_where_one_group_is_strongest_the_picture_has_its_color(groups):
    grey = np.full((6, 80, 60, 3), 0.5, np.float32)
    picture = overlay(groups, grey)
    for k, color in enumerate(group_colors(3)):
        share = groups.spatial[..., k] / groups.spatial.sum(-1)
        share = share * (groups.spatial[..., k] > np.quantile(groups.spatial[..., k], 0.9))
        n, row, column = np.unravel_index(share.argmax(), share.shape)
        pixel = picture[n, row * 10 + 5, column * 10 + 5]
        assert pixel.argmax() == color.argmax()


def test_an_isolated_group_is_bright_where_it_is_and_dark_elsewhere(groups):
    white = np.ones((6, 80, 60, 3), np.uint8) * 255
    picture = isolated(groups, white)[1, ..., 0]
    # Averaged over the pixels of a position.
    brightness = picture.reshape(6, 8, 10, 6, 10).mean((2, 4))
    strength = groups.spatial[..., 1]
    correlation = np.corrcoef(brightness.ravel(), strength.ravel())[0, 1]
    assert correlation > 0.95


def test_other_numbers_of_images_are_refused(groups, obses):
    with pytest.raises(InvalidValueError, match="6 images"):
        overlay(groups, obses[0])
