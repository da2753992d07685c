"""Other gradients for operations: by type in graphs, and for single functions."""

import numpy as np
import pytest
import tensorflow as tf
from settings import SETTINGS, tf1

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc import gradient_override as misc_gradient_override
from lucidx.misc import redirected_relu_grad as misc_redirected
from lucidx.optvis import overrides
from lucidx.optvis.overrides import (
    gradient_override_map,
    identity_grad,
    redirected_relu6_grad,
    redirected_relu_grad,
    use_gradient,
)
from lucidx.optvis.overrides.gradient_override import OpRecord, register_to_random_name
from lucidx.optvis.overrides.redirected_relu_grad import acts_at
from lucidx.optvis.overrides.smoothed_maxpool_grad import make_smoothed_maxpool_grad

RELU = (tf.nn.relu, redirected_relu_grad)
RELU6 = (tf.nn.relu6, redirected_relu6_grad)


def gradient(f, x, upstream, override, step=0):
    """Gradient of an operation under an override, in a session whose global step is `step`."""
    with tf.Graph().as_default(), tf1.Session() as session:
        global_step = tf1.train.get_or_create_global_step()
        x = tf.constant(x, tf.float32)
        with gradient_override_map(override):
            y = f(x)
        (result,) = tf.gradients(y, x, tf.constant(upstream, tf.float32))
        session.run(tf1.global_variables_initializer())
        session.run(global_step.assign(step))
        return session.run(result)


def traced_gradient(f, x, upstream, override, step=None):
    """The same in a tf.function, without a global step if `step` is None."""

    @tf.function(autograph=False)
    def run(x):
        if step is not None:
            tf1.add_to_collection(tf1.GraphKeys.GLOBAL_STEP, tf.constant(step, tf.int64))
        with gradient_override_map(override):
            y = f(x)
        return tf.gradients(y, x, tf.constant(upstream, tf.float32))[0]

    return run(tf.constant(x, tf.float32)).numpy()


# Upstream gradient, input, and what comes out while the gradient is redirected.
TRUTH = [
    (RELU, 1, -1, 0),
    (RELU, -1, -1, -1),
    (RELU, 1, 1, 1),
    (RELU, -1, 1, -1),
    (RELU, 1, 0, 1),
    (RELU6, 1, -1, 0),
    (RELU6, -1, -1, -1),
    (RELU6, 1, 1, 1),
    (RELU6, -1, 1, -1),
    (RELU6, 1, 7, 1),
    (RELU6, -1, 7, 0),
    (RELU6, -1, 6, -1),
]


@pytest.mark.parametrize(("relu", "upstream", "x", "expected"), TRUTH)
def test_the_truth_table_of_redirected_relus(relu, upstream, x, expected):
    f, redirected = relu
    override = {f.__name__.title(): redirected}
    assert gradient(f, [[x]], [[upstream]], override) == expected
    assert traced_gradient(f, [[x]], [[upstream]], override) == expected
    always = {f.__name__.title(): overrides.redirected_relu_map[f.__name__.title()]}
    assert traced_gradient(f, [[x]], [[upstream]], always, step=100) == expected


@pytest.mark.parametrize("run", [gradient, traced_gradient])
def test_the_gradient_is_redirected_image_by_image_in_the_first_17_steps(run):
    x, upstream = [[-1, -2], [-1, 2]], [[1, -1], [-1, -1]]
    redirected, plain = [[0, -1], [0, -1]], [[0, 0], [0, -1]]
    for f, override in (RELU, RELU6):
        override = {f.__name__.title(): override}
        for step in (0, 1, 16, 17, 1000):
            expected = redirected if step <= 16 else plain
            np.testing.assert_array_equal(run(f, x, upstream, override, step), expected)
            assert acts_at(step) == (step <= 16)


def test_afterwards_gradients_are_tensorflows():
    rng = np.random.default_rng(0)
    x, upstream = 5 * rng.normal(size=(2, 4, 3, 3, 2)).astype(np.float32)
    for f, override in (RELU, RELU6):
        name = f.__name__.title()
        late = gradient(f, x, upstream, {name: override}, step=17)
        np.testing.assert_array_equal(late, gradient(f, x, upstream, {}))
        assert np.any(gradient(f, np.abs(x) * -1, upstream, {name: override}))


