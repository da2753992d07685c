"""Using a model: imported into a graph, as a function, and from arrays to arrays."""

import contextlib
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from small_graphs import graph_of, images, in_session, residual_model, tf1, weights

from lucidx.errors import (
    InvalidTypeError,
    InvalidValueError,
    UnknownLayerError,
)
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Layer, Model


@pytest.fixture(scope="module")
def toy():
    return residual_model()


def plain_activations(layer, batch=None, model=None):
    """Activations of a layer, by nothing but TensorFlow and numpy."""
    batch = images() if batch is None else batch
    graph_def = (model or residual_model()).graph_def

    def build():
        x = tf.constant(-1 + 2 * batch)
        return tf.graph_util.import_graph_def(
            graph_def, {"input": x}, return_elements=[graphs.tensor_of(layer)]
        )

    return in_session(build)[0]


def plain_gradient(layer, batch=None):
    """Gradient of the sum of squares of a layer with respect to images in 0..1."""
    batch = images() if batch is None else batch
    graph_def = residual_model().graph_def

    def build():
        x = tf.constant(batch)
        (acts,) = tf.graph_util.import_graph_def(
            graph_def, {"input": -1 + 2 * x}, return_elements=[graphs.tensor_of(layer)]
        )
        return tf.gradients(tf.reduce_sum(acts**2), x)

    return in_session(build)[0]


def model_with(**attributes):
    model = residual_model()
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


# The input


@pytest.mark.parametrize("forget_xy_shape", [True, False])
@pytest.mark.parametrize(
    ("shape", "height", "batch"),
    [
        ([8, 9, 3], 8, 1),
        ([2, 8, 9, 3], 8, 2),
        ([None, None, 3], None, 1),
        ([1, None, None, 3], None, 1),
        ([None, None, None, 3], None, None),
        ([None, None, None, None], None, None),
    ],
)
def test_an_input_may_be_one_image_or_a_batch(toy, shape, height, batch, forget_xy_shape):
    with tf.Graph().as_default():
        given = tf1.placeholder(tf.float32, shape)
        t_input, prepared = toy.create_input(given, forget_xy_shape)
        assert t_input is given
        expected = [batch, None if forget_xy_shape else height, prepared.shape[2], shape[-1]]
        assert prepared.shape.as_list() == expected


def test_an_input_is_by_default_a_placeholder_of_the_models_shape(toy):
    with tf.Graph().as_default(), tf1.Session() as session:
        t_input, prepared = toy.create_input()
        assert (t_input.dtype, t_input.shape.as_list()) == (tf.float32, [8, 8, 3])
        value = session.run(prepared, {t_input: np.ones((8, 8, 3))})
        np.testing.assert_array_equal(value, np.ones((1, 8, 8, 3)))


@pytest.mark.parametrize(
    ("image_value_range", "lo", "hi"),
    [
        ((-117, 138), -117, 138),
        ((0.0, 255.0), 0, 255),
        (([-1, -2, -3], [4, 5, 6]), [-1, -2, -3], [4, 5, 6]),
        ((-np.array([103.939, 116.779, 123.68]), 255), [-103.939, -116.779, -123.68], 255),
        (np.array([[0, 0, 0], [1, 2, 3]], np.float64), 0, [1, 2, 3]),
    ],
)
@pytest.mark.parametrize("is_BGR", [False, True])
def test_an_image_is_brought_to_the_range_and_channel_order_of_the_model(
    image_value_range, lo, hi, is_BGR
):
    model = model_with(image_value_range=image_value_range, is_BGR=is_BGR)
    batch = 3 * images() - 1  # outside 0..1 too: nothing is clipped
    in_order = batch[..., ::-1] if is_BGR else batch
    expected = np.asarray(lo) + in_order * (np.asarray(hi) - np.asarray(lo))
    prepared = in_session(lambda: model.create_input(tf.constant(batch))[1])
    assert prepared.dtype == np.float32
    np.testing.assert_allclose(prepared, expected, rtol=1e-5, atol=1e-4)


