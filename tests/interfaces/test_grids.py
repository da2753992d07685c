import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.interfaces.grids import arrangement, draw


def test_each_cell_is_drawn_by_its_own_vector(model):
    """Channels that are asked for in a half of the grid are more active in that half."""
    vectors = np.zeros([2, 2, 12], np.float32)
    vectors[:, 0, 3] = 5
    vectors[:, 1, 7] = 0.1
    image = draw(model, "middle", vectors, 24, 40)
    assert image.shape == (48, 48, 3)
    left, right = np.split(model.activations(image, "middle"), 2, axis=1)
    assert left[..., 3].mean() > 1.3 * right[..., 3].mean()
    assert right[..., 7].mean() > 1.3 * left[..., 7].mean()


def test_a_seed_repeats_a_grid(model, rng):
    vectors = rng.random([2, 2, 12]).astype(np.float32)
    drawn = [draw(model, "late", vectors, 16, 2, seed=s, cache=False) for s in (0, 0, 1)]
    first, again, other = drawn
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_grids_are_kept_and_the_same_when_taken_from_the_cache(model, rng, tmp_path, monkeypatch):
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path))
    vectors = rng.random([2, 2, 12]).astype(np.float32)
    steps = []
    first, again = (draw(model, "late", vectors, 16, 2, on_step=steps.append) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert steps == [1, 2]
    assert not np.array_equal(first, draw(model, "late", vectors[::-1], 16, 2))
    assert not np.array_equal(first, draw(model, "late", vectors, 16, 3))
    wide = draw(model, "late", vectors.reshape(1, 4, 12), 16, 2)
    assert wide.shape == (16, 64, 3)


def test_cells_where_nothing_is_active_are_left_undrawn(model, rng):
    vectors = rng.random([2, 2, 12]).astype(np.float32)
    vectors[0, 0] = 0
    assert np.isfinite(draw(model, "late", vectors, 16, 2)).all()
    with pytest.raises(InvalidValueError, match="Nothing is active in 'late'"):
        draw(model, "late", np.zeros([2, 2, 12], np.float32), 16, 2)


def test_an_arrangement_is_stretched_over_the_layer(rng):
    import tensorflow as tf

    acts = rng.normal(size=(1, 6, 6, 5)).astype(np.float32)
    vectors = rng.normal(size=(2, 3, 5)).astype(np.float32)
    value = arrangement("layer", vectors)(lambda name: tf.constant(acts))
    stretched = vectors.repeat(3, axis=0).repeat(2, axis=1)
    np.testing.assert_allclose(value, (acts[0] * stretched).sum(-1).mean(), rtol=1e-4)


def test_graphs_and_sessions_compute_the_same(rng):
    import tensorflow as tf

    acts = rng.normal(size=(1, 4, 4, 5)).astype(np.float32)
    objective = arrangement("layer", rng.normal(size=(2, 2, 5)).astype(np.float32), 1)
    eager = objective(lambda name: tf.constant(acts)).numpy()
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        assert session.run(objective(lambda name: tf.constant(acts))) == pytest.approx(eager)
