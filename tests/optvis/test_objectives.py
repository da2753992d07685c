"""What the objectives compute, on activations written down here."""

import numpy as np
import pytest
import tensorflow as tf
from settings import SETTINGS, eager

from lucidx.optvis import objectives as o
from lucidx.recipes.activation_atlas import render as atlas
from lucidx.recipes.caricature import dot_compare

A = np.arange(240, dtype=np.float32).reshape(2, 5, 6, 4)
B = np.random.RandomState(0).rand(3, 5, 6, 4).astype(np.float32)
DENSE = np.array([[1, 2, 4], [8, 16, 32]], np.float32)
LABELS = ["tabby", "tiger cat", "espresso"]
ONES = np.ones(4)


def on(objective, **layers):
    """An objective's value on layers given as tensors, with labels."""
    return objective({**layers, "labels": LABELS}.__getitem__)


# Numbers of Lucid 0.3.10, unless a formula stands in their place.
VALUES = {
    "neuron": (o.neuron("layer", 1), A, 121),
    "neuron of one image": (o.neuron("layer", 1, batch=1), A, 181),
    "neuron at a place": (o.neuron("layer", 1, x=4, y=0), A, 157),
    "neuron counted from the end": (o.neuron("layer", 1, x=-1, y=-6), A, 157),
    "neuron with numpy integers": (o.neuron("layer", np.int64(1), np.int8(4), np.int32(0)), A, 157),
    "channel": (o.channel("layer", 1), A, 119),
    "channel counted from the end": (o.channel("layer", -1), A, 121),
    "channels of a slice": (o.channel("layer", slice(0, 2)), A, 118.5),
    "channel by a numpy integer": (o.channel("layer", np.uint8(1)), A, 119),
    "channel by an array without axes": (o.channel("layer", np.array(1)), A, 119),
    "channel of an image by a numpy integer": (o.channel("layer", 1, batch=np.int64(1)), A, 179),
    "channel of the last image": (o.channel("layer", 1, batch=-1), A, 179),
    "direction": (o.direction("layer", ONES), A, 478),
    "direction as a list": (o.direction("layer", [1, 1, 1, 1]), A, 478),
    "direction with cosine": (o.direction("layer", ONES, cossim_pow=2), A, 477.8299),
    "direction_cossim": (o.direction_cossim("layer", ONES, 2), A, 477.8299),
    "direction_neuron": (o.direction_neuron("layer", ONES), A, 486),
    "tensor_direction": (o.tensor_direction("layer", np.ones((3, 2, 4))), A, 478),
    "tensor_direction with a batch axis": (
        o.tensor_direction("layer", np.ones((1, 3, 2, 4))),
        A,
        478,
    ),
    "deepdream": (o.deepdream("layer"), A, 19080.166),
    "deepdream of one image": (o.deepdream("layer", batch=1), A, np.mean(A[1] ** 2)),
    "L1": (o.L1("layer", 1), A, 28442),
    "L1 to an array": (o.L1("layer", A - 2), A, 480),
    "L2": (o.L2("layer"), A, 2139.9158),
    "L2 of one image": (o.L2("layer", batch=0), A, np.linalg.norm(A[0])),
    "total_variation": (o.total_variation("layer"), A, [2704, 2704]),
    "total_variation of one image": (o.total_variation("layer", batch=0), A, [2704]),
    "channel_interpolate": (o.channel_interpolate("layer", 0, "layer", 1), B, 1.5052072),
    "alignment": (o.alignment("layer"), B, -0.19729303),
    "diversity": (o.diversity("layer"), B, 1.9658899),
    "input_diff": (o.input_diff(np.zeros_like(B)), B, 0.56895256),
    "blur_input": (o.blur_input_each_step(), B, 9.606559),
    "blur_alpha": (o.blur_alpha_each_step(), B, 2.6093483),
    "boundary": (o.penalize_boundary_complexity(B.shape, w=1), B, -29.92173),
    "boundary of no width": (
        o.penalize_boundary_complexity((1, 5, 6, 4), w=0)
        - o.penalize_boundary_complexity((1, 5, 6, 4), mask=np.ones((5, 6, 4), bool)),
        B,
        0,
    ),
    "class_logit by index": (o.class_logit("layer", 1), DENSE, 18),
    "class_logit by a numpy integer": (o.class_logit("layer", np.int64(2)), DENSE, 36),
    "class_logit by name": (o.class_logit("layer", "tiger cat"), DENSE, 18),
    "class_logit of one image by name": (o.class_logit("layer", "espresso", batch=1), DENSE, 32),
    "channel of a dense layer": (o.channel("layer", -1), DENSE, 18),
    "neuron of a dense layer": (o.neuron("layer", 0), DENSE, 4.5),
    "direction in a dense layer": (o.direction("layer", [1, 0, -1], batch=0), DENSE, -3),
    "dot_compare": (dot_compare("layer", cossim_pow=0), A, np.sum(A[0] * A[1])),
    "dot_compare with cosine": (
        dot_compare("layer", batch=2, cossim_pow=2),
        B,
        np.sum(B[0] * B[2]) ** 3 / np.sum(B[2] ** 2),
    ),
    "direction_neuron_S": (atlas.direction_neuron_S("layer", ONES, batch=1), A, 182 - 0.5),
    "direction_neuron_S elsewhere": (
        atlas.direction_neuron_S("layer", [0, 0, 0, 2], batch=-1, x=0, y=1),
        A,
        127 / 2,
    ),
    "direction_neuron_S whitened": (
        atlas.direction_neuron_S("layer", [1, 0, 0, 0], batch=1, S=np.diag([4.0, 1, 1, 1])),
        A,
        180,
    ),
    "direction_neuron_cossim_S": (
        atlas.direction_neuron_cossim_S("layer", ONES, batch=1, cossim_pow=1),
        A,
        181.5**2 / np.linalg.norm([180, 181, 182, 183]),
    ),
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", VALUES)
def test_values(name, setting):
    objective, activations, expected = VALUES[name]
    value = SETTINGS[setting](lambda x: on(objective, layer=x, input=x), activations)
    np.testing.assert_allclose(value, expected, rtol=2e-6, atol=1e-4)


@pytest.mark.parametrize("name", VALUES)
def test_recorded_activations_will_do(name):
    objective, activations, expected = VALUES[name]
    value = on(objective, layer=activations.astype(np.float64), input=activations)
    np.testing.assert_allclose(value, expected, rtol=2e-6, atol=1e-4)


@pytest.mark.parametrize("name", VALUES)
def test_gradients_are_finite_where_everything_is_off(name):
    objective, activations, _ = VALUES[name]
    x = tf.zeros_like(activations)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = on(objective, layer=x, input=x)
    gradient = tape.gradient(value, x, unconnected_gradients="zero")
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("precision", [tf.float16, tf.bfloat16, tf.float64])
def test_layers_of_other_precision_give_float32(precision):
    value = on(o.direction("layer", ONES, 2), layer=tf.cast(A, precision))
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, 477.8299, rtol=1e-2)