def test_arrays_and_other_floats_can_be_inputs(toy):
    expected = 2 * images() - 1
    for batch in (images(), images().astype(np.float64)):
        np.testing.assert_allclose(
            in_session(lambda batch=batch: toy.create_input(batch)[1]), expected, atol=1e-6
        )
    half = in_session(lambda: toy.create_input(tf.constant(images(), tf.float16))[1])
    np.testing.assert_allclose(half, expected, atol=1e-2)


def test_images_with_other_channels_are_refused_with_advice(toy):
    with pytest.raises(InvalidValueError, match=r"have 4\. .*collapse_alpha_random"):
        in_session(lambda: toy.create_input(tf.zeros([1, 8, 8, 4])))
    with pytest.raises(InvalidValueError, match=r"have 1\. .*grayscale_image_rgb"):
        in_session(lambda: toy.create_input(tf.zeros([8, 8, 1])))
    with pytest.raises(InvalidValueError, match=r"3 channels; these have 5\.$"):
        in_session(lambda: toy.create_input(tf.zeros([1, 8, 8, 5])))


@pytest.mark.parametrize("shape", [[8, 3], [1, 1, 8, 8, 3], [], None])
def test_what_is_not_an_image_is_refused(toy, shape):
    with pytest.raises(InvalidValueError, match=r"one image \[H, W, 3\]; these have shape"):
        in_session(lambda: toy.create_input(tf1.placeholder(tf.float32, shape)))


def test_integers_are_refused_as_images(toy):
    with pytest.raises(InvalidTypeError, match="uint8: divide by 255"):
        in_session(lambda: toy.create_input(tf.zeros([1, 8, 8, 3], tf.uint8)))


def test_a_value_range_of_another_number_of_channels_is_refused():
    model = model_with(image_value_range=((0, 0), (1, 1)))
    with pytest.raises(InvalidValueError, match="3 channels; Toy has"):
        in_session(lambda: model.create_input(tf.zeros([1, 8, 8, 3])))


# Imported into a graph


def test_imported_in_a_session_layers_are_the_networks(toy):
    def build():
        T = toy.import_graph(tf.constant(images()))
        assert T("skip") is tf1.get_default_graph().get_tensor_by_name("import/skip:0")
        return T("skip"), T("split:1"), T(Layer(toy, "first_relu", 4, ["conv"]))

    skip, half, first = in_session(build)
    np.testing.assert_allclose(skip, plain_activations("skip"), rtol=1e-5)
    np.testing.assert_allclose(half, plain_activations("split:1"), rtol=1e-5)
    np.testing.assert_allclose(first, plain_activations("first_relu"), rtol=1e-5)


def test_the_input_layer_is_what_the_model_sees(toy):
    seen = in_session(lambda: toy.import_graph(tf.constant(images()))("input"))
    np.testing.assert_allclose(seen, 2 * images() - 1, atol=1e-6)


def test_a_hidden_layer_can_be_fed_in_a_session(toy):
    with tf.Graph().as_default(), tf1.Session() as session:
        T = toy.import_graph(tf.constant(images()))
        fed = session.run(T("half"), {T("first_relu"): np.ones((2, 5, 5, 4))})
    np.testing.assert_array_equal(fed, np.full((2, 5, 5, 2), 2))


def test_gradients_in_a_session_are_the_networks(toy):
    def build():
        x = tf.constant(images())
        return tf.gradients(tf.reduce_sum(toy.import_graph(x)("scores") ** 2), x)

    np.testing.assert_allclose(in_session(build)[0], plain_gradient("scores"), rtol=1e-4, atol=1e-4)


def gradients_inside(model, x, layer):
    score = tf.reduce_sum(model.import_graph(x)(layer) ** 2)
    return tf.gradients(score, x)[0]


def tape_inside(model, x, layer):
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = tf.reduce_sum(model.import_graph(x)(layer) ** 2)
    return tape.gradient(score, x)


