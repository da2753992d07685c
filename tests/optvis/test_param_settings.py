"""Parameterizations and transforms give the same numbers eagerly, traced, and in a session."""

import numpy as np
import pytest
import tensorflow as tf

from lucidx.optvis import param, randomness, transform
from lucidx.optvis.param import spatial, unit_balls

PARAMS = {
    "fft": lambda: param.image(9, 8, batch=2),
    "pixels": lambda: param.image(6, fft=False, decorrelate=False),
    "alpha": lambda: param.image(8, alpha=True),
    "picture": lambda: param.to_valid_rgb(
        spatial.pixel_image([1, 4, 4, 3], init_val=np.arange(48.0).reshape(1, 4, 4, 3) / 48)
    ),
    "pyramid": lambda: spatial.laplacian_pyramid_image([1, 8, 12, 3]),
    "shared": lambda: (
        param.fft_image([3, 8, 8, 3]) + param.lowres_tensor([3, 8, 8, 3], [1, 2, 2, 3])
    ),
    "cppn": lambda: param.cppn(6, num_hidden_channels=4, num_layers=2, normalize=True),
    "photo": lambda: param.image_from(np.arange(5 * 6 * 3).reshape(5, 6, 3) / 90, batch=2),
    "maco": lambda: param.maco_image(7, 6, batch=2),
    "ball": lambda: unit_balls.unit_ball_L2([3, 4]) + unit_balls.unit_ball_L_inf([3, 4]),
    "sample": lambda: param.image(8) + param.image_sample([1, 8, 8, 3], sd=0.5),
}
ROBUST = transform.compose(
    [
        transform.collapse_alpha_random(),
        transform.pad(3, "constant", "uniform"),
        transform.jitter(2),
        transform.random_scale([0.9, 1.1, 1.3]),
        transform.random_rotate(range(-20, 21)),
        transform.normalize_gradient(),
        transform.jitter(1),
        transform.random_crops(9, 10, number=2),
        transform.noise(),
        transform.crop_or_pad_to(9, 10),
    ]
)


def robust_alpha():
    return ROBUST(param.image(8, batch=2, alpha=True))


class Tape:
    """Records the variables a parameterization makes, then plays them back in order."""

    def __init__(self):
        self.variables = []

    def record(self, param_f):
        def creator(make, **kwargs):
            self.variables.append(make(**kwargs))
            return self.variables[-1]

        with tf.variable_creator_scope(creator):
            return param_f()

    def replay(self, param_f):
        remaining = iter(self.variables)
        with tf.variable_creator_scope(lambda make, **kwargs: next(remaining)):
            return param_f()


def with_gradients(param_f, variables):
    """The image, and the gradients of a weighted sum of it, for the draws of one seed and step."""
    with randomness.stream(5, 2):
        image = tf.convert_to_tensor(param_f())
    weights = tf.reshape(
        tf.sin(tf.range(image.shape.num_elements(), dtype=tf.float32)), image.shape
    )
    gradients = tf.gradients(tf.reduce_sum(image * weights), variables)
    return image, [tf.convert_to_tensor(g) for g in gradients]


def run_eagerly(param_f):
    tape = Tape()
    with randomness.stream(5):
        tape.record(param_f)
    with randomness.stream(5, 2):
        return tape.replay(param_f).numpy()


def run_traced(param_f):
    tape = Tape()
    with randomness.stream(5):
        tape.record(param_f)
    traced = tf.function(lambda: with_gradients(lambda: tape.replay(param_f), tape.variables))
    return tf.nest.map_structure(lambda t: t.numpy(), traced())


def run_in_session(param_f):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tape = Tape()
        with randomness.stream(5):
            tape.record(param_f)
        results = with_gradients(lambda: tape.replay(param_f), tape.variables)
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run(results)


@pytest.mark.parametrize("param_f", [*PARAMS.values(), robust_alpha], ids=[*PARAMS, "transformed"])
def test_images_and_gradients_are_the_same_in_all_settings(param_f):
    eager = run_eagerly(param_f)
    traced, traced_gradients = run_traced(param_f)
    session, session_gradients = run_in_session(param_f)
    assert eager.std() > 0 or not eager.any()
    np.testing.assert_allclose(traced, eager, atol=1e-5)
    np.testing.assert_allclose(session, eager, atol=1e-5)
    assert any(np.abs(g).max() > 0 for g in traced_gradients)
    for t, s in zip(traced_gradients, session_gradients, strict=True):
        np.testing.assert_allclose(t, s, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("param_f", PARAMS.values(), ids=PARAMS)
def test_replaying_makes_no_variable_and_draws_no_initial_value(param_f):
    tape = Tape()
    tape.record(param_f)
    assert all(v.dtype == tf.float32 and v.trainable for v in tape.variables)

    def noise_state():
        name, keys, *rest = np.random.get_state()  # noqa: NPY002
        return name, keys.tolist(), *rest

    before = noise_state()
    tf.function(lambda: tape.replay(param_f)).get_concrete_function()
    tape.replay(param_f)
    assert noise_state() == before


def test_variables_tell_their_shape_before_they_have_a_value():
    seen = []

    def creator(make, **kwargs):
        seen.append((list(kwargs["shape"]), kwargs["dtype"]))
        return make(**kwargs)

    with tf.variable_creator_scope(creator):
        param.image(6, 5)
        param.cppn(4, num_hidden_channels=2, num_layers=1)
    assert seen[0] == ([2, 1, 3, 5, 4], tf.float32)
    assert len(seen) == 5


def test_variables_are_in_the_collection_that_sessions_initialise():
    with tf.Graph().as_default():
        param.image(4)
        param.cppn(4, num_layers=1)
        assert len(tf.compat.v1.trainable_variables()) == 5
        assert len(tf.compat.v1.global_variables()) == 5


def test_the_gradient_through_random_transforms_matches_finite_differences():
    transforms = transform.compose(
        [
            transform.pad(3, "constant", 0.5),
            transform.jitter(3),
            transform.random_scale([0.8, 0.9, 1.1, 1.25]),
            transform.random_rotate(range(-30, 31, 7)),
            transform.jitter(2),
        ]
    )
    tape = Tape()
    with randomness.stream(0):
        tape.record(lambda: param.image(12, batch=2, sd=0.3))
    (v,) = tape.variables

    @tf.function
    def loss(step):
        with randomness.stream(0, step):
            image = transforms(tape.replay(lambda: param.image(12, batch=2, sd=0.3)))
        size = tf.cast(tf.size(image), tf.float32)
        weights = tf.reshape(tf.sin(3 * tf.range(size)), tf.shape(image))
        return tf.reduce_sum(image * weights), tf.gradients(image, v, weights)[0]

    start = v.numpy()
    rng = np.random.default_rng(0)
    for step in range(5):
        _, gradient = loss(step)
        direction = rng.normal(size=start.shape).astype(np.float32)
        direction += gradient.numpy() / np.linalg.norm(gradient) * np.linalg.norm(direction)
        ends = []
        for sign in (1, -1):
            v.assign(start + sign * 1e-3 * direction)
            ends.append(loss(step)[0].numpy())
        v.assign(start)
        expected = np.vdot(gradient, direction)
        assert abs(expected) > 0.1
        assert (ends[0] - ends[1]) / 2e-3 == pytest.approx(expected, rel=0.02)