def test_a_unit_that_is_off_is_moved_by_17_updates():
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf.Variable(tf.fill([1, 4, 4, 3], -100.0))
        step = tf1.train.get_or_create_global_step()
        with overrides.relu_overrides():
            y = tf.nn.relu(x)
        update = tf1.train.GradientDescentOptimizer(1.0).minimize(
            -tf.reduce_mean(y[..., 0]), global_step=step
        )
        session.run(tf1.global_variables_initializer())
        for updates in range(1, 25):
            session.run(update)
            moved = session.run(x)[..., 0] + 100
            np.testing.assert_allclose(moved, min(updates, 17) / 16, rtol=1e-6)


def test_layers_of_unknown_rank_and_size():
    for spec in (tf.TensorSpec(None), tf.TensorSpec([None, None])):

        @tf.function(autograph=False, input_signature=[spec])
        def run(x):
            with overrides.relu_overrides():
                y = tf.nn.relu(x)
            return tf.gradients(y, x, -tf.ones_like(y))[0]

        np.testing.assert_array_equal(run(tf.constant([[-1.0, -2], [-1, 2]])), [[-1, -1], [0, -1]])


@pytest.mark.parametrize("relu", [RELU, RELU6])
def test_a_relu_without_batch_axis_is_refused(relu):
    f, override = relu
    with pytest.raises(InvalidValueError, match="batch axis"):
        gradient(f, [-1, 2], [1, 1], {f.__name__.title(): override})


X = np.array([[1, 2, 5, 6], [3, 4, 7, 8]], np.float32).reshape(1, 2, 4, 1)


def pool(x, size=2, stride=2, padding="VALID"):
    return tf.nn.max_pool2d(x, size, stride, padding)


def test_smoothed_max_pooling_gives_lucids_numbers():
    for override, expected in (
        (overrides.avg_smoothed_maxpool_grad, np.full((2, 4), 0.25)),
        (
            make_smoothed_maxpool_grad("L2"),
            [[-0.0984, 0.1008, 0.1274, 0.2042], [0.3000, 0.4992, 0.2810, 0.3578]],
        ),
    ):
        for run in (gradient, traced_gradient):
            got = run(pool, X, np.ones((1, 1, 2, 1)), {"MaxPool": override})
            np.testing.assert_allclose(got[0, :, :, 0], expected, atol=5e-5)