@pytest.mark.parametrize("layer", ["block", "half", "scores", "probabilities"])
@pytest.mark.parametrize("differentiate", [gradients_inside, tape_inside])
def test_gradients_inside_a_function_are_the_networks(toy, differentiate, layer):
    run = tf.function(lambda x: differentiate(toy, x, layer))
    np.testing.assert_allclose(
        run(tf.constant(images())), plain_gradient(layer), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("layer", ["block", "half", "scores"])
def test_gradients_outside_a_function_are_the_networks(toy, layer):
    run = tf.function(lambda x: tf.reduce_sum(toy.import_graph(x)(layer) ** 2))
    x = tf.Variable(images())
    with tf.GradientTape() as tape:
        score = run(x)
    np.testing.assert_allclose(tape.gradient(score, x), plain_gradient(layer), rtol=1e-4, atol=1e-4)


def test_tapes_and_gradients_agree_on_a_real_network(efficientnet):
    photo = tf.constant(images(1, 48))
    by_tape = tf.function(lambda x: tape_inside(efficientnet, x, "block3b/output"))(photo)
    by_graph = tf.function(lambda x: gradients_inside(efficientnet, x, "block3b/output"))(photo)
    assert np.abs(by_tape).max() > 0
    np.testing.assert_allclose(by_tape, by_graph, rtol=1e-3, atol=1e-3 * np.abs(by_tape).max())


def test_scopes_nest_in_the_scopes_that_are_open(toy):
    def build():
        with tf1.name_scope("outer"):
            T = toy.import_graph(tf.constant(images()), scope="net")
        assert T("skip").name == "outer/net/skip:0"
        deeper = toy.import_graph(tf.constant(images()), scope="other/net")
        assert deeper("skip").name == "other/net/skip:0"
        return T("skip") - deeper("skip")

    assert not in_session(build).any()


def test_a_model_can_be_imported_twice_in_different_scopes(toy):
    def build():
        first = toy.import_graph(tf.constant(images()), scope="one")
        second = toy.import_graph(1 - tf.constant(images()), scope="two")
        return first("skip"), second("skip")

    one, two = in_session(build)
    np.testing.assert_allclose(one, plain_activations("skip"), rtol=1e-5)
    np.testing.assert_allclose(two, plain_activations("skip", 1 - images()), rtol=1e-5, atol=1e-5)


def test_a_scope_in_use_is_refused(toy):
    with tf.Graph().as_default():
        toy.import_graph(tf.zeros([1, 8, 8, 3]))
        with pytest.raises(InvalidValueError, match=r"'import' is already in use.*its own scope"):
            toy.import_graph(tf.zeros([1, 8, 8, 3]))
        with tf1.name_scope("outer"):
            toy.import_graph(tf.zeros([1, 8, 8, 3]))
            with pytest.raises(InvalidValueError, match="'outer/import' is already in use"):
                toy.import_graph(tf.zeros([1, 8, 8, 3]))


@pytest.mark.parametrize("scope", ["", "my net", "net/", None])
def test_what_is_not_a_scope_is_refused(toy, scope):
    with tf.Graph().as_default(), pytest.raises(InvalidValueError, match="A scope is a name"):
        toy.import_graph(tf.zeros([1, 8, 8, 3]), scope=scope)


@pytest.mark.parametrize("key", ["first_relu", "first_relu:0"])
def test_tensors_can_be_replaced_through_the_input_map(toy, key):
    ones = np.ones((2, 8, 8, 4), np.float32)

    def build():
        T = toy.import_graph(tf.constant(images()), input_map={key: tf.constant(ones)})
        return T("half"), T("skip")

    half, skip = in_session(build)
    np.testing.assert_array_equal(half, 2 * ones[..., :2])
    assert (skip >= 1).all()


@pytest.mark.parametrize("key", ["input", "input:0"])
def test_the_input_itself_can_be_replaced_through_the_input_map(toy, key):
    def build():
        T = toy.import_graph(tf.zeros([2, 8, 8, 3]), input_map={key: tf.constant(images())})
        return T("input"), T("skip")

    seen, skip = in_session(build)
    np.testing.assert_array_equal(seen, images())
    np.testing.assert_allclose(skip, plain_activations("skip", (images() + 1) / 2), rtol=1e-4)


def test_an_entry_of_the_input_map_that_is_no_node_is_answered_with_close_ones(toy):
    with (
        tf.Graph().as_default(),
        pytest.raises(UnknownLayerError, match=r"no node 'frist_relu'\. Did you mean 'first_relu'"),
    ):
        toy.import_graph(tf.zeros([1, 8, 8, 3]), input_map={"frist_relu": tf.zeros([1, 8, 8, 4])})


def test_an_input_name_that_is_no_node_is_answered_with_close_ones():
    model = model_with(input_name="inputs")
    with pytest.raises(UnknownLayerError, match=r"Toy has no node 'inputs.*Did you mean 'input'"):
        model.activations(images(), "skip")


@pytest.mark.parametrize("asked", ["second_rel", "second_relu:1", "import/second_relu", "split:2"])
def test_an_unknown_layer_is_answered_with_close_ones(toy, asked):
    close = "split" if asked == "split:2" else "second_relu"
    message = f"Toy has no layer '{asked}'. Did you mean .*{close}"
    with tf.Graph().as_default():
        T = toy.import_graph(tf.zeros([1, 8, 8, 3]))
        with pytest.raises(UnknownLayerError, match=message) as caught:
            T(asked)
    assert isinstance(caught.value, KeyError)
    with pytest.raises(UnknownLayerError, match=message):
        toy.function(asked)
    with pytest.raises(UnknownLayerError, match=message):
        toy.activations(images(), ["skip", asked])


@pytest.mark.parametrize("asked", [None, 3, ("skip", "block")])
def test_a_layer_is_asked_for_by_a_string(toy, asked):
    with tf.Graph().as_default():
        T = toy.import_graph(tf.zeros([1, 8, 8, 3]))
        with pytest.raises(InvalidTypeError, match="named by strings"):
            T(asked)


def test_in_eager_code_an_import_is_refused_with_advice(toy):
    for images_or_none in (None, tf.zeros([1, 8, 8, 3])):
        with pytest.raises(InvalidValueError, match=r"inside a tf.function or a tf.Graph.*model\."):
            toy.import_graph(images_or_none)
    with pytest.raises(InvalidValueError, match=r"inside a tf\.function or a tf\.Graph"):
        toy.create_input()


def network_for_larger_images():
    x = tf1.placeholder(tf.float32, [None, 32, 32, 3], name="input")
    x = tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, 3, 4), 2, "VALID"), name="early")
    x = tf.nn.relu(tf.nn.conv2d(x, weights(11, 11, 4, 4), 1, "VALID"), name="late")
    tf.matmul(tf.reshape(x, [-1, 5 * 5 * 4]), weights(100, 10), name="scores")


