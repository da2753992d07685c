"""What the original's own tests asserted holds for lucidx, by its own name and through compat.

Every test runs twice: with `lucidx` and TensorFlow 2's `tf.compat.v1`, and with `lucid` and the
TensorFlow 1 that compat shows.
"""

import importlib
import json
import os
import types

import numpy as np
import pytest
import tensorflow as tf2

import lucidx.compat


# By lucidx's own name, most of this is seen to by faster tests as well.
@pytest.fixture(params=[pytest.param("lucidx", marks=pytest.mark.slow), "compat"], autouse=True)
def library(request):
    """Function from a module's path to the module."""
    if request.param == "lucidx":
        yield lambda path: importlib.import_module(f"lucidx.{path}")
        return
    lucidx.compat.install()
    yield lambda path: importlib.import_module(f"lucid.{path}")
    lucidx.compat.uninstall()


@pytest.fixture
def tf(library):
    """TensorFlow 1: under compat, what a program gets that imports tensorflow."""
    if tf2.executing_eagerly():
        return tf2.compat.v1
    import tensorflow

    assert tensorflow.__version__.startswith("1")
    return tensorflow


@pytest.fixture
def io(library):
    return library("misc.io")


@pytest.fixture
def session(tf):
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def run(tf, session, fetches, feeds=None):
    session.run(tf.global_variables_initializer())
    return session.run(fetches, feeds)


