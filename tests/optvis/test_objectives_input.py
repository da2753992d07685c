"""What objectives refuse, and what stands for one."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from settings import SETTINGS, eager, tf1

from lucidx.errors import InvalidTypeError, InvalidValueError, LucidxError
from lucidx.optvis import objectives as o
from lucidx.recipes.activation_atlas import render as atlas
from lucidx.recipes.caricature import dot_compare

A = np.arange(240, dtype=np.float32).reshape(2, 5, 6, 4)
ONES = np.ones(4)


def on(objective, **layers):
    """An objective's value on layers given as tensors, with labels."""
    return objective({**layers, "labels": ["tabby", "tiger cat", "espresso"]}.__getitem__)


IMPOSSIBLE = {
    "batch beyond": (lambda: o.channel("layer", 0, batch=2), "2 images .0 to 1.; asked for 2"),
    "batch far below": (lambda: o.deepdream("layer", batch=-3), "asked for -3"),
    "caricature beyond": (lambda: dot_compare("layer", 2), "2 images .0 to 1.; asked for 2"),
    "channel beyond": (lambda: o.channel("layer", 4), "'layer' has 4 channels .0 to 3."),
    "channel far beyond": (lambda: o.channel("layer", 2**40), "'layer' has 4 channels"),
    "no channel in slice": (lambda: o.channel("layer", slice(4, 9)), "none is in slice.4, 9"),
    "neuron's channel": (lambda: o.neuron("layer", -5), "4 channels .0 to 3.; asked for -5"),
    "class beyond": (lambda: o.class_logit("layer", 4), "has 4 channels"),
    "interpolated": (lambda: o.channel_interpolate("layer", 0, "layer", 9), "asked for 9"),
    "row beyond": (lambda: o.neuron("layer", 0, x=5), "5 rows .0 to 4.; asked for 5"),
    "column beyond": (lambda: o.direction_neuron("layer", ONES, y=-7), "6 columns"),
    "short direction": (lambda: o.direction("layer", [1, 2, 3]), "4 channels; .* 3 entries"),
    "long direction": (lambda: o.direction_neuron("layer", np.ones(5)), "5 entries"),
    "no direction": (lambda: o.direction("layer", []), "0 entries"),
    "matrix": (lambda: o.direction("layer", np.ones((6, 4))), r"\[C\] here; .* shape \(6, 4\)"),
    "number": (lambda: o.direction("layer", 1.0), r"shape \(\)"),
    "flat arrangement": (lambda: o.tensor_direction("layer", ONES), r"\[h, w, C\]"),
    "tall arrangement": (lambda: o.tensor_direction("layer", np.ones((6, 1, 4))), "5 rows; .* 6"),
    "wide arrangement": (lambda: o.tensor_direction("layer", np.ones((1, 7, 4))), "6 columns"),
    "unknown label": (lambda: o.class_logit("layer", "tiger"), "Did you mean 'tiger cat'"),
    "transparency": (lambda: o.blur_alpha_each_step(), "alpha=True"),
    "atlas without batch": (lambda: atlas.direction_neuron_S("layer", ONES), "batch=0"),
    "atlas direction": (lambda: atlas.direction_neuron_S("layer", [1], 0), "1 entries"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_is_not_there_is_refused(name):
    make, message = IMPOSSIBLE[name]

    def value(x):
        return on(make(), layer=x, input=x[..., :3])

    for setting in ("eager", "traced", "v1_graph"):
        with pytest.raises(InvalidValueError, match=message):
            SETTINGS[setting](value, A)


WRONG_KIND = {
    "batch": lambda: o.channel("layer", 0, batch="first"),
    "fractional batch": lambda: o.deepdream("layer", batch=0.0),
    "caricature's batch": lambda: dot_compare("layer", batch=None),
    "fractional channel": lambda: o.channel("layer", 1.5),
    "channel as text": lambda: o.channel("layer", "1"),
    "several channels": lambda: o.channel("layer", [1, 2]),
    "no channel": lambda: o.channel("layer", None),
    "no class": lambda: o.class_logit("layer", None),
    "fractional row": lambda: o.neuron("layer", 0, x=1.5),
    "column as text": lambda: o.neuron("layer", 0, y="left"),
    "direction as text": lambda: o.direction("layer", "up"),
    "ragged direction": lambda: o.direction("layer", [[1], [2, 3]]),
    "direction of None": lambda: o.direction("layer", None),
}


@pytest.mark.parametrize("name", WRONG_KIND)
def test_what_cannot_be_meant_is_refused(name):
    with pytest.raises(InvalidTypeError):
        eager(lambda x: on(WRONG_KIND[name](), layer=x), A)


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 3, 3, 3, 4)])
def test_positions_need_a_layer_that_has_them(shape):
    acts = np.zeros(shape, np.float32)
    assert on(o.channel("layer", 0), layer=acts) == 0
    for objective in (o.neuron("layer", 0), o.tensor_direction("layer", np.ones((1, 1, 4)))):
        with pytest.raises(InvalidValueError, match="Positions"):
            on(objective, layer=acts)