def test_layers_that_are_not_evaluated_may_be_impossible_at_this_size():
    model = Model.from_graphdef(graph_of(network_for_larger_images), image_value_range=(0, 1))
    small = tf.zeros([1, 12, 12, 3])
    imported = in_session(lambda: model.import_graph(tf.zeros([1, 12, 12, 3]))("early"))
    assert imported.shape == (1, 5, 5, 4)
    assert tf.function(lambda x: model.import_graph(x)("early"))(small).shape == (1, 5, 5, 4)
    assert model.function("early")(small).shape == (1, 5, 5, 4)
    assert model.activations(small.numpy(), "early").shape == (1, 5, 5, 4)
    with pytest.raises(InvalidValueError, match=r"cannot compute \['late'\] from .*\(1, 12, 12, 3"):
        model.activations(small.numpy(), ["late"])


# As a function


@pytest.mark.parametrize("layer", ["first_relu", "split:1", "block", "scores"])
def test_a_function_takes_images_to_layers(toy, layer):
    value = toy.function(layer)(tf.constant(images()))
    np.testing.assert_allclose(value, plain_activations(layer), rtol=1e-4, atol=1e-5)


def test_a_function_gives_several_layers_in_their_order(toy):
    values = toy.function(["scores", Layer(toy, "first_relu", 4, ["conv"])])(images())
    assert isinstance(values, list)
    for value, layer in zip(values, ["scores", "first_relu"], strict=True):
        np.testing.assert_allclose(value, plain_activations(layer), rtol=1e-4, atol=1e-5)


