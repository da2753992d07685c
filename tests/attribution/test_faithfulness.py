import numpy as np
import pytest
import tensorflow as tf

from lucidx.attribution import attribute, compare, curves
from lucidx.errors import InvalidValueError


def bright(T):
    """A score that is known: each pixel counts by how far to the right it is."""
    return tf.reduce_sum(T("input") * tf.range(8.0)[:, tf.newaxis]) + 0 * tf.reduce_sum(T("logits"))


def test_both_curves_join_the_image_and_the_baseline(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    insertion, deletion = (
        curves(small, noise[0], "dog", found, mode=mode, steps=4)
        for mode in ("insertion", "deletion")
    )
    for curve in (insertion, deletion):
        np.testing.assert_array_equal(curve.fractions, [0, 0.25, 0.5, 0.75, 1])
        assert sorted(curve.order) == list(range(16))
    assert insertion.scores[-1] == pytest.approx(found.score, rel=1e-5)
    assert insertion.scores[0] == pytest.approx(found.baseline_score, rel=1e-5)
    assert deletion.scores[0] == pytest.approx(found.score, rel=1e-5)
    assert deletion.scores[-1] == pytest.approx(found.baseline_score, rel=1e-5)


def test_positions_are_taken_in_the_order_of_attribution(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    curve = curves(small, noise[0], "dog", found, mode="deletion", steps=16)
    along = found.spatial().ravel()[curve.order]
    assert (np.diff(along) <= 0).all()
    changed = found.activations.copy()
    changed[np.unravel_index(curve.order[:3], (4, 4))] = 0
    left = small.function("logits", "late")(changed[np.newaxis])[0, 3]
    assert curve.scores[3] == pytest.approx(float(left), rel=1e-4, abs=1e-5)


def test_area_is_the_mean_height(small, noise):
    image = np.ones([8, 8, 3], np.float32)
    found = attribute(small, image, bright, "input")
    curve = curves(small, image, bright, found, steps=8, baseline="zero")
    # Column by column from the right: 7, 7 + 6, ... of 24 each.
    expected = 24 * np.cumsum([0, *range(7, -1, -1)])
    np.testing.assert_allclose(curve.scores, expected, rtol=1e-5)
    assert curve.auc == pytest.approx(np.mean((expected[1:] + expected[:-1]) / 2), rel=1e-5)


def test_what_is_right_does_better_than_chance(small, noise):
    found = compare(small, noise[0], bright, "input", ["linear", "path"], draws=3, baseline="zero")
    assert list(found) == ["linear", "path", "random"]
    assert found["random"].insertion_sd > 0
    for name in ("linear", "path"):
        assert found[name].insertion > found["random"].insertion + 3 * found["random"].insertion_sd
        assert found[name].deletion < found["random"].deletion - 3 * found["random"].deletion_sd


def test_what_is_wrong_does_worse_than_chance(small, noise):
    def reversed_(probe):
        return -probe.gradient * probe.activations

    found = compare(small, noise[0], bright, "input", {"wrong": reversed_}, baseline="zero")
    assert found["wrong"].insertion < found["random"].insertion


def test_random_orders_are_repeatable(small, noise):
    first, again, other = (
        compare(small, noise[0], "dog", "late", [], draws=2, seed=seed)["random"]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_neurons_of_a_dense_layer_are_taken_one_by_one(small, noise):
    found = attribute(small, noise[0], "dog", "mean")
    curve = curves(small, noise[0], "dog", found, steps=100)
    assert len(curve.scores) == 9
    gains = np.diff(curve.scores)  # the score is linear in them
    np.testing.assert_allclose(gains, np.sort(found.values)[::-1], atol=1e-5)


def test_mistakes_are_refused(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    with pytest.raises(InvalidValueError, match="'insertion' or 'deletion'"):
        curves(small, noise[0], "dog", found, mode="both")
    with pytest.raises(InvalidValueError, match="steps"):
        curves(small, noise[0], "dog", found, steps=0)
    with pytest.raises(InvalidValueError, match="one image"):
        curves(small, noise, "dog", found)
    with pytest.raises(InvalidValueError, match="draws"):
        compare(small, noise[0], "dog", "late", ["linear"], draws=0)
    with pytest.raises(InvalidValueError, match="layer of this image"):
        curves(small, np.zeros([16, 16, 3], np.float32), "dog", found)
