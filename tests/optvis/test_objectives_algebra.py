"""Objectives add, subtract, scale and name themselves; functions become objectives."""

import inspect
import operator
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from settings import SETTINGS

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.optvis import objectives as o
from lucidx.optvis.expressions import as_expression
from lucidx.optvis.objectives import Objective, wrap_objective

A = np.random.default_rng(0).uniform(-1, 1, (2, 3, 3, 4)).astype(np.float32)
a, b, c = (o.channel("layer", n) for n in range(3))


def value(objective, acts=A):
    return objective({"layer": acts}.__getitem__)


# Each node of a random expression is an objective, what it should give in float64, and the size of
# the numbers that went into it, which bounds the rounding.
def leaf(channel):
    mean = A[..., channel].mean(dtype=np.float64)
    return o.channel("layer", channel), mean, abs(mean) + 1


UNARY = {
    "-x": (operator.neg, lambda s: s),
    "x**2": (lambda x: x**2, lambda s: s**2),
    "sum": (lambda x: sum([x, x, x]), lambda s: 3 * s),
}
WITH_NUMBER = {
    "x+n": (operator.add, operator.add),
    "n+x": (lambda x, n: n + x, operator.add),
    "x-n": (operator.sub, operator.add),
    "n-x": (lambda x, n: n - x, operator.add),
    "x*n": (operator.mul, operator.mul),
    "n*x": (lambda x, n: n * x, operator.mul),
    "x/n": (operator.truediv, operator.truediv),
}
BINARY = {
    "x+y": (operator.add, operator.add),
    "x-y": (operator.sub, operator.add),
    "x*y": (operator.mul, operator.mul),
}
NUMBERS = st.sampled_from([0.5, 1, 2, 3, np.float32(1.5), np.int64(2), np.array(0.25)])


def apply(rule, *operands):
    f, bound = rule
    objectives, values, sizes = zip(*operands, strict=True)
    return f(*objectives), f(*values), bound(*sizes)


def number(n):
    return n, float(n), float(n)


