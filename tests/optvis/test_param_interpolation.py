import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.optvis import randomness
from lucidx.recipes.image_interpolation_params import multi_interpolation_basis


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_one_image_for_every_pair_and_step(channels):
    basis = multi_interpolation_basis(3, n_interp_steps=4, width=10, channels=channels)
    assert basis.shape == [3, 3, 4, 10, 10, channels]


def test_the_way_back_is_the_way_there_reversed():
    basis = multi_interpolation_basis(4, n_interp_steps=3, width=8).numpy()
    np.testing.assert_array_equal(basis, basis.transpose(1, 0, 2, 3, 4, 5)[:, :, ::-1])
    assert np.abs(basis[0, 1] - basis[0, 2]).max() > 0


def test_images_share_components():
    with randomness.stream(0):
        basis = multi_interpolation_basis(4, n_interp_steps=5, width=16).numpy()
    images = basis.reshape(-1, 16 * 16 * 3)
    assert np.corrcoef(images).mean() > 0.2


def test_width_may_be_small():
    assert multi_interpolation_basis(2, 2, width=3).shape == [2, 2, 2, 3, 3, 3]


def test_counts_below_one_are_refused():
    with pytest.raises(InvalidValueError):
        multi_interpolation_basis(n_objectives=0)
