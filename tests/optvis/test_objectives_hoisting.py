"""Numbers are kept apart from the form of an objective, so that one traced graph serves many."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from lucidx.optvis import objectives as o
from lucidx.optvis.ascent import as_inputs
from lucidx.optvis.expressions import as_expression
from lucidx.recipes.activation_atlas import render as atlas
from lucidx.recipes.caricature import dot_compare

A = np.random.default_rng(0).uniform(0, 1, (3, 5, 6, 4)).astype(np.float32)


def T(name):
    return {"layer": tf.constant(A), "input": tf.constant(A), "labels": ["a", "b", "c"]}[name]


def vec(n, *shape):
    return np.random.default_rng(n).normal(size=shape)


# Made from a number n, which decides the numbers in them.
HOISTED = {
    "neuron": lambda n: o.neuron("layer", n),
    "neuron at a place": lambda n: o.neuron("layer", n, x=n - 3, y=n),
    "channel": lambda n: o.channel("layer", -n),
    "channel of one image": lambda n: o.channel("layer", n, batch=2),
    "direction": lambda n: o.direction("layer", vec(n, 4), 2),
    "direction as a list": lambda n: o.direction("layer", vec(n, 4).tolist()),
    "direction_neuron": lambda n: o.direction_neuron("layer", vec(n, 4), n, -n),
    "tensor_direction": lambda n: o.tensor_direction("layer", vec(n, 2, 3, 4)),
    "L1": lambda n: o.L1("layer", n),
    "L1 to an array": lambda n: o.L1("layer", vec(n, 5, 6, 4), batch=1),
    "L2": lambda n: o.L2("layer", constant=n / 2, epsilon=n / 10),
    "channel_interpolate": lambda n: o.channel_interpolate("layer", n, "layer", n - 1),
    "penalize_boundary_complexity": lambda n: o.penalize_boundary_complexity(A.shape, 2, C=n / 4),
    "boundary by a mask": lambda n: o.penalize_boundary_complexity(A.shape, 2, vec(n, *A.shape)),
    "input_diff": lambda n: o.input_diff(vec(n, *A.shape)),
    "input_diff of bytes": lambda n: o.input_diff(np.full(A.shape, n, np.uint8)),
    "class_logit": lambda n: o.class_logit("layer", np.int64(n)),
    "direction_neuron_S": lambda n: atlas.direction_neuron_S("layer", vec(n, 4), 1, S=vec(n, 4, 4)),
    "direction_neuron_cossim_S": lambda n: atlas.direction_neuron_cossim_S("layer", vec(n, 4), 0),
    "an expression": lambda n: n * o.channel("layer", n) - o.L1("layer", n / 3) / (n + 0.5) + n,
}


@pytest.mark.parametrize("name", HOISTED)
def test_one_trace_serves_all_numbers(name):
    make = HOISTED[name]
    expressions = [as_expression(make(n)) for n in (1, 2, 3)]
    assert len({e.key for e in expressions}) == 1
    assert hash(expressions[0].key) is not None and expressions[0].key is not None

    traced = tf.function(lambda *values: expressions[0].build(T, values), autograph=False)
    for n, expression in enumerate(expressions, 1):
        expected = make(n)(T)
        inputs = as_inputs(expression.values)
        assert inputs
        np.testing.assert_allclose(traced(*inputs), expected, rtol=1e-5)
        np.testing.assert_allclose(
            expressions[0].build(T, expression.values), expected, rtol=1e-5, atol=1e-6
        )
    assert traced.experimental_get_tracing_count() == 1


FIXED = {
    "deepdream": lambda: o.deepdream("layer"),
    "total_variation": lambda: o.total_variation(),
    "blur_input_each_step": o.blur_input_each_step,
    "blur_alpha_each_step": o.blur_alpha_each_step,
    "alignment": lambda: o.alignment("layer"),
    "diversity": lambda: o.diversity("layer"),
    "dot_compare": lambda: dot_compare("layer"),
    "class_logit by name": lambda: o.class_logit("layer", "b"),
    "neuron": lambda: o.neuron("layer", 1, batch=1),
}


@pytest.mark.parametrize("name", FIXED)
def test_objectives_made_alike_share_a_trace(name):
    assert as_expression(FIXED[name]()).key == as_expression(FIXED[name]()).key is not None


DIFFERENT = [
    o.channel("layer", 1),
    o.channel("other", 1),
    o.channel("layer", 1, batch=0),
    o.channel("layer", 1, batch=1),
    o.class_logit("layer", 1),
    o.class_logit("layer", "a"),
    o.class_logit("layer", "b"),
    o.neuron("layer", 1),
    o.neuron("layer", 1, x=1),
    o.neuron("layer", 1, y=1),
    o.neuron("layer", 1, x=1, y=1),
    o.direction("layer", np.ones(4)),
    o.direction("layer", np.ones(5)),
    o.direction("layer", np.ones(4), cossim_pow=1),
    o.direction("layer", np.ones(4), batch=1),
    o.direction_neuron("layer", np.ones(4)),
    o.tensor_direction("layer", np.ones((1, 2, 4))),
    o.tensor_direction("layer", np.ones((2, 1, 4))),
    o.deepdream("layer"),
    o.deepdream("layer", batch=0),
    o.total_variation("layer"),
    o.L1("layer"),
    o.L1("layer", np.ones(4)),
    o.L1("layer", 0.5),
    o.L2("layer"),
    o.channel_interpolate("layer", 1, "layer", 2),
    o.channel_interpolate("layer", 1, "other", 2),
    o.alignment("layer"),
    o.alignment("layer", decay_ratio=3),
    o.penalize_boundary_complexity((1, 8, 8, 3)),
    o.penalize_boundary_complexity((1, 8, 8, 3), w=3),
    o.penalize_boundary_complexity((1, 9, 8, 3)),
    o.penalize_boundary_complexity((1, 8, 8, 3), mask=np.ones((1, 8, 8, 3))),
    dot_compare("layer"),
    dot_compare("layer", batch=2),
    dot_compare("layer", cossim_pow=1),
    atlas.direction_neuron_S("layer", np.ones(4), 0),
    atlas.direction_neuron_S("layer", np.ones(4), 1),
    atlas.direction_neuron_S("layer", np.ones(4), 0, S=np.ones((4, 4))),
    atlas.direction_neuron_cossim_S("layer", np.ones(4), 0),
    o.channel("layer", 1) + o.channel("layer", 2),
    o.channel("layer", 1) * o.channel("layer", 2),
    o.channel("layer", 1) + o.channel("layer", 2) + o.channel("layer", 3),
    2 * o.channel("layer", 1),
    2 + o.channel("layer", 1),
    2 - o.channel("layer", 1),
    o.channel("layer", 1) - 2,
    o.channel("layer", 1) ** 2,
    2 / o.channel("layer", 1),
    o.channel("layer", 1) / 2,
]


def test_objectives_of_another_form_do_not_share_a_trace():
    keys = [as_expression(objective).key for objective in DIFFERENT]
    assert None not in keys
    assert len(set(keys)) == len(keys)


@o.wrap_objective
def undeclared(layer):
    return lambda T: tf.reduce_mean(T(layer))


UNKNOWN = {
    "function of T": lambda T: tf.reduce_mean(T("layer")),
    "objective of one's own": undeclared("layer"),
    "sum with one's own": o.channel("layer", 1) + undeclared("layer"),
    "number times one's own": 2 * undeclared("layer"),
    "tensor as weight": o.channel("layer", 1) * tf.Variable(1.0),
    "tensor as direction": o.direction("layer", tf.ones(4)),
    "list as shape": o.penalize_boundary_complexity(list(A.shape)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_nothing_is_assumed_of_what_is_not_declared(name):
    expression = as_expression(UNKNOWN[name])
    assert expression.key is None
    np.testing.assert_allclose(expression.build(T, expression.values), UNKNOWN[name](T))


def test_a_function_may_declare_what_may_differ():
    @o.wrap_objective(traced=("weights",))
    def weighted(layer, weights, power=1):
        return lambda T: tf.reduce_sum(T(layer) ** power * tf.cast(weights, tf.float32))

    one, other = (
        as_expression(weighted("layer", [1, 2, 3, 4])),
        as_expression(weighted("layer", np.arange(4))),
    )
    assert one.key == other.key is not None
    assert as_expression(weighted("layer", [1, 2, 3, 4], power=2)).key != one.key
    np.testing.assert_allclose(one.build(T, other.values), (A * np.arange(4)).sum(), rtol=1e-5)


def test_an_objective_does_not_keep_the_graphs_it_was_traced_in():
    expression = as_expression(o.channel("layer", 1))
    graphs = []

    def value(n):
        graphs.append(weakref.ref(n.graph))
        return expression.build(T, (n,))

    traced = tf.function(value, autograph=False)
    np.testing.assert_allclose(traced(tf.constant(2)), A[..., 2].mean(), rtol=1e-5)
    del traced
    gc.collect()
    assert [graph() for graph in graphs] == [None]
