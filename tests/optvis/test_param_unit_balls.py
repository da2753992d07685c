import numpy as np
import pytest
import tensorflow as tf

from lucidx.optvis.param import unit_balls


def gradient(f, x, upstream):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.gradient(y, x, tf.constant(upstream))


def test_dot_sums_products():
    assert unit_balls.dot(tf.constant([[1.0, 2.0]]), tf.constant([[3.0, 4.0]])) == 11


def test_projections():
    np.testing.assert_allclose(unit_balls.constrain_L2([3.0, 4.0]), [0.6, 0.8])
    np.testing.assert_allclose(unit_balls.constrain_L2([0.3, 0.4]), [0.3, 0.4])
    for clip in (unit_balls.constrain_L_inf, unit_balls.constrain_L_inf_precondition):
        np.testing.assert_allclose(clip([-3.0, 0.5, 2.0]), [-1, 0.5, 1])


@pytest.mark.parametrize(
    ("constrain", "x", "upstream", "expected"),
    [
        ("constrain_L2", [3.0, 4.0], [1.0, 0.0], [0.64, -0.48]),
        ("constrain_L2", [3.0, 4.0], [-1.0, 0.0], [-1, 0]),
        ("constrain_L2", [0.0, 0.0], [1.0, 2.0], [1, 2]),
        ("constrain_L_inf", [-3.0, 0.5], [2.0, -2.0], [2, -2]),
        ("constrain_L_inf", [-3.0, 0.5], [-2.0, 2.0], [0, 2]),
        ("constrain_L_inf_precondition", [-3.0, 0.5], [2.0, -2.0], [1, -1]),
        ("constrain_L_inf_precondition", [-3.0, 0.5], [-2.0, 2.0], [0, 1]),
    ],
)
def test_gradients_are_stopped_where_ascent_would_leave_the_ball(constrain, x, upstream, expected):
    result = gradient(getattr(unit_balls, constrain), x, upstream)
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("ball", "norm"),
    [
        (unit_balls.unit_ball_L2, np.linalg.norm),
        (unit_balls.unit_ball_L_inf, lambda x: np.abs(x).max()),
        (
            lambda shape: unit_balls.unit_ball_L_inf(shape, precondition=False),
            lambda x: np.abs(x).max(),
        ),
    ],
)
def test_ascent_reaches_the_sphere_and_stays(ball, norm):
    made = []

    def replay(make, **kwargs):
        if not made:
            made.append(make(**kwargs))
        return made[0]

    with tf.variable_creator_scope(replay):
        np.testing.assert_array_equal(ball([3]), np.zeros(3))
        norms = []
        for _ in range(16):
            with tf.GradientTape() as tape:
                x = ball([3])
                objective = tf.reduce_sum(x * [1.0, 2.0, 3.0])
            made[0].assign_add(0.1 * tape.gradient(objective, made[0]))
            norms.append(norm(ball([3])))
    assert (np.diff(norms) > -1e-6).all()
    assert norms[-1] == pytest.approx(1, abs=1e-6)
    assert np.abs(made[0].numpy()).max() < 1.5