def test_a_function_can_give_what_the_model_sees(toy):
    np.testing.assert_allclose(toy.function("input")(images()), 2 * images() - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("cut", "output"),
    [
        ("first_relu", "scores"),
        ("first_relu:0", "skip"),
        ("split:1", "half"),
        ("block", "probabilities"),
        ("block", "block"),
        ("input", "scores"),
    ],
)
def test_a_function_can_start_at_a_hidden_layer(toy, cut, output):
    hidden = plain_activations(cut)
    value = toy.function(output, cut)(tf.constant(hidden))
    np.testing.assert_allclose(value, plain_activations(output), rtol=1e-4, atol=1e-5)


def test_where_the_graph_is_cut_is_among_the_outputs_what_is_put_in(toy):
    ones = tf.ones([1, 3, 3, 4])
    same, half = toy.function(["first_relu", "half"], "first_relu")(ones)
    np.testing.assert_array_equal(same, ones)
    np.testing.assert_array_equal(half, 2 * ones[..., :2])


@pytest.mark.parametrize(
    ("cut", "output"), [("block", "first_relu"), ("second", "half"), ("split", "half")]
)
def test_a_cut_that_is_not_upstream_is_refused(toy, cut, output):
    with pytest.raises(InvalidValueError, match=rf"'{cut}' does not come before \['{output}'\]"):
        toy.function(output, cut)


@pytest.mark.parametrize(
    ("cut", "output"), [("second_relu", "skip"), ("split:1", "mixed/inner"), ("second", "scores")]
)
def test_a_cut_that_a_connection_skips_is_refused(toy, cut, output):
    with pytest.raises(InvalidValueError, match=f"in other ways than through '{cut}'"):
        toy.function(output, cut)


def test_a_control_dependency_on_the_cut_layer_is_dropped(toy):
    graph_def = graphs.GraphDef()
    graph_def.CopyFrom(toy.graph_def)
    {node.name: node for node in graph_def.node}["second"].input.append("^first_relu")
    model = Model.from_graphdef(graph_def, image_value_range=(-1, 1))
    value = model.function("scores", "first_relu")(plain_activations("first_relu"))
    np.testing.assert_allclose(value, plain_activations("scores"), rtol=1e-4, atol=1e-5)


def test_asking_again_gives_the_same_function(toy):
    assert toy.function("skip") is toy.function("skip")
    assert toy.function("skip") is not toy.function(["skip"])
    assert toy.function("skip") is not toy.function("skip", relu="redirected")
    assert toy.function("skip") is not toy.function("skip", "first_relu")


def test_no_more_functions_are_kept_than_are_useful():
    model = residual_model()
    first = model.function("skip")
    names = [node.name for node in model.graph_def.node if node.op != "Const"]
    asked = [(name, relu) for name in names for relu in ("exact", "redirected")]
    for extra in ([], ["pool"], ["block"]):
        for name, relu in asked:
            model.function([name, *extra], relu=relu)
            assert model.function("skip") is first  # what is used stays
    kept = model_io.skeleton(model).functions
    assert len(kept) == model_io.KEPT < 3 * len(asked)


def test_a_graph_edited_in_place_gives_new_results():
    model = residual_model()
    before = model.activations(images(), "first_relu")
    nodes = {node.name: node for node in model.graph_def.node}
    kernel = nodes[nodes["first"].input[1]].attr["value"].tensor
    kernel.tensor_content = (-np.frombuffer(kernel.tensor_content, "f4")).tobytes()
    after = model.activations(images(), "first_relu")
    assert ((before > 0) & (after > 0)).sum() == 0
    assert (after > 0).any()
    np.testing.assert_allclose(
        after, plain_activations("first_relu", model=model), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("image_value_range", (0, 255)), ("is_BGR", True), ("image_value_range", (-1, [0, 0, 9]))],
)
def test_a_model_fed_otherwise_gives_new_results(attribute, value):
    model = residual_model()
    before = model.activations(images(), "first_relu")
    setattr(model, attribute, value)
    after = model.activations(images(), "first_relu")
    fresh = model_with(**{attribute: value}).activations(images(), "first_relu")
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(after, fresh)