def test_mistakes_in_a_direction_show_where_it_is_made():
    with pytest.raises(InvalidTypeError):
        o.direction("layer", "up")
    with pytest.raises(InvalidValueError):
        o.tensor_direction("layer", ONES)


@pytest.mark.parametrize("x", [5, -6])
def test_positions_beyond_a_layer_of_unknown_size_are_refused_when_it_runs(x):
    with pytest.raises(tf.errors.InvalidArgumentError):
        SETTINGS["traced_with_unknown_positions"](lambda t: on(o.neuron("l", 0, x=x), l=t), A)


@pytest.mark.parametrize(
    "objective", [o.channel_interpolate("layer", 0, "layer", 1), o.alignment("layer")]
)
def test_comparing_images_needs_a_batch_of_known_size(objective):
    with tf.Graph().as_default(), pytest.raises(InvalidValueError, match="known batch size"):
        on(objective, layer=tf1.placeholder(tf.float32, [None, 3, 3, 2]))


def test_one_image_has_no_path_to_interpolate_along():
    with pytest.raises(InvalidValueError, match="batch=2 or more"):
        on(o.channel_interpolate("layer", 0, "layer", 1), layer=A[:1])


def test_text_stands_for_a_channel():
    assert on(o.as_objective("layer:1"), layer=A) == 119
    assert on(o.as_objective(" layer : -1 "), layer=A) == 121
    assert o.as_objective("block:0:7").description == "Channel [block:0, 7, None]"


def test_functions_and_objectives_stand_for_themselves():
    objective, function = o.deepdream("layer"), lambda T: T("layer")
    assert o.as_objective(objective) is objective
    assert o.as_objective(function) is function


@pytest.mark.parametrize(
    "text", ["", ":", "layer", "layer:", ":3", "layer:a", "layer:1.5", "layer:1e3", "layer:٣"]
)
def test_malformed_text_is_refused_with_an_example(text):
    with pytest.raises(InvalidValueError, match="'mixed4a:476'"):
        o.as_objective(text)


@given(st.text() | st.builds("{}:{}".format, st.text(), st.text("0123456789+-_ .\n\x00")))
@settings(deadline=None, max_examples=200)
def test_any_text_is_an_objective_or_a_lucidx_error(text):
    try:
        objective = o.as_objective(text)
    except LucidxError:
        return
    assert objective.name == "channel"


@given(st.text(min_size=1).filter(str.strip), st.integers(-999999999, 999999999))
def test_every_layer_name_can_be_written(layer, channel):
    assert o.layer_and_channel(f"{layer}:{channel}") == (layer.strip(), channel)


@pytest.mark.parametrize("thing", [None, 3, ["layer:1"], b"layer:1"])
def test_other_things_are_no_objectives(thing):
    with pytest.raises(InvalidTypeError, match="not"):
        o.as_objective(thing)