def test_directions_may_be_tensors():
    def value(acts, vec):
        return on(o.direction("layer", vec) + o.direction_neuron("layer", 2 * vec), layer=acts)

    for run in SETTINGS.values():
        np.testing.assert_allclose(run(value, A, np.ones(4, np.float32)), 478 + 2 * 486)


LAYOUTS = {
    "neuron": o.neuron("layer", 1, x=4, y=0),
    "channel": o.channel("layer", 3),
    "direction": o.direction("layer", [1, 2, 3, 4], 1),
    "direction_neuron": o.direction_neuron("layer", [1, 2, 3, 4], batch=1),
    "tensor_direction": o.tensor_direction("layer", np.ones((3, 2, 4))),
    "total_variation": o.total_variation("layer"),
    "channel_interpolate": o.channel_interpolate("layer", 0, "layer", 3),
    "diversity": o.diversity("layer"),
    "class_logit": o.class_logit("layer", 3),
    "alignment": o.alignment("layer"),
    "dot_compare": dot_compare("layer", cossim_pow=1),
    "direction_neuron_S": atlas.direction_neuron_S("layer", [1, 2, 3, 4], batch=1),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layers_with_channels_first_give_the_same(name):
    def channels_first(x):
        x = tf.reshape(tf.constant(np.moveaxis(A, -1, 1)), [2, 4, 5, 6]) + 0 * tf.reduce_sum(x)
        x = tf.nn.bias_add(x, tf.zeros(4), data_format="NCHW")
        return on(LAYOUTS[name], layer=tf.nn.relu(x))

    for setting in ("traced", "v1_graph"):
        value = SETTINGS[setting](channels_first, A)
        np.testing.assert_allclose(value, on(LAYOUTS[name], layer=A), rtol=1e-5)


def test_objectives_inside_objectives_turn_a_layer_once():
    @o.wrap_objective(require_format="NHWC")
    def twice(layer):
        return lambda T: 2 * o.channel(layer, 3)(T)

    @tf.function(autograph=False)
    def value():
        x = tf.nn.bias_add(tf.constant(np.moveaxis(A, -1, 1)), tf.zeros(4), data_format="NCHW")
        return on(twice("layer"), layer=x)

    np.testing.assert_allclose(value(), 2 * 121)


@pytest.mark.parametrize("size", [2, 4, 6, 7])
def test_the_default_neuron_is_the_lower_right_one_of_the_central_four(size):
    acts = np.zeros((1, size, size, 1), np.float32)
    acts[0, size // 2, size // 2] = 1
    for run in SETTINGS.values():
        assert run(lambda x: on(o.neuron("layer", 0), layer=x), acts) == 1


ONE_IMAGE = {
    "neuron": lambda n: o.neuron("layer", 1, batch=n),
    "channel": lambda n: o.channel("layer", 1, batch=n),
    "direction": lambda n: o.direction("layer", [1, 2, 3, -1], 2, batch=n),
    "direction_neuron": lambda n: o.direction_neuron("layer", [1, 2, 3, -1], 2, 1, 2, batch=n),
    "tensor_direction": lambda n: o.tensor_direction("layer", np.ones((2, 2, 4)), 2, batch=n),
    "deepdream": lambda n: o.deepdream("layer", batch=n),
    "total_variation": lambda n: o.total_variation("layer", batch=n),
    "L1": lambda n: o.L1("layer", 0.5, batch=n),
    "L2": lambda n: o.L2("layer", 0.5, batch=n),
    "class_logit": lambda n: o.class_logit("layer", 2, batch=n),
    "direction_neuron_cossim_S": lambda n: atlas.direction_neuron_cossim_S("layer", ONES, n),
}


@pytest.mark.parametrize("name", ONE_IMAGE)
def test_the_score_of_an_image_does_not_depend_on_its_batch_mates(name):
    make = ONE_IMAGE[name]
    for n in range(len(B)):
        alone = eager(lambda x: on(make(0), layer=x), B[n : n + 1])
        among_others = np.full_like(B, 1e3)
        among_others[n] = B[n]
        for index in (n, n - len(B)):
            value = eager(lambda x, i=index: on(make(i), layer=x), among_others)
            np.testing.assert_array_equal(value, alone)


def test_changing_an_array_later_does_not_change_the_objective():
    vec, constant = np.ones(4, np.float32), np.zeros((5, 6, 4), np.float32)
    objective = o.direction("layer", vec) + o.L1("layer", constant)
    before = on(objective, layer=A)
    vec[:], constant[:] = 7, 7
    np.testing.assert_array_equal(on(objective, layer=A), before)


def test_one_image_has_nothing_to_be_compared_with():
    assert on(o.alignment("layer"), layer=A[:1]) == 0
    np.testing.assert_allclose(on(o.diversity("layer"), layer=A[:1]), 0, atol=1e-6)


def test_labels_are_not_cut_down_to_one_image():
    @o.handle_batch(1)
    def labels(T):
        return T("labels")

    assert on(labels) == LABELS
    assert on(lambda T: labels(lambda name: np.array(LABELS))).tolist() == LABELS