@pytest.mark.parametrize("layer", ["block", "half", "scores"])
@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "tf.function"])
def test_a_function_is_differentiable(toy, layer, wrap):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            score = tf.reduce_sum(toy.function(layer)(x) ** 2)
        return tape.gradient(score, x)

    value = wrap(gradient)(tf.constant(images()))
    np.testing.assert_allclose(value, plain_gradient(layer), rtol=1e-4, atol=1e-4)


def test_a_function_works_in_a_graph_and_session(toy):
    def build():
        x = tf.constant(images())
        acts = toy.function("skip")(x)
        return acts, *tf.gradients(tf.reduce_sum(acts**2), x)

    acts, gradient = in_session(build)
    np.testing.assert_allclose(acts, plain_activations("skip"), rtol=1e-5)
    np.testing.assert_allclose(gradient, plain_gradient("skip"), rtol=1e-4, atol=1e-4)


def test_redirected_gradients_reach_units_that_are_off():
    def network():
        x = tf1.placeholder(tf.float32, [None, None, None, 3], name="input")
        off = tf.nn.conv2d(x, weights(3, 3, 3, 4), 1, "SAME") - 1000.0
        tf.nn.relu(off, name="off")
        tf.nn.relu6(off, name="off6")
        tf.nn.relu(x + 1000.0, name="on")

    model = Model.from_graphdef(graph_of(network), image_value_range=(0, 1))

    def gradient(layer, relu):
        x = tf.constant(images())
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = -tf.reduce_sum(model.function(layer, relu=relu)(x))
        return tape.gradient(loss, x).numpy()

    for layer in ("off", "off6"):
        assert not gradient(layer, "exact").any()
        assert gradient(layer, "redirected").any()
    np.testing.assert_array_equal(gradient("on", "redirected"), gradient("on", "exact"))


@pytest.mark.parametrize("relu", ["Exact", "guided", None])
def test_an_unknown_relu_gradient_is_refused(toy, relu):
    with pytest.raises(InvalidValueError, match="'exact' or 'redirected', not"):
        toy.function("skip", relu=relu)


def test_a_function_of_no_layers_is_refused(toy):
    with pytest.raises(InvalidValueError, match="No layer is named"):
        toy.function([])
    with pytest.raises(InvalidValueError, match="No layer is named"):
        toy.activations(images(), [])


def test_a_graph_with_another_open_input_is_refused_only_where_it_matters():
    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        keep = tf1.placeholder(tf.float32, [], name="keep_prob")
        x = tf.nn.relu(x, name="before")
        tf.multiply(x, keep, name="after")

    model = Model.from_graphdef(graph_of(network), "input", image_value_range=(0, 1))
    assert model.activations(images(), "before").shape == (2, 8, 8, 3)
    with pytest.raises(InvalidValueError, match=r"\['after'\] depend on \['keep_prob'\]"):
        model.activations(images(), "after")


# From arrays to arrays


def test_activations_are_the_networks(toy):
    acts = toy.activations(images(), "scores")
    assert acts.dtype == np.float32
    np.testing.assert_allclose(acts, plain_activations("scores"), rtol=1e-4, atol=1e-5)


def test_activations_of_one_image_have_no_batch_axis(toy):
    alone = toy.activations(images()[0], "first_relu")
    np.testing.assert_allclose(alone, toy.activations(images(), "first_relu")[0], rtol=1e-5)


