"""What render_vis promises: its result, its seeds, its thresholds, its optimizers."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import InvalidValueError, NonFiniteLossError
from lucidx.optvis import objectives, param, render, transform

tf1 = tf.compat.v1


def small(batch=1, **options):
    return lambda: param.image(24, batch=batch, **options)


def run(model, objective="second:3", steps=3, **options):
    options = {"param_f": small(), "verbose": False, "seed": 0} | options
    return render.render_vis(model, objective, thresholds=(steps - 1,), **options)[-1]


def test_the_result_is_an_image_that_raises_the_objective(tiny):
    values = []
    image = run(tiny, steps=40, on_step=lambda vis, value: values.append(value))
    assert image.shape == (1, 24, 24, 3)
    assert image.dtype == np.float32
    assert 0 <= image.min() < image.max() <= 1
    assert np.mean(values[-5:]) > 2 * np.mean(values[:5])


def test_thresholds_give_one_image_each_in_increasing_order(tiny):
    images = render.render_vis(
        tiny, "second:3", small(), transforms=[], thresholds=(4, 0, 4, 2), verbose=False, seed=0
    )
    assert len(images) == 3
    alone = [run(tiny, steps=n, transforms=[]) for n in (1, 3, 5)]
    for image, same in zip(images, alone, strict=True):
        np.testing.assert_array_equal(image, same)


def test_nothing_of_a_picture_stays_in_memory_but_what_the_next_one_uses(tiny):
    def graphs():
        gc.collect()
        return sum(isinstance(thing, tf.Graph) for thing in gc.get_objects())

    def picture():
        return param.to_valid_rgb(param.naive([1, 24, 24, 3]), sigmoid=False)

    def many(number):
        for _ in range(number):
            run(tiny, param_f=picture, transforms=[transform.normalize_gradient()], steps=20)
        return graphs()

    assert many(1) == many(3)


@pytest.mark.parametrize("thresholds", [[1], range(2), np.array([0, 1]), {1}])
def test_thresholds_may_be_any_collection(tiny, thresholds):
    images = render.render_vis(tiny, "second:3", small(), thresholds=thresholds, verbose=False)
    assert len(images) == len(set(thresholds))


def test_the_same_seed_gives_the_same_image_whatever_the_global_state(tiny):
    np.random.seed(1)  # noqa: NPY002
    tf.random.set_seed(1)
    first = run(tiny, seed=7)
    np.random.seed(2)  # noqa: NPY002
    tf.random.set_seed(2)
    tf.random.normal([3])
    np.testing.assert_array_equal(first, run(tiny, seed=7))
    assert not np.array_equal(first, run(tiny, seed=8))
    assert np.array_equal(run(tiny, seed=None, use_fixed_seed=True), run(tiny, seed=0))


def test_without_a_seed_numpys_global_generator_decides(tiny):
    np.random.seed(3)  # noqa: NPY002
    first = run(tiny, seed=None)
    assert not np.array_equal(first, run(tiny, seed=None))
    np.random.seed(3)  # noqa: NPY002
    np.testing.assert_array_equal(first, run(tiny, seed=None))


def test_an_image_does_not_depend_on_its_batch_mates(tiny):
    alone = run(tiny, objectives.channel("second", 3, batch=0), steps=8)
    for other in (1, 5):
        both = objectives.channel("second", 3, batch=0) + objectives.channel(
            "second", other, batch=1
        )
        pair = run(tiny, both, steps=8, param_f=small(batch=2))
        np.testing.assert_allclose(pair[:1], alone, atol=1e-4)


def test_images_of_a_batch_start_from_different_noise(tiny):
    pair = run(tiny, steps=1, param_f=small(batch=2))
    assert np.abs(pair[0] - pair[1]).max() > 1e-3


@pytest.mark.parametrize("optimizer", [None, lambda: keras.optimizers.Adam(0.05)])
def test_a_run_goes_on_where_it_was_saved(tiny, optimizer, tmp_path):
    def fresh():
        return render.Visualization(tiny, "second:3", small(), optimizer, seed=4)

    whole, first, second = fresh(), fresh(), fresh()
    for _ in range(6):
        whole.advance()
    for _ in range(3):
        first.advance()
    np.savez(tmp_path / "run.npz", **first.state())
    with np.load(tmp_path / "run.npz") as state:
        second.restore(state)
    for _ in range(3):
        second.advance()
    np.testing.assert_array_equal(second.image(), whole.image())


def test_a_state_of_another_run_is_refused(tiny):
    state = render.Visualization(tiny, "second:3", small(), seed=1).state()
    with pytest.raises(InvalidValueError, match="seed 1; this one has 2"):
        render.Visualization(tiny, "second:3", small(), seed=2).restore(state)
    other = render.Visualization(tiny, "second:3", lambda: param.image(16), seed=1)
    with pytest.raises(InvalidValueError, match="variable_0"):
        other.restore(state)


def test_channels_share_one_traced_step(tiny, monkeypatch):
    imports = []
    real = tf.graph_util.import_graph_def

    def counting(*args, **kwargs):
        imports.append(kwargs.get("name"))
        return real(*args, **kwargs)

    run(tiny, "first:0", steps=1)  # the first time, the model's value range is checked too
    monkeypatch.setattr(tf.graph_util, "import_graph_def", counting)
    # A fresh parameterization, objective and list of transforms each time, as in a user's loop.
    for i in range(12):
        render.render_vis(
            tiny,
            0.5 * objectives.channel("second", i % 12) - 1e-3 * objectives.L2(),
            lambda: param.image(16),
            transforms=[transform.jitter(2)],
            thresholds=(0,),
            verbose=False,
        )
    assert len(imports) == 1


def test_the_same_trace_serves_different_numbers_rightly(tiny):
    for channel in (0, 5, 11):
        values = []
        objective = 2 * objectives.channel("second_pre_relu", channel) + 1
        image = run(
            tiny, objective, steps=1, transforms=[], on_step=lambda _, v, out=values: out.append(v)
        )
        assert image is not None
        start = render.Visualization(tiny, objective, small(), transforms=[], seed=0).image()
        acts = tiny.activations(start, "second_pre_relu")
        assert values[0] == pytest.approx(2 * acts[..., channel].mean() + 1, rel=1e-4)


def test_an_objective_of_ones_own_is_never_reused_stale(tiny):
    scale = 1.0

    def objective(T):
        return scale * tf.reduce_mean(T("second_pre_relu")[..., 3])

    def first_value():
        vis = render.Visualization(tiny, objective, small(), transforms=[], seed=0)
        return vis.advance()

    before, scale = first_value(), 2.0
    assert first_value() == pytest.approx(2 * before, rel=1e-5)


def test_weights_edited_in_place_are_noticed(tiny):
    before = run(tiny)
    for node in tiny.graph_def.node:
        if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum:
            values = tf.make_ndarray(node.attr["value"].tensor)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(-values))
    assert not np.array_equal(before, run(tiny))


def alive(kind):
    gc.collect()
    return sum(issubclass(type(o), kind) for o in gc.get_objects())


@pytest.mark.slow
def test_finished_runs_leave_nothing_behind(tiny):
    def once():
        run(tiny, lambda T: tf.reduce_mean(T("second")[..., 3]), steps=2)

    for _ in range(2):
        once()
    graphs, variables = alive(tf.Graph), alive(tf.Variable)
    for _ in range(3):
        once()
    assert alive(tf.Graph) <= graphs
    assert alive(tf.Variable) <= variables


def test_memory_does_not_grow_with_steps(tiny):
    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096 / 2**20

    vis = render.Visualization(tiny, "second:3", small(), seed=0)
    for _ in range(60):
        vis.advance()
    before = resident()
    for _ in range(600):
        vis.advance()
    assert resident() - before < 8  # MiB


@pytest.mark.parametrize(
    "optimizer",
    [
        None,
        lambda: tf1.train.AdamOptimizer(0.05),
        tf1.train.AdamOptimizer(tf.constant(0.05)),
        keras.optimizers.Adam(0.05, epsilon=1e-8),
        lambda: keras.optimizers.Adam(0.05, epsilon=1e-8),
    ],
)
def test_every_way_to_ask_for_adam_gives_lucids_steps(tiny, optimizer):
    expected = run(tiny, steps=4)
    for _ in range(2):  # the second time as good as new
        np.testing.assert_allclose(run(tiny, steps=4, optimizer=optimizer), expected, atol=1e-6)


def test_other_optimizers_work(tiny):
    for optimizer in (tf1.train.GradientDescentOptimizer(1.0), keras.optimizers.SGD(1.0)):
        assert run(tiny, optimizer=optimizer).shape == (1, 24, 24, 3)


def test_redirected_gradients_reach_units_that_are_off(tiny):
    # Twelve units whose input is pushed far below zero.
    for node in tiny.graph_def.node:
        if node.op == "Const" and [d.size for d in node.attr["value"].tensor.tensor_shape.dim] == [
            12
        ]:
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.full(12, -3, np.float32)))
    values = []
    run(
        tiny,
        steps=40,
        transforms=[],
        on_step=lambda _, v: values.append(v),
        optimizer=tf1.train.AdamOptimizer(0.5),
    )
    assert values[0] == 0
    assert values[-1] > 0.1


def test_objectives_may_ask_for_the_global_step(tiny):
    seen = []
    run(
        tiny,
        lambda T: (
            tf.reduce_mean(T("input")) * 0
            + tf.cast(tf1.train.get_or_create_global_step(), tf.float32)
        ),
        steps=4,
        on_step=lambda _, v: seen.append(v),
    )
    assert seen == [0, 1, 2, 3]


def test_objectives_see_the_image_and_the_labels(tiny):
    def objective(T):
        assert T("labels")[3] == "class 3"
        assert T("input").shape == [1, 24, 24, 3]
        return tf.reduce_mean(T("input")) + 0 * tf.reduce_mean(T("second"))

    pixels = small(fft=False, decorrelate=False)
    image = run(tiny, objective, steps=60, param_f=pixels, transforms=[])
    assert image.mean() > 0.9


def test_class_logits_by_name(tiny):
    by_name = run(tiny, objectives.class_logit("logits", "class 4"))
    np.testing.assert_array_equal(by_name, run(tiny, objectives.class_logit("logits", 4)))


def test_a_vector_objective_is_maximised_in_sum(tiny):
    seen = []
    objective = -1 * objectives.total_variation()
    run(tiny, objective, param_f=small(batch=2), on_step=lambda _, v: seen.append(v))
    assert seen[0].shape == (2,)


def test_parameterizations_may_use_variables_that_exist(tiny):
    mine = tf.Variable(np.zeros([1, 24, 24, 3], np.float32))
    run(tiny, param_f=lambda: tf.sigmoid(mine), steps=5)
    assert np.abs(mine.numpy()).max() > 0.1


def test_alpha_is_optimised_against_random_backgrounds(tiny):
    image = run(
        tiny,
        objectives.channel("second", 3) * (1 - tf.constant(0.5)),
        param_f=small(alpha=True),
        transforms=[*transform.standard_transforms, transform.collapse_alpha_random()],
    )
    assert image.shape == (1, 24, 24, 4)


def test_cppn_renders(tiny):
    assert run(tiny, param_f=lambda: param.cppn(24)).shape == (1, 24, 24, 3)


def test_random_parameterizations_are_drawn_anew_each_step_and_repeat(tiny):
    def param_f():
        return 0.5 * param.image(24) + 0.5 * param.image_sample([1, 24, 24, 3], sd=0.5)

    images = render.render_vis(
        tiny, "second:3", param_f, thresholds=(0, 1), verbose=False, seed=0, transforms=[]
    )
    assert np.abs(images[0] - images[1]).mean() > 0.01
    np.testing.assert_array_equal(images[-1], run(tiny, steps=2, param_f=param_f, transforms=[]))


def test_verbose_prints_the_objective_and_others(tiny, capsys):
    render.render_vis(
        tiny,
        "second:3",
        small(),
        thresholds=(0, 2),
        print_objectives=["second:4", objectives.channel("second", 5)],
        seed=0,
    )
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("0 ")
    assert printed[1].startswith("01: Channel [second, 4, None]: ")
    assert printed[2].startswith("02: Channel [second, 5, None]: ")
    assert sum(line.startswith("2 ") for line in printed) == 1


def test_interrupting_returns_the_images_so_far_and_the_current_one(tiny, caplog):
    def interrupt(vis, value):
        if vis.step == 3:
            raise KeyboardInterrupt

    images = render.render_vis(
        tiny, "second:3", small(), thresholds=(0, 100), verbose=False, seed=0, on_step=interrupt
    )
    assert len(images) == 2
    np.testing.assert_array_equal(images[-1], run(tiny, steps=3))
    assert "Interrupted at step 3" in caplog.text


def test_a_loss_that_is_not_finite_stops_at_once_with_the_last_good_image(tiny):
    def objective(T):
        step = tf.cast(tf1.train.get_or_create_global_step(), tf.float32)
        return tf.reduce_mean(T("second")) + tf.math.log(3.5 - step)

    with pytest.raises(NonFiniteLossError, match="step 4") as caught:
        run(tiny, objective, steps=50)
    assert caught.value.step == 4
    assert caught.value.image.shape == (1, 24, 24, 3)
    assert np.isfinite(caught.value.image).all()
    assert isinstance(caught.value, ArithmeticError)


def test_an_update_that_breaks_the_image_is_reported(tiny):
    with pytest.raises(NonFiniteLossError) as caught:
        run(tiny, steps=5, optimizer=tf1.train.GradientDescentOptimizer(np.inf), transforms=[])
    assert np.isfinite(caught.value.image).all()
