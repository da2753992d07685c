import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.factorization.gradients import (
    get_acts,
    get_attr,
    get_grad,
    get_grad_or_attr,
    get_shape,
    get_var,
    maxpool_override,
)
from lucidx.modelzoo import model_io


def test_activations_are_the_models(skipping, obses):
    np.testing.assert_array_equal(
        get_acts(skipping, "second", obses), skipping.activations(obses, "second")
    )


def test_gradients_are_with_respect_to_the_observations(skipping, obses):
    gradient = get_grad(skipping, "logits", obses)
    assert gradient.shape == obses.shape
    images = tf.constant(obses)
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(skipping.function("logits")(images))
    np.testing.assert_allclose(gradient, tape.gradient(total, images), atol=1e-6)


def test_channels_can_be_weighted(skipping, obses):
    weights = np.array([1, 0, -2, 0, 0.5], np.float32)
    weighted = get_grad(skipping, "logits", obses, act_dir=weights)
    eye = np.eye(5, dtype=np.float32)
    each = [get_grad(skipping, "logits", obses, act_dir=eye[k]) for k in range(5)]
    expected = sum(w * g for w, g in zip(weights, each, strict=True))
    np.testing.assert_allclose(weighted, expected, atol=1e-5)


def test_one_position_per_observation_can_be_taken(skipping, obses):
    poses = np.array([[0, 0], [1, 2], [7, 5], [3, 3], [0, 5], [7, 0]])
    at = get_grad(skipping, "second_pre_relu", obses, act_poses=poses)
    for n, (row, column) in enumerate(poses):

        def there(t, row=row, column=column):
            return tf.reduce_sum(t[:, row, column], -1)

        alone = get_grad(skipping, "second_pre_relu", obses[n : n + 1], score_fn=there)
        np.testing.assert_allclose(at[n], alone[0], atol=1e-6)


def test_attribution_to_a_hidden_layer_leaves_what_skips_it(skipping, obses):
    acts = skipping.activations(obses, "second")
    # The logits are a constant and squares of this layer: to first order, twice what it adds.
    one_step = get_attr(skipping, "logits", "second", obses).sum()
    integrated = get_attr(skipping, "logits", "second", obses, integrate_steps=400).sum()
    assert integrated == pytest.approx(one_step / 2, rel=5e-3)
    gradient = get_grad_or_attr(skipping, "logits", "second", obses, grad_or_attr="grad")
    np.testing.assert_allclose(
        acts * gradient, get_attr(skipping, "logits", "second", obses), rtol=1e-5, atol=1e-7
    )


def test_integration_ends_at_the_activations(skipping, obses):
    gradient, mean = (
        get_grad_or_attr(
            skipping, "logits", "second", obses, grad_or_attr="grad", integrate_steps=steps
        )
        for steps in (1, 2)
    )
    # At half the activations, the gradient of squares is half of that at all of them.
    np.testing.assert_allclose(mean, gradient * 0.75, rtol=1e-4, atol=1e-7)


def test_many_observations_are_like_each_by_itself(skipping):
    many = np.random.default_rng(0).uniform(0, 1, (35, 8, 8, 3)).astype(np.float32)
    poses = np.random.default_rng(0).integers(0, 4, (35, 2))
    whole = get_grad(skipping, "second", many, act_poses=poses)
    last = get_grad(skipping, "second", many[34:], act_poses=poses[34:])
    np.testing.assert_allclose(whole[34:], last, atol=1e-6)


def test_gradients_of_operations_can_be_overridden(skipping, obses):
    everything = {"Relu": lambda op, grad: grad}
    linear = get_grad(skipping, "second", obses, override=everything)
    assert not np.allclose(linear, get_grad(skipping, "second", obses))
    np.testing.assert_allclose(
        linear, get_grad(skipping, "second_pre_relu", obses, override=everything), atol=1e-6
    )


def test_the_override_of_max_pooling_is_of_max_pooling():
    assert list(maxpool_override()) == ["MaxPool"]


def test_what_is_asked_twice_is_traced_once(skipping, obses):
    def ask(seed):
        weights = np.random.default_rng(seed).normal(size=5)
        poses = np.full((len(obses), 2), seed)
        get_attr(skipping, "logits", "second", obses, act_dir=weights, integrate_steps=2)
        get_grad(skipping, "second", obses, act_poses=poses, override=maxpool_override())

    ask(0)
    traced = set(model_io.skeleton(skipping).functions)
    ask(1)
    assert set(model_io.skeleton(skipping).functions) == traced


def test_scores_of_one_s_own_are_computed_as_they_are_now(skipping, obses):
    factor = 1.0

    def score(t):
        return factor * tf.reduce_sum(t, -1)

    once = get_grad(skipping, "logits", obses, score_fn=score)
    factor = 3.0
    np.testing.assert_allclose(
        get_grad(skipping, "logits", obses, score_fn=score), 3 * once, rtol=1e-4, atol=1e-5
    )


def test_it_works_while_a_graph_is_built(skipping, obses):
    expected = get_attr(skipping, "logits", "second", obses)
    with tf.Graph().as_default(), tf.compat.v1.Session():
        np.testing.assert_allclose(get_attr(skipping, "logits", "second", obses), expected)


def test_one_observation_is_a_batch_of_one(skipping, obses):
    weights = np.arange(5)
    one = get_grad(skipping, "logits", obses[0], act_dir=weights)
    batch = get_grad(skipping, "logits", obses[:1], act_dir=weights)
    np.testing.assert_array_equal(one, batch)


def test_bytes_are_observations_too(skipping, obses):
    values = (obses * 255).astype(np.uint8)
    np.testing.assert_allclose(
        get_grad(skipping, "logits", values),
        get_grad(skipping, "logits", values / np.float32(255)),
    )


def test_constants_and_shapes_of_a_model_can_be_read(skipping):
    assert get_var(skipping, "first_kernel").shape == (3, 3, 3, 8)
    assert get_shape(skipping, "first") == [None, None, None, 8]
    with pytest.raises(InvalidTypeError, match="Relu"):
        get_var(skipping, "first")
    with pytest.raises(UnknownLayerError, match="first_kernel"):
        get_var(skipping, "first_kernl")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"grad_or_attr": "gradient"}, InvalidValueError, "'grad' or 'attr'"),
        ({"integrate_steps": 0}, InvalidValueError, "at least 1"),
        (
            {"layer_name": "first", "prev_layer_name": "second"},
            InvalidValueError,
            "does not depend",
        ),
        ({"prev_layer_name": "third"}, UnknownLayerError, "third"),
        ({"act_poses": [[0, 0]]}, InvalidValueError, "6 observations"),
        ({"act_poses": [[0, 6]] * 6}, InvalidValueError, "does not index"),
        ({"obses": np.zeros((2, 4, 4, 1))}, InvalidValueError, "channels"),
    ],
)
def test_impossible_requests_are_refused(skipping, obses, options, error, message):
    arguments = {
        "layer_name": "second",
        "prev_layer_name": "first",
        "obses": obses,
        "grad_or_attr": "attr",
        **options,
    }
    with pytest.raises(error, match=message):
        get_grad_or_attr(skipping, **arguments)