def test_activations_of_several_layers_are_a_dictionary(toy):
    layers = [Layer(toy, "scores", 5, ["dense"]), "split:1"]
    acts = toy.activations(images(), layers)
    assert {name: array.shape for name, array in acts.items()} == {
        "scores": (2, 5),
        "split:1": (2, 8, 8, 2),
    }
    assert toy.activations(images()[0], ("scores",))["scores"].shape == (5,)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
def test_activations_do_not_depend_on_the_batch_size(toy, batch_size):
    np.testing.assert_allclose(
        toy.activations(images(7), "scores", batch_size),
        plain_activations("scores", images(7)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_bytes_and_other_floats_are_images_too(toy):
    pixels = np.round(255 * images()).astype(np.uint8)
    expected = toy.activations(pixels.astype(np.float32) / 255, "scores")
    np.testing.assert_allclose(toy.activations(pixels, "scores"), expected, rtol=1e-5)
    np.testing.assert_allclose(toy.activations(pixels / 255, "scores"), expected, rtol=1e-5)
    np.testing.assert_allclose(toy.activations(list(pixels / 255), "scores"), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (images()[0, 0], "one image"),
        (images()[np.newaxis], "one image"),
        (images(channels=4), r"Leave transparency out: images\[\.\.\., :3\]"),
        (255 * images(), "in 0..1, whatever range .* to 25"),
        (2 * images() - 1, r"in 0..1, whatever range .* span -0\."),
        (np.full((1, 8, 8, 3), np.nan), "span nan"),
        (images()[:0], "no images"),
        (images()[:, :0], "no images"),
    ],
)
def test_what_are_not_images_in_0_to_1_is_refused(toy, given, message):
    with pytest.raises(InvalidValueError, match=message):
        toy.activations(given, "scores")


def model_of(channels, height=8, width=8):
    def network():
        x = tf1.placeholder(tf.float32, [None, height, width, channels], name="input")
        x = tf.nn.conv2d(x, weights(3, 3, channels, 4), 1, "SAME", name="conv")
        flat = tf.reshape(x, [-1, height * width * 4])
        tf.matmul(flat, weights(height * width * 4, 5), name="scores")

    return Model.from_graphdef(graph_of(network), image_value_range=(0, 1), name="Toy")


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_models_may_take_any_number_of_channels_and_proportions(channels):
    model = model_of(channels, 6, 12)
    batch = np.random.default_rng(0).uniform(size=(3, 6, 12, channels)).astype(np.float32)
    expected = in_session(lambda: model.import_graph(tf.constant(batch))("scores"))
    np.testing.assert_allclose(model.activations(batch, "scores", 2), expected, rtol=1e-4)
    pixels = np.round(255 * batch).astype(np.uint8)
    assert model.activations(pixels[0], "conv").shape == (6, 12, 4)


@pytest.mark.parametrize(
    ("channels", "shape", "message"),
    [
        (3, (2, 8, 8, 1), r"have 1\. Repeat the grey channel: np\.repeat\(images, 3, -1\)"),
        (1, (2, 8, 8, 3), r"1 channel; these have 3\. .*mean\(-1, keepdims=True\)"),
        (1, (8, 8, 4), r"1 channel; these have 4\. .*mean\(-1, keepdims=True\)"),
        (1, (2, 8, 8), r"1 channel; these have 8\. .*images\[\.\.\., np\.newaxis\]"),
        (1, (8, 8), r"one image \[H, W, 1\]; these have shape \(8, 8\)"),
        (2, (2, 8, 8, 3), r"2 channels; these have 3\.$"),
        (4, (2, 8, 8, 3), r"4 channels; these have 3\.$"),
    ],
)
def test_images_with_other_channels_are_refused_with_what_to_do(channels, shape, message):
    with pytest.raises(InvalidValueError, match=message):
        model_of(channels).activations(np.zeros(shape), "conv")


def test_an_impossible_size_is_refused_with_the_size_there_is():
    with pytest.raises(InvalidValueError, match=r"It is made for height 6 and width 12\."):
        model_of(3, 6, 12).activations(np.zeros((1, 5, 5, 3)), "scores")


def test_activations_are_single_precision_whatever_the_network_computes_in():
    def network():
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
        for dtype in (tf.float16, tf.bfloat16, tf.float64, tf.int32, tf.bool):
            tf.cast(2 * x, dtype, name=dtype.name)
        tf.cast(x, tf.complex64, name="complex")

    model = Model.from_graphdef(graph_of(network), image_value_range=(0, 1))
    for layer in ("float16", "bfloat16", "float64", "int32", "bool"):
        acts = model.activations(images(), layer)
        assert acts.dtype == np.float32
        expected = {"int32": np.trunc, "bool": np.ceil}.get(layer, lambda x: x)(2 * images())
        expected = np.minimum(expected, 1) if layer == "bool" else expected
        np.testing.assert_allclose(acts, expected, rtol=1e-2)
    with pytest.raises(InvalidValueError, match="'complex' is complex64: only real numbers"):
        model.activations(images(), "complex")


def test_activations_can_be_written_to(toy):
    for batch_size in (1, 2):
        toy.activations(images(), "scores", batch_size)[:] = 0


@pytest.mark.parametrize(
    "given",
    ["photo.jpg", None, np.zeros((1, 8, 8, 3), int), [np.zeros((8, 8, 3)), np.zeros((9, 8, 3))]],
)
def test_what_are_not_numbers_is_refused(toy, given):
    with pytest.raises(InvalidTypeError, match="Images"):
        toy.activations(given, "scores")


def test_a_batch_size_is_at_least_one(toy):
    with pytest.raises(InvalidValueError, match="at least 1, not 0"):
        toy.activations(images(), "scores", 0)


def test_what_has_no_entry_for_each_image_is_refused(toy):
    (constant,) = {node.name for node in toy.graph_def.node if node.name == "scores/b"} or {"Const"}
    with pytest.raises(InvalidValueError, match="one entry per image"):
        toy.activations(images(), constant)


@pytest.mark.parametrize("context", [lambda: tf.Graph().as_default(), contextlib.nullcontext])
def test_activations_are_the_same_wherever_they_are_asked_for(context):
    model = residual_model()
    with context():
        inside = model.activations(images(), "scores")
    traced = []
    tf.function(lambda: traced.append(model.activations(images(), "scores")))()
    for acts in (inside, *traced, model.activations(images(), "scores")):
        np.testing.assert_allclose(acts, plain_activations("scores"), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_program_that_switches_tensorflow_2_off_can_use_models():
    program = """
import numpy as np, tensorflow as tf
tf.compat.v1.disable_v2_behavior()
from lucidx.modelzoo import util
from lucidx.modelzoo.vision_models import EfficientNetLite0
from lucidx.modelzoo.vision_base import Model
model = EfficientNetLite0()
photo = np.random.default_rng(0).uniform(size=(64, 48, 3)).astype(np.float32)
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    t_input = tf.compat.v1.placeholder(tf.float32, [None, None, 3])
    T = model.import_graph(t_input)
    gradient, = tf.gradients(tf.reduce_sum(T("block3a/output")[..., 5]), t_input)
    assert util.forget_xy(tf.zeros([1, 2, 3, 4])).shape.as_list() == [1, None, None, 4]
    acts, gradient = session.run([T("block3a/output"), gradient], {t_input: photo})
    function = model.function("logits", "block3a/output")
    logits = session.run(function(tf.constant(acts)))
    t_logits = T("logits").eval({t_input: photo})
assert np.abs(gradient).max() > 0
np.testing.assert_allclose(logits, t_logits, rtol=1e-3, atol=1e-3)
again = model.activations(photo, "block3a/output")
np.testing.assert_allclose(again, acts[0], rtol=1e-3, atol=1e-3)
imported = Model.from_graphdef(model.graph_def, image_value_range=model.image_value_range)
assert imported.get_layer("head").depth == 1280
print(model.get_activations("head", photo[None], center_only=True).shape)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert re.search(r"^\(1, 1280\)$", run.stdout, re.MULTILINE), run.stderr