EXPRESSIONS = st.recursive(
    st.integers(0, 3).map(leaf),
    lambda inner: (
        st.builds(apply, st.sampled_from(list(UNARY.values())), inner)
        | st.builds(apply, st.sampled_from(list(WITH_NUMBER.values())), inner, NUMBERS.map(number))
        | st.builds(apply, st.sampled_from(list(BINARY.values())), inner, inner)
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
@settings(deadline=None, max_examples=60)
def test_an_expression_of_objectives_is_that_expression_of_their_values(expression):
    objective, expected, size = expression
    np.testing.assert_allclose(value(objective), expected, rtol=0, atol=1e-5 * size)


@given(EXPRESSIONS, EXPRESSIONS)
@settings(deadline=None, max_examples=30)
def test_a_difference_is_the_difference_of_the_values(x, y):
    (x, _, x_size), (y, _, y_size) = x, y
    atol = 1e-6 * (x_size + y_size)
    np.testing.assert_allclose(value(x - y), value(x) - value(y), rtol=0, atol=atol)
    np.testing.assert_allclose(value(x + 2 * y), value(x) + 2 * value(y), rtol=0, atol=2 * atol)


@given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS)
@settings(deadline=None, max_examples=30)
def test_grouping_does_not_matter(x, y, z):
    atol = 1e-6 * sum(size for _, _, size in (x, y, z))
    x, y, z = x[0], y[0], z[0]
    together = value(x + y + z)
    for grouped in (x + (y + z), Objective.sum([x, y, z]), sum([z, y, x])):
        np.testing.assert_allclose(value(grouped), together, rtol=0, atol=atol)


@given(EXPRESSIONS, st.sampled_from([*UNARY.values(), *BINARY.values()]))
@settings(deadline=None, max_examples=30)
def test_operands_are_never_changed(expression, rule):
    objective = expression[0]
    before = objective.name, objective.description, objective.objective_func, value(objective)
    apply(rule, *[expression] * (2 if rule in BINARY.values() else 1))
    _ = objective + 1, 2 - objective, objective / 3, Objective.sum([objective, a])
    after = objective.name, objective.description, objective.objective_func, value(objective)
    assert after == before


@given(EXPRESSIONS)
@settings(deadline=None, max_examples=20)
def test_expressions_share_a_trace_with_those_that_differ_in_numbers(expression):
    doubled, tripled = 2 * expression[0] + a, 3 * expression[0] + c
    one, other = as_expression(doubled), as_expression(tripled)
    assert one.key == other.key is not None
    np.testing.assert_allclose(one.build({"layer": A}.__getitem__, other.values), value(tripled))


@pytest.mark.parametrize("setting", SETTINGS)
def test_algebra_in_every_setting(setting):
    tree = (1 - a) / 2 - b**2 * a + 3 / (4 + c) + sum([a, b]) - -c
    means = A.mean((0, 1, 2), dtype=np.float64)
    x, y, z = means[:3]
    expected = (1 - x) / 2 - y**2 * x + 3 / (4 + z) + x + y + z
    got = SETTINGS[setting](lambda acts: value(tree, acts), A)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


SCALARS = {
    "float32": np.float32(2),
    "float16": np.float16(2),
    "int64": np.int64(2),
    "uint8": np.uint8(2),
    "bool": True,
    "Fraction": Fraction(1, 3),
    "0-d float array": np.array(2.0),
    "0-d integer array": np.array(2),
}


@pytest.mark.parametrize("name", SCALARS)
def test_numbers_of_every_kind(name):
    check_number(SCALARS[name], float(SCALARS[name]))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_scalar_tensors_are_numbers(dtype):
    check_number(tf.constant(2, dtype), 2)
    traced = tf.function(lambda n: value(n * a - n), autograph=False)
    np.testing.assert_allclose(traced(tf.constant(2, dtype)), 2 * value(a) - 2, rtol=1e-6)


def test_a_variable_may_weight_an_objective_and_change_later():
    weight = tf.Variable(2.0)
    objective = a * weight
    weight.assign(3)
    np.testing.assert_allclose(value(objective), 3 * value(a))


def check_number(n, as_float):
    x = float(value(a))
    results = {a + n: x + as_float, n + a: as_float + x, a - n: x - as_float, n - a: as_float - x}
    results |= {a * n: x * as_float, n * a: as_float * x, a / n: x / as_float, n / a: as_float / x}
    for objective, expected in results.items():
        assert isinstance(objective, Objective)
        np.testing.assert_allclose(value(objective), expected, rtol=1e-5)
    np.testing.assert_allclose(value(a * a) ** 1.0, value(a**2), rtol=1e-6)


@pytest.mark.parametrize("thing", ["text", 1j, None, [1], np.ones(2), np.str_("x"), lambda T: 0])
def test_other_things_do_not_mix_with_objectives(thing):
    for operation in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
        for operands in ((a, thing), (thing, a)):
            with pytest.raises(TypeError):
                operation(*operands)


def test_objectives_are_no_exponents():
    with pytest.raises(TypeError):
        _ = a**b
    with pytest.raises(TypeError):
        _ = 2**a


def test_sums():
    np.testing.assert_allclose(value(Objective.sum([a, b, c])), A[..., :3].mean((0, 1, 2)).sum())
    assert value(Objective.sum([])) == 0
    generated = Objective.sum(o.channel("layer", n) for n in range(3))
    assert value(generated) == value(generated) == value(a + b + c)
    assert value(Objective.sum([a, lambda T: T("layer")[0, 0, 0, 0]])) == value(a) + A.flat[0]
    with pytest.raises(InvalidTypeError):
        Objective.sum([a, 1])
    with pytest.raises(InvalidTypeError):
        Objective.sum(["layer:0"])


def test_sums_of_a_whole_layer_are_not_too_deep():
    many = sum(o.channel("layer", n % 4) for n in range(1000))
    np.testing.assert_allclose(value(many), 1000 * A.mean(), rtol=1e-4)
    assert as_expression(many).key is not None


NAMES = [
    (o.channel("layer", 3), "channel", "Channel [layer, 3, None]"),
    (o.L2(), "L2", "L2 [input, 0, 1e-06]"),
    (o.neuron("l", channel_n=2, x=3), "neuron", "Neuron [l, 2, 3, None, None]"),
    (o.total_variation(batch=1), "total_variation", "Total_Variation [input]"),
    (o.direction_cossim("l", [1, 2]), "direction", "Direction [l, [1, 2], 0, None]"),
    (o.direction("l", range(9)), "direction", "Direction [l, range(0, 9), 0, None]"),
    (o.direction("l", np.ones(99)), "direction", "Direction [l, ..., 0, None]"),
    (o.blur_input_each_step(), "blur_input_each_step", "Blur_Input_Each_Step []"),
]


@pytest.mark.parametrize(("objective", "name", "description"), NAMES)
def test_names_are_lucids(objective, name, description):
    assert (objective.name, objective.description) == (name, description)
    assert repr(objective) == f"<Objective: {description}>"


def test_results_are_named_after_their_operands():
    x, y = Objective(lambda T: 1.0, "x", "X"), Objective(lambda T: 2.0, "y", "Y")
    for scaled in (x + 1, 1 - x, -x, x / 2, 2 * x, x**2, x * y, x / y):
        assert (scaled.name, scaled.description) == ("x", "X")
    for added in (x + y, x - y, Objective.sum([x, y])):
        assert (added.name, added.description) == ("x, y", "Sum(X +\nY)")
    assert (Objective.sum([]).name, repr(Objective(abs))) == ("", "<Objective: unnamed>")
    assert sum([x, y]).name == "x, y"


def brightness(layer, weight=1.0):
    """Weighted mean."""
    return lambda T: weight * tf.reduce_mean(T(layer))


@pytest.mark.parametrize(
    "decorate", [wrap_objective, wrap_objective(), wrap_objective(require_format="NHWC")]
)
def test_functions_become_objectives_with_and_without_parentheses(decorate):
    wrapped = decorate(brightness)
    assert (wrapped.__name__, wrapped.__doc__) == ("brightness", "Weighted mean.")
    assert inspect.signature(wrapped) == inspect.signature(brightness)
    objective = wrapped("layer", weight=2)
    assert objective.description == "Brightness [layer, 2]"
    np.testing.assert_allclose(value(objective), 2 * A.mean(), rtol=1e-5)
    with pytest.raises(TypeError, match="unexpected"):
        wrapped("layer", colour="red")


def test_handle_batch_adds_a_keyword():
    wrapped = wrap_objective(handle_batch=True)(brightness)
    assert str(inspect.signature(wrapped)) == "(layer, weight=1.0, *, batch=None)"
    np.testing.assert_allclose(value(wrapped("layer", batch=1)), A[1].mean(), rtol=1e-5)
    np.testing.assert_allclose(value(wrapped("layer")), A.mean(), rtol=1e-5)
    assert wrapped("layer", batch=1).description == "Brightness [layer, 1.0]"
    with pytest.raises(InvalidTypeError, match="whole number"):
        wrapped("layer", batch="first")


def test_handle_batch_respects_a_keyword_of_the_functions_own():
    @wrap_objective(handle_batch=True)
    def darkness(layer, batch=None, **options):
        return o.handle_batch(batch)(lambda T: -tf.reduce_mean(T(layer)))

    np.testing.assert_allclose(value(darkness("layer", batch=0)), -A[0].mean(), rtol=1e-5)


def test_a_function_is_called_once_for_each_objective():
    @wrap_objective()
    def noise(layer):
        weights = np.random.default_rng().normal(size=4).astype(np.float32)
        return lambda T: tf.reduce_sum(T(layer) * weights)

    objective = noise("layer")
    assert value(objective) == value(objective) != value(noise("layer"))


def test_errors_of_a_function_show_where_it_is_called():
    @wrap_objective
    def picky(n):
        if n < 0:
            raise InvalidValueError("n is at least 0.")
        return lambda T: 0.0

    with pytest.raises(InvalidValueError):
        picky(-1)
