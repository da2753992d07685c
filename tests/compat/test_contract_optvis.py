"""What the original's own tests asserted of optvis, by lucidx's own name and through compat.

Every test runs twice: with `lucidx` and TensorFlow 2's `tf.compat.v1`, and with `lucid` and the
TensorFlow 1 that compat shows.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest


def run(tf, session, fetches, feeds=None):
    session.run(tf.global_variables_initializer())
    return session.run(fetches, feeds)


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


class Subject(NamedTuple):
    """A model, and what there is to optimise in it."""

    model: Any
    layer: str
    before_relu: str
    n_channels: int
    logits: str
    label: str


@pytest.fixture
def small(library, tf):
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
    model = library("modelzoo.vision_base").Model.from_graphdef(
        graph_def, "images", image_value_range=(-1, 1), labels=list("abcd"), name="Small"
    )
    return Subject(model, "layer", "layer_pre_relu", 6, "softmax", "c")


@pytest.fixture
def inception(inception_v1):
    names = ("mixed4a", "mixed4a_pre_relu", 508, "softmax2_pre_activation", "tabby")
    return Subject(inception_v1, *names)


@pytest.fixture(params=["small", pytest.param("inception", marks=pytest.mark.slow)])
def subject(request):
    return request.getfixturevalue(request.param)


def vector(subject, *shape):
    rng = np.random.default_rng(0)
    return rng.random((*shape, subject.n_channels)).astype(np.float32)


RISING = {
    "neuron": lambda o, s: o.neuron(s.before_relu, 2),
    "channel": lambda o, s: o.channel(s.layer, 1),
    "direction": lambda o, s: o.direction(s.layer, vector(s)),
    "direction, cossim": lambda o, s: o.direction(s.layer, vector(s), cossim_pow=1),
    "direction, cossim squared": lambda o, s: o.direction(s.layer, vector(s), cossim_pow=2),
    "direction_neuron": lambda o, s: o.direction_neuron(s.layer, vector(s)),
    "direction_cossim": lambda o, s: o.direction_cossim(s.layer, vector(s)),
    "tensor_direction": lambda o, s: o.tensor_direction(s.layer, vector(s, 1, 3, 3)),
    "deepdream": lambda o, s: o.deepdream(s.layer),
    "total_variation": lambda o, s: o.total_variation(),
    "L1": lambda o, s: o.L1(),
    "L2": lambda o, s: o.L2(),
    "blur_input_each_step": lambda o, s: o.blur_input_each_step(),
    "channel_interpolate": lambda o, s: o.channel_interpolate(s.layer, 0, s.layer, 5),
    "class_logit": lambda o, s: o.class_logit(s.logits, s.label),
}
FALLING = {
    "penalize_boundary_complexity": lambda o, s: o.penalize_boundary_complexity([1, 32, 32, 3]),
    "alignment": lambda o, s: o.alignment(s.layer),
    "diversity": lambda o, s: o.diversity(s.layer),
    "input_diff": lambda o, s: o.input_diff(np.full([1, 32, 32, 3], 0.25, np.float32)),
}
SEVERAL = {"channel_interpolate", "alignment", "diversity"}
# At 32 pixels InceptionV1 has no logits, and less of mixed4a than the directions are wide.
LARGER = {"class_logit": 224, "tensor_direction": 64}


@pytest.mark.parametrize("name", [*RISING, *FALLING])
def test_an_objective_changes_as_it_says(library, subject, tf, session, name):
    objectives, param = library("optvis.objectives"), library("optvis.param")
    objective = {**RISING, **FALLING}[name](objectives, subject)
    sign = -1 if name in FALLING else 1
    np.random.seed(0)  # noqa: NPY002
    tf.set_random_seed(0)
    T = library("optvis.render").make_vis_T(
        subject.model,
        sign * objective,
        lambda: param.image(LARGER.get(name, 32), batch=5 if name in SEVERAL else None, sd=0.5),
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