@pytest.fixture
def model(library, tf):
    """A network of two convolutions, with labels."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return tf.constant(rng.normal(0, 0.5, shape).astype(np.float32))

    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, None, None, 3], "images")
        acts = tf.nn.conv2d(images, weights(3, 3, 3, 8), 2, "SAME")
        acts = tf.nn.relu(acts, "first")
        acts = tf.nn.conv2d(acts, weights(3, 3, 8, 6), 1, "SAME", name="layer_pre_relu")
        acts = tf.nn.relu(acts, "layer")
        tf.nn.softmax(tf.matmul(tf.reduce_mean(acts, [1, 2]), weights(6, 4)), name="softmax")
        graph_def = graph.as_graph_def()
    made = library("modelzoo.vision_base").Model.from_graphdef(
        graph_def, "images", image_value_range=(-1, 1), labels=list("abcd"), name="Small"
    )
    return made


# Loading


def test_load_json_text_and_arrays(io, tmp_path):
    (tmp_path / "a.json").write_text('{"key": "value"}')
    (tmp_path / "a.txt").write_text("first\n\U0001f600 second", "utf-8")
    np.save(tmp_path / "a.npy", np.eye(3))
    np.savez(tmp_path / "a.npz", x=np.eye(2))
    assert "key" in io.load(str(tmp_path / "a.json"))
    assert "\U0001f600" in io.load(str(tmp_path / "a.txt"))
    lines = io.load(str(tmp_path / "a.txt"), split=True)
    assert isinstance(lines, list) and all(isinstance(line, str) for line in lines)
    assert np.array_equal(io.load(str(tmp_path / "a.npy")), np.eye(3))
    assert np.array_equal(io.load(str(tmp_path / "a.npz"))["x"], np.eye(2))


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.jpg", "a.jpeg", "a.xyz"])
def test_load_images_by_any_extension(io, tmp_path, name):
    from PIL import Image

    picture = Image.fromarray(np.full((4, 5, 3), 128, np.uint8))
    picture.save(tmp_path / name, format="JPEG" if "jp" in name else "PNG")
    image = io.load(str(tmp_path / name))
    assert image.shape == (4, 5, 3) and all(size > 2 for size in image.shape)


def test_load_from_an_open_text_handle(io, tmp_path):
    (tmp_path / "a.json").write_text('{"key": 1}')
    with open(tmp_path / "a.json") as handle:
        assert "key" in io.load(handle)


def test_load_a_graph(io, tf, tmp_path):
    with tf.Graph().as_default() as graph:
        tf.constant(42, name="answer")
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    loaded = io.load(str(tmp_path / "graph.pb"))
    assert loaded.node[0].attr["value"].tensor.int_val[0] == 42


# Saving


def test_save_json_is_indented_by_two(io, tmp_path):
    path = str(tmp_path / "a.json")
    io.save({"1": 2, "b": [np.float32(0.5)]}, path)
    wanted = '{\n  "1": 2,\n  "b": [\n    0.5\n  ]\n}'
    assert (tmp_path / "a.json").read_text() == wanted and json.loads(wanted)["1"] == 2


def test_arrays_survive_saving(io, tmp_path):
    array = np.random.default_rng(0).random((3, 4))
    for name in ("a.npy", "b.npz"):
        io.save(array if name == "a.npy" else {"x": array}, str(tmp_path / name))
    assert np.array_equal(io.load(str(tmp_path / "a.npy")), array)
    assert np.array_equal(io.load(str(tmp_path / "b.npz"))["x"], array)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_save_images(io, tmp_path, name):
    io.save(np.random.default_rng(0).random((8, 9, 3)), str(tmp_path / name))
    assert os.path.isfile(tmp_path / name)
    assert io.load(str(tmp_path / name)).shape == (8, 9, 3)


def test_save_text_from_lines_and_from_one_string(io, tmp_path):
    io.save(["1", "2"], str(tmp_path / "lines.txt"))
    io.save("one string", str(tmp_path / "string.txt"))
    assert (tmp_path / "lines.txt").read_text() == "1\n2\n"
    assert (tmp_path / "string.txt").read_text() == "one string"


def test_save_into_a_named_handle(io, tmp_path):
    with open(tmp_path / "a.npy", "wb") as handle:
        io.save(np.eye(2), handle)
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.eye(2))


def test_pickle_is_refused_and_then_allowed_on_the_same_handle(io, tmp_path):
    with open(tmp_path / "a.pickle", "wb") as handle:
        with pytest.raises(ValueError, match="unsafe"):
            io.save({"a": 1}, handle)
        io.save({"a": 1}, handle, allow_unsafe_formats=True)
    path = str(tmp_path / "a.pickle")
    with pytest.raises(ValueError, match="unsafe"):
        io.load(path)
    assert io.load(path, allow_unsafe_formats=True) == {"a": 1}


@pytest.mark.parametrize("name", ["a.foo", "a.npy.gz"])
def test_save_refuses_unknown_extensions(io, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.npy"):
        io.save(np.eye(2), str(tmp_path / name))


def test_save_a_graph(io, tf, tmp_path):
    graph_def = tf.Graph().as_graph_def()
    io.save(graph_def, str(tmp_path / "graph.pb"))
    assert io.load(str(tmp_path / "graph.pb")) == graph_def


# Showing, and the small modules


def test_show_one_image(io, monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "HTML", lambda html: html)
    monkeypatch.setattr(IPython.display, "display", shown.append)
    monkeypatch.setattr(io.showing, "is_notebook_environment", lambda: True)
    eye = np.eye(5)
    io.showing.images([eye, eye], ["first", "second"])
    assert len(shown) == 1 and "first" in shown[0] and "second" in shown[0]
    assert shown[0].count("data:image/PNG;base64,") == 2
    assert np.array_equal(eye, np.eye(5))


def test_pytest_is_no_notebook(library):
    assert library("misc.environment").is_notebook_environment() is False


def test_the_channel_reducer_reduces_the_last_axis(library):
    array = np.stack([np.eye(10)] * 10, axis=-1)
    reduced = library("misc.channel_reducer").ChannelReducer(2, init="nndsvd").fit_transform(array)
    assert reduced.shape == (10, 10, 2)
    assert reduced[..., 1].sum() == pytest.approx(0, abs=1e-5)


def test_resizing_to_the_same_size_does_nothing(library):
    nd = library("misc.ndimage_utils")
    image = np.random.default_rng(0).random((12, 16, 3))
    assert nd.resize(image, (6, 8)).shape == (6, 8, 3)
    assert nd.resize(image, (12, 16)) is image


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_compositing_reaches_every_corner(library, corner):
    nd = library("misc.ndimage_utils")
    out = nd.composite(
        np.zeros((32, 32, 3)), np.ones((8, 8, 3)), foreground_position=tuple(map(float, corner))
    )
    row, column = (-1 if end else 0 for end in corner)
    assert out.shape == (32, 32, 3)
    assert out[row, column].min() > 0.99 and out[16, 16].max() == 0


# Gradient overrides


def test_use_gradient_gives_each_input_its_gradient(library, tf, session):
    override = library("misc.gradient_override")

    @override.use_gradient(lambda op, grad: [tf.constant(42.0), tf.constant(43.0)])
    def f(a, b):
        return a + b

    a, b = tf.constant(1.0), tf.constant(2.0)
    assert session.run(tf.gradients(f(a, b), [a, b])) == [42, 43]


def test_the_gradient_of_a_type_is_overridden(library, tf, session):
    override = library("optvis.overrides")
    a = tf.constant([1.0])
    with override.gradient_override_map({"Relu": lambda op, grad: tf.constant([42.0])}):
        y = tf.nn.relu(a)
    assert session.run(tf.gradients(y, a)[0]) == [42]


RELU = {(1, -1): 0, (-1, -1): -1, (1, 1): 1, (-1, 1): -1}
DIRECTIONS = {"relu": RELU, "relu6": {**RELU, (1, 7): 1, (-1, 7): 0}}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_relus_redirect_gradients_at_the_start(library, tf, session, name):
    override = library("misc.redirected_relu_grad")
    gradient = {
        "Relu": override.redirected_relu_grad,
        "Relu6": override.redirected_relu6_grad,
    }
    tf.train.get_or_create_global_step()
    found = {}
    for grad, x in DIRECTIONS[name]:
        t_x = tf.constant([[float(x)]])
        with library("misc.gradient_override").gradient_override_map(gradient):
            y = getattr(tf.nn, name)(t_x)
        found[grad, x] = tf.gradients(y, t_x, [tf.constant([[float(grad)]])])[0]
    assert run(tf, session, found) == DIRECTIONS[name]


@pytest.mark.parametrize("name", ["relu", "relu6"])
def test_after_the_start_gradients_are_ordinary(library, tf, session, name):
    x = tf.constant(np.random.default_rng(0).normal(0, 5, (3, 4)).astype(np.float32))
    grad = tf.constant(np.random.default_rng(1).normal(0, 1, (3, 4)).astype(np.float32))
    step = tf.train.get_or_create_global_step()
    with library("optvis.overrides").relu_overrides():
        redirected = tf.gradients(getattr(tf.nn, name)(x), x, [grad])[0]
    ordinary = tf.gradients(getattr(tf.nn, name)(x), x, [grad])[0]
    session.run(tf.global_variables_initializer())
    session.run(step.assign(17))
    a, b = session.run([redirected, ordinary])
    np.testing.assert_array_equal(a, b)


# Objectives: three steps change their value in the direction that they say

RISING = {
    "neuron": lambda o: o.neuron("layer_pre_relu", 2),
    "channel": lambda o: o.channel("layer", 1),
    "direction": lambda o: o.direction("layer", VECTOR),
    "direction, cossim": lambda o: o.direction("layer", VECTOR, cossim_pow=1),
    "direction, cossim squared": lambda o: o.direction("layer", VECTOR, cossim_pow=2),
    "direction_neuron": lambda o: o.direction_neuron("layer", VECTOR),
    "direction_cossim": lambda o: o.direction_cossim("layer", VECTOR),
    "tensor_direction": lambda o: o.tensor_direction("layer", VECTORS),
    "deepdream": lambda o: o.deepdream("layer"),
    "total_variation": lambda o: o.total_variation(),
    "L1": lambda o: o.L1(),
    "L2": lambda o: o.L2(),
    "blur_input_each_step": lambda o: o.blur_input_each_step(),
    "channel_interpolate": lambda o: o.channel_interpolate("layer", 0, "layer", 5),
    "class_logit": lambda o: o.class_logit("softmax", "c"),
}
FALLING = {
    "penalize_boundary_complexity": lambda o: o.penalize_boundary_complexity([1, 32, 32, 3]),
    "alignment": lambda o: o.alignment("layer"),
    "diversity": lambda o: o.diversity("layer"),
    "input_diff": lambda o: o.input_diff(np.full([1, 32, 32, 3], 0.25, np.float32)),
}
VECTOR = np.random.default_rng(0).random(6).astype(np.float32)
VECTORS = np.random.default_rng(1).random((1, 3, 3, 6)).astype(np.float32)
SEVERAL = {"channel_interpolate", "alignment", "diversity"}


@pytest.mark.parametrize("name", [*RISING, *FALLING])
def test_an_objective_changes_as_it_says(library, model, tf, session, name):
    objectives, param = library("optvis.objectives"), library("optvis.param")
    objective = {**RISING, **FALLING}[name](objectives)
    sign = -1 if name in FALLING else 1
    np.random.seed(0)  # noqa: NPY002
    tf.set_random_seed(0)
    T = library("optvis.render").make_vis_T(
        model,
        sign * objective,
        lambda: param.image(32, batch=5 if name in SEVERAL else None, sd=0.5),
        optimizer=tf.train.AdamOptimizer(0.1),
        transforms=[],
    )
    session.run(tf.global_variables_initializer())
    before = np.sum(session.run(T("loss")))
    for _ in range(3):
        session.run(T("vis_op"))
    assert np.sum(session.run(T("loss"))) > before


# Rendering


@pytest.mark.slow
@pytest.mark.parametrize("fft", [True, False])
@pytest.mark.parametrize("decorrelate", [True, False])
def test_render_in_every_parameterization(library, inception_v1, fft, decorrelate):
    objectives, param = library("optvis.objectives"), library("optvis.param")
    images = library("optvis.render").render_vis(
        inception_v1,
        objectives.neuron("mixed3a_pre_relu", 0),
        lambda: param.image(16, fft=fft, decorrelate=decorrelate),
        thresholds=(1, 2),
        transforms=[],
        verbose=False,
    )
    assert len(images) == 2 and not np.array_equal(*images)


@pytest.mark.slow
def test_render_with_a_fixed_seed(library, inception_v1):
    render, param = library("optvis.render"), library("optvis.param")
    images = render.render_vis(
        inception_v1,
        "mixed3a_pre_relu:0",
        lambda: param.image(64),
        thresholds=(0, 64),
        use_fixed_seed=True,
        verbose=False,
    )
    assert (abs(images[0] - images[1])).mean() > 0


@pytest.mark.parametrize(
    ("channels", "objective", "arguments"),
    [(1, "channel", [0]), (2, "neuron", [0]), (5, "deepdream", [])],
)
def test_render_any_number_of_channels(library, tf, channels, objective, arguments):
    objectives, param = library("optvis.objectives"), library("optvis.param")
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, None, None, channels], "images")
        tf.nn.relu(tf.concat([images, 1 - images], -1), name="layer")
        graph_def = graph.as_graph_def()
    model = library("modelzoo.vision_base").Model.from_graphdef(
        graph_def, "images", image_value_range=(0, 1), name="Any"
    )
    (image,) = library("optvis.render").render_vis(
        model,
        getattr(objectives, objective)("layer", *arguments),
        lambda: param.image(8, channels=channels),
        thresholds=(1,),
        transforms=[],
        verbose=False,
    )
    assert image.shape == (1, 8, 8, channels)


# Parameterizations

TEXTURE = np.arange(6.0).reshape(2, 3, 1)[::-1]
SAMPLES = [
    *[(0, 0, 0), (1, 1, 4), (0.5, 0.5, 2), (0.5, 0, 0.5), (0, 0.5, 1.5), (-1, -1, 5)],
    *[(3, 1, 3), (2.5, 1.5, 2.5), (5.5, 3.5, 2.5)],
]


def test_bilinear_sampling_repeats_the_texture(library, tf, session):
    spatial = library("optvis.param.spatial")
    places = np.array([((x + 0.5) / 3, (y + 0.5) / 2) for x, y, _ in SAMPLES])
    texture = tf.constant(TEXTURE.astype(np.float32))
    sampled = spatial.bilinearly_sampled_image(texture, tf.constant(places.astype(np.float32)))
    np.testing.assert_allclose(
        session.run(sampled)[:, 0], [value for *_, value in SAMPLES], atol=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pixel_image", "fft_image", "laplacian_pyramid_image"])
def test_a_parameterization_can_be_any_photo(library, tf, session, name):
    spatial, color = library("optvis.param.spatial"), library("optvis.param.color")
    photo = np.random.default_rng(0).random((1, 14, 14, 3)).repeat(8, 1).repeat(8, 2)
    image = color.to_valid_rgb(getattr(spatial, name)((1, 112, 112, 3)), sigmoid=True)
    distance = tf.reduce_mean(tf.abs(image - photo.astype(np.float32)))
    train = tf.train.AdamOptimizer(0.05).minimize(distance)
    session.run(tf.global_variables_initializer())
    for _ in range(1000):
        value, _ = session.run([distance, train])
        if value < 0.01:
            break
    assert value < 0.01


def test_image_samples_are_drawn_anew(library, tf, session):
    sample = library("optvis.param.random").image_sample([1, 16, 16, 3])
    assert not np.array_equal(session.run(sample), session.run(sample))


@pytest.mark.slow
def test_a_pattern_network_learns_xor(library, tf, session):
    param = library("optvis.param")
    for seed in range(3):
        with tf.Graph().as_default(), tf.Session() as session:
            np.random.seed(seed)  # noqa: NPY002
            image = param.cppn(16, num_output_channels=1)[0]
            corners = [image[0, 0], image[-1, -1], 1 - image[0, -1], 1 - image[-1, 0]]
            train = tf.train.AdamOptimizer(0.01).minimize(-tf.add_n(corners))
            session.run(tf.global_variables_initializer())
            for _ in range(200):
                session.run(train)
            if np.min(session.run(corners)) > 0.99:
                return
    raise AssertionError("not learnt in three tries")


@pytest.mark.parametrize("name", ["unit_ball_L2", "unit_ball_L_inf"])
def test_unit_balls_stay_within_one(library, tf, session, name):
    ball = getattr(library("optvis.param.unit_balls"), name)([4])
    size = tf.norm(ball) if name == "unit_ball_L2" else tf.reduce_max(tf.abs(ball))
    push = tf.constant([1.0, 2.0, 0.5, 1.0])
    train = tf.train.GradientDescentOptimizer(0.1).minimize(-tf.reduce_sum(push * ball))
    session.run(tf.global_variables_initializer())
    sizes = []
    for _ in range(16):
        session.run(train)
        sizes.append(session.run(size))
    assert np.diff(sizes).min() > -1e-6 and 0.1 < max(sizes) <= 1 + 1e-6


# The model zoo


def test_layers_before_the_relu_are_there(library, tf, session, inception_v1):
    image = tf.zeros([1, 64, 64, 3])
    T = library("optvis.render").import_model(inception_v1, image, image)
    blocks = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    shapes = {(T(f"mixed{b}").shape[-1], T(f"mixed{b}_pre_relu").shape[-1]) for b in blocks}
    assert all(before == after for before, after in shapes)


def test_models_are_made_by_name(library):
    nets = library("modelzoo.nets_factory")
    models = library("modelzoo.vision_models")
    assert isinstance(nets.get_model("InceptionV1"), models.InceptionV1)
    assert len(nets.models_map) >= 31
    with pytest.raises(ValueError, match="InceptionV1"):
        nets.get_model("InceptionV")
    for name in ("IMAGENET_MEAN", "absolute_import"):
        assert name not in dir(models)


@pytest.fixture
def saved(library, tf, tmp_path):
    """Path of a model saved from a session, and the graph."""
    Model = library("modelzoo.vision_base").Model
    path = str(tmp_path / "model.pb")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, 7, 9, 3], "input_image")
        kernel = tf.get_variable("kernel", [3, 3, 3, 4])
        logits = tf.reduce_mean(tf.nn.conv2d(images, kernel, 1, "SAME"), [1, 2])
        tf.nn.softmax(logits, name="probabilities")
        session.run(tf.global_variables_initializer())
        Model.save(path, "input_image", ["probabilities"], [7, 9, 3], [0, 1])
    return types.SimpleNamespace(path=path, graph_def=graph.as_graph_def())


def test_a_saved_model_is_loaded(library, saved):
    model = library("modelzoo.vision_base").Model.load(saved.path)
    assert tuple(model.image_shape) == (7, 9, 3) and model.input_name == "input_image"
    shown = repr(model.graph_def)
    assert all(f"size: {size}" in shown for size in (7, 9, 3))


def test_save_arguments_are_suggested(library, saved, capsys):
    suggested = library("modelzoo.vision_base").Model.suggest_save_args(saved.graph_def)
    assert suggested["input_name"] == "input_image"
    assert list(suggested["image_shape"]) == [7, 9, 3]
    assert suggested["output_names"] == ["probabilities"]
    said = capsys.readouterr().out
    assert all(name in said for name in suggested)


def test_suggestions_look_behind_bytes(library, tf):
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, 8, 8, 3], "bytes")
        floats = tf.truediv(tf.cast(images, tf.int32), tf.constant(255), name="divide")
        tf.nn.softmax(tf.reduce_mean(floats, [1, 2]), name="probabilities")
    suggested = library("modelzoo.vision_base").Model.suggest_save_args(graph.as_graph_def())
    assert suggested["input_name"].startswith("divide")
    assert suggested["image_value_range"] == (0, 1)


def test_suggestions_know_existing_graphs(library, inception_v1, capsys):
    suggested = type(inception_v1).suggest_save_args(inception_v1.graph_def)
    assert suggested["input_name"] == inception_v1.input_name


# Recipes


def test_interpolations_have_a_basis(library, tf, session):
    params = library("recipes.image_interpolation_params")
    assert params.multi_interpolation_basis() is not None