def windows(size, k, s, padding):
    """Start and end of each window along one axis, as TensorFlow places them."""
    if padding == "VALID":
        return [(i * s, i * s + k) for i in range((size - k) // s + 1)]
    count = -(-size // s)
    before = max((count - 1) * s + k - size, 0) // 2
    return [(max(i * s - before, 0), min(i * s - before + k, size)) for i in range(count)]


def slow_smoothed_grad(x, upstream, k, s, padding, smooth_type, epsilon):
    out = np.zeros_like(x, np.float64)
    for i, rows in enumerate(windows(x.shape[1], k, s, padding)):
        for j, columns in enumerate(windows(x.shape[2], k, s, padding)):
            here = (slice(None), slice(*rows), slice(*columns))
            v, g = x[here].astype(np.float64), upstream[:, i : i + 1, j : j + 1]
            n = v.shape[1] * v.shape[2]
            if smooth_type == "avg":
                out[here] += g / n
                continue
            squares = (v**2).mean((1, 2), keepdims=True)
            size = epsilon + np.abs(v).mean((1, 2), keepdims=True)
            out[here] += g * (2 * v / size - np.sign(v) * squares / size**2) / n
    return out


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("k", "s"), [(2, 2), (3, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize(("smooth_type", "epsilon"), [("avg", 1e-2), ("L2", 1e-2), ("L2", 0.5)])
def test_smoothed_max_pooling_equals_a_slow_reference(smooth_type, epsilon, k, s, padding):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 7, 8, 3)).astype(np.float32)
    shape = [2, *(len(windows(n, k, s, padding)) for n in (7, 8)), 3]
    upstream = rng.normal(size=shape).astype(np.float32)
    override = {"MaxPool": make_smoothed_maxpool_grad(smooth_type, epsilon)}
    got = traced_gradient(lambda t: pool(t, k, s, padding), x, upstream, override)
    expected = slow_smoothed_grad(x, upstream, k, s, padding, smooth_type, epsilon)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_smoothed_max_pooling_keeps_the_layout():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [1, 3, 8, 8])
        with overrides.pooling_overrides():
            y = tf.nn.max_pool2d(x, 2, 2, "VALID", data_format="NCHW")
        tf.gradients(y, x)
        grads = [op for op in graph.get_operations() if op.type == "AvgPoolGrad"]
        assert [op.get_attr("data_format") for op in grads] == [b"NCHW"]


def test_smoothing_is_average_or_l2():
    with pytest.raises(InvalidValueError, match="'avg' or 'L2', not 'max'"):
        make_smoothed_maxpool_grad("max")


CONTEXTS = {
    "relu": (overrides.relu_overrides, {"Relu", "Relu6"}),
    "pooling": (overrides.pooling_overrides, {"MaxPool"}),
    "default": (overrides.default_overrides, {"Relu", "Relu6", "MaxPool"}),
    "linearization": (overrides.linearization_overrides, {"Relu", "MaxPool"}),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_contexts_change_the_operations_they_say(name):
    context, changed = CONTEXTS[name]
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [1, 4, 4, 1])
        with context():
            pool(tf.nn.relu6(tf.nn.relu(tf.tanh(x))))
        pool(tf.nn.relu6(tf.nn.relu(x)))
        overridden = [
            op.type for op in graph.get_operations() if "_gradient_op_type" in op.node_def.attr
        ]
    assert sorted(overridden) == sorted(changed)


def test_linearized_relus_pass_everything():
    x, upstream = [[-1.0, 2.0]], [[3.0, -4.0]]
    np.testing.assert_array_equal(
        gradient(tf.nn.relu, x, upstream, {"Relu": identity_grad}), upstream
    )


def test_imported_operations_are_overridden():
    with tf.Graph().as_default() as source:
        tf.nn.relu(tf1.placeholder(tf.float32, [None, 2], "x"), name="y")

    @tf.function(autograph=False)
    def run(x):
        with gradient_override_map({"Relu": identity_grad}):
            (y,) = tf.graph_util.import_graph_def(
                source.as_graph_def(), {"x": x}, return_elements=["y:0"]
            )
        return tf.gradients(y, x)[0]

    np.testing.assert_array_equal(run(tf.constant([[-1.0, 1.0]])), [[1, 1]])


def test_gradients_may_be_given_by_their_registered_name():
    name = register_to_random_name(lambda op, grad: 42 * grad)
    assert gradient(tf.nn.relu, [[1]], [[1]], {"Relu": name}) == 42


def test_a_function_is_registered_once_however_often_it_is_used():
    names = set()
    for _ in range(3):
        with tf.Graph().as_default(), overrides.relu_overrides():
            names.add(tf.nn.relu(tf1.placeholder(tf.float32)).op.get_attr("_gradient_op_type"))
    assert len(names) == 1


def test_eager_operations_cannot_be_overridden():
    with (
        pytest.raises(InvalidValueError, match=r"inside a tf.function .* use_gradient"),
        overrides.relu_overrides(),
    ):
        pass
    with gradient_override_map({}):
        assert tf.nn.relu(1.0) == 1


def test_overrides_are_functions_or_names():
    with pytest.raises(InvalidTypeError, match="Relu"), gradient_override_map({"Relu": 3}):
        pass


def test_lucids_other_paths_are_the_same_functions():
    assert misc_gradient_override.gradient_override_map is gradient_override_map
    assert misc_gradient_override.use_gradient is use_gradient
    assert misc_gradient_override.register_to_random_name is register_to_random_name
    assert misc_redirected.redirected_relu_grad is redirected_relu_grad
    assert misc_redirected.redirected_relu6_grad is redirected_relu6_grad


def product_grad(op, grad):
    assert isinstance(op, OpRecord) and op.type == "PyFunc"
    assert len(op.inputs) == 2 and len(op.outputs) == 1
    return 42 * grad, 43 * op.inputs[0] + 0 * op.outputs[0]


@use_gradient(product_grad)
def product(a, b, scale=1.0):
    """Product of two tensors."""
    return scale * a * b


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_function_gets_another_gradient(setting):
    def value_and_gradients(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            out = tf.reduce_sum(product(a, b, scale=2.0))
        return tf.stack([out, *map(tf.reduce_sum, tape.gradient(out, [a, b]))])

    a, b = np.full((1, 3), 2, np.float32), np.full((1, 3), 5, np.float32)
    got = SETTINGS[setting](value_and_gradients, a, b)
    np.testing.assert_array_equal(got, [60, 3 * 42, 3 * 86])


def test_such_a_function_keeps_its_name_and_takes_plain_numbers():
    assert (product.__name__, product.__doc__) == ("product", "Product of two tensors.")
    assert product(2.0, [1.0, 3.0]).numpy().tolist() == [2, 6]


def test_such_a_function_may_read_variables():
    weight = tf.Variable(3.0)
    weighted = use_gradient(lambda op, grad: 7 * grad)(lambda x: x * weight)
    for wrap in (lambda f: f, tf.function):
        x = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = wrap(weighted)(x)
        assert y == 6
        assert tape.gradient(y, x) == 7
