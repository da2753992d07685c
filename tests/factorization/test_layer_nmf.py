import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.factorization.layer_nmf import LayerNMF


@pytest.fixture(scope="module")
def many():
    return np.random.default_rng(1).uniform(0, 1, (9, 16, 12, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def nmf(skipping, many):
    return LayerNMF(skipping, "second", many, features=3)


def test_activations_are_features_along_channel_directions(nmf, skipping, many):
    acts = skipping.activations(many, "second")
    assert nmf.channel_dirs.shape == (3, 12)
    assert nmf.acts_reduced.shape == (9, 8, 6, 3)
    rebuilt = nmf.inverse_transform(nmf.acts_reduced)
    np.testing.assert_allclose(rebuilt, nmf.acts_reduced @ nmf.channel_dirs, rtol=1e-4, atol=1e-5)
    assert np.linalg.norm(rebuilt - acts) < 0.8 * np.linalg.norm(acts)
    np.testing.assert_allclose(nmf.transform(acts), nmf.acts_reduced, rtol=0.05, atol=0.02)


def test_without_a_number_the_channels_are_the_features(skipping, many):
    nmf = LayerNMF(skipping, "second", many, features=None)
    assert nmf.features == 12
    np.testing.assert_array_equal(nmf.acts_reduced, skipping.activations(many, "second"))
    np.testing.assert_array_equal(nmf.transform(nmf.acts_reduced), nmf.acts_reduced)


def test_features_can_be_found_in_attributions(skipping, many):
    plain = LayerNMF(skipping, "second", many, features=3)
    fitted = LayerNMF(
        skipping,
        "second",
        many,
        features=3,
        attr_layer_name="logits",
        attr_opts={"act_dir": np.eye(5, dtype=np.float32)[0]},
    )
    assert fitted.acts_reduced.shape == plain.acts_reduced.shape
    assert not np.allclose(fitted.channel_dirs, plain.channel_dirs)


def test_examples_are_the_strongest_at_each_position(nmf, many):
    picture, obs_indices = nmf.vis_dataset(1)
    assert picture.shape == (16, 12, 4)
    strength = nmf.acts_reduced[..., 1]
    np.testing.assert_array_equal(obs_indices, strength.argmax(0))
    opacity = picture[::2, ::2, 3]
    np.testing.assert_allclose(opacity, strength.max(0) / strength.max(), rtol=1e-5)
    row, column = np.unravel_index(strength.max(0).argmax(), (8, 6))
    there = (slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2))
    np.testing.assert_array_equal(picture[there][..., :3], many[obs_indices[row, column]][there])


def test_positions_can_show_several_of_the_strongest(nmf):
    picture, obs_indices = nmf.vis_dataset(0, subdiv_mult=2, expand_mult=2, top_frac=0.5)
    assert obs_indices.shape == (16, 12)
    assert picture.shape == (16 * 4, 12 * 4, 4)
    strength = nmf.acts_reduced[..., 0]
    ranked = np.argsort(-strength[:, 0, 0], kind="stable")
    # Of nine, five count as the strongest, and four go evenly through them.
    np.testing.assert_array_equal(obs_indices[:2, :2].ravel(), ranked[[0, 1, 3, 4]])


def test_thumbnails_are_the_strongest_anywhere_each_of_another_observation(nmf):
    picture, obs_indices = nmf.vis_dataset_thumbnail(2, num_mult=3, max_rep=2)
    assert picture.shape == (6, 6, 4)
    assert sorted(obs_indices.ravel()) == list(range(9))
    strongest = nmf.acts_reduced[..., 2].max((1, 2))
    assert obs_indices[0, 0] == strongest.argmax()
    assert picture[0, 0, 3] == pytest.approx(1)


def test_more_thumbnails_than_observations_are_refused(nmf):
    for error in (RuntimeError, InvalidValueError):
        with pytest.raises(error, match="16 observations"):
            nmf.vis_dataset_thumbnail(0, num_mult=4)


def test_patches_are_padded_with_a_checkerboard(nmf, many):
    corner = nmf.get_patch(3, 0, 0, expand_mult=3)
    assert corner.shape == (6, 6, 3)
    np.testing.assert_array_equal(corner[2:, 2:], many[3, :4, :4])
    assert set(np.unique(corner[:2])) <= {np.float32(0.75), np.float32(1)}


def test_examples_can_be_cut_from_larger_observations(skipping, many):
    full = np.repeat(np.repeat(many, 4, 1), 4, 2)
    nmf = LayerNMF(skipping, "second", many, full, features=2)
    assert (nmf.patch_h, nmf.patch_w) == (8, 8)
    np.testing.assert_array_equal(nmf.get_patch(0, 1, 2), full[0, 8:16, 16:24])


@pytest.mark.filterwarnings("ignore::lucidx.errors.DiagnosisWarning")
def test_features_are_drawn_in_the_order_asked_for(skipping, many, monkeypatch):
    from lucidx.optvis import render

    quick = render.render_vis
    monkeypatch.setattr(
        render, "render_vis", lambda *a, **k: quick(*a, **k, thresholds=(3,), seed=0)
    )
    nmf = LayerNMF(skipping, "second", many, features=3)
    drawn = nmf.vis_traditional([2, 0], transforms=[], l2_coeff=1e-3, l2_layer_name="first")
    assert drawn.shape == (2, 64, 64, 3)
    swapped = nmf.vis_traditional([0, 2], transforms=[])
    assert not np.allclose(drawn, swapped)
    first = nmf.transform(skipping.activations(swapped, "second"))[:, 4, 3]
    assert np.isfinite(first).all()


def test_impossible_requests_are_refused(nmf, skipping, many):
    with pytest.raises(InvalidValueError, match="features 0 to 2"):
        nmf.vis_dataset(3)
    with pytest.raises(InvalidValueError, match="go together"):
        nmf.vis_traditional(l2_coeff=1.0)
    with pytest.raises(InvalidValueError, match="layers"):
        LayerNMF(skipping, "logits", many)
    with pytest.raises(InvalidValueError, match="obses_full"):
        LayerNMF(skipping, "second", many, many[:2])
