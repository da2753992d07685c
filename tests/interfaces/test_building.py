import os
import re
from pathlib import Path

import numpy as np
import pytest
from hostile_labels import HOSTILE

from lucidx import attribution
from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.factorization import compatible_groups, neuron_groups
from lucidx.interfaces import (
    INPUT,
    PRESETS,
    Activation,
    Attribution,
    Bars,
    Flow,
    HeatMap,
    Icons,
    Top,
    build,
    channels,
    classes,
    difference,
    groups,
    neurons,
    positions,
    preset,
    whole,
)
from lucidx.interfaces.grouping import effects_between
from lucidx.interfaces.photos import read
from lucidx.optvis.objectives import class_logit

PICTURES = Path(os.environ.get("LUCIDX_MODELS", "").split(os.pathsep)[0]).parent / "images"


def panel(page, kind):
    (found,) = (p for p in page.data["panels"] if p["type"] == kind)
    return found


@pytest.fixture
def make(model, photo, quick):
    def make(interface, classes=(0, 3, 4), photo=photo, **options):
        return build(interface, model, photo, classes=classes, quality=quick, **options)

    return make


@pytest.fixture(scope="module")
def image(model, photo):
    return read(photo, model).image


def test_a_dictionary_holds_the_strongest_channels_of_each_place(model, image, make):
    entry = Top(Activation(neurons("last")), 3)
    found = panel(make(Icons(entry) | Bars(entry)), "dictionary")
    acts = model.activations(image, "last")
    np.testing.assert_array_equal(found["channels"], np.argsort(-acts, -1, "stable")[..., :3])
    np.testing.assert_allclose(found["values"], -np.sort(-acts, -1)[..., :3], rtol=1e-5)
    drawn = found["icons"]["members"]
    assert drawn == sorted(set(drawn))
    assert set(drawn) <= set(found["channels"][found["values"] > 0])
    assert found["icons"]["sheet"].pixels.shape == (
        16 * -(-len(drawn) // found["icons"]["sheet"].columns),
        16 * found["icons"]["sheet"].columns,
        3,
    )


def test_channels_are_ranked_by_what_they_did_for_a_class(model, image, make):
    found = panel(make(Bars(Top(Attribution(channels("late")), 2))), "ranking")
    for index, ranking in zip((0, 3, 4), found["rankings"], strict=True):
        why = attribution.attribute(
            model, image, class_logit("scores", index), "late", "path", steps=8
        )
        expected = why.top(2)
        assert [c for c, _ in ranking["supporting"]] == [c for c, _ in expected.supporting]
        assert [c for c, _ in ranking["opposing"]] == [c for c, _ in expected.opposing]


def test_two_classes_are_compared_by_attribution_to_their_difference(model, image, make):
    interface = Bars(Top(Attribution(channels("late"), difference()), 3)) | Bars(
        Attribution(whole("late"), difference())
    )
    page = make(interface, classes=[5, 2])
    between = class_logit("scores", 5) - class_logit("scores", 2)
    expected = attribution.attribute(model, image, between, "late", "path", steps=8)
    (ranking,) = panel(page, "ranking")["rankings"]
    assert ranking["label"] == (0, 1)
    np.testing.assert_allclose(
        [v for _, v in ranking["supporting"]],
        [v for _, v in expected.top(3).supporting],
        rtol=1e-3,
    )
    first, second = panel(page, "total")["totals"]
    assert first - second == pytest.approx(expected.total, rel=1e-3, abs=1e-6)


def test_effects_of_groups_and_the_rest_add_up_to_the_layer_s(model, image, make):
    parts = groups("late", 3)
    found = panel(make(Icons(Activation(parts)) | Bars(Attribution(parts))), "groups")
    for k, index in enumerate((0, 3, 4)):
        score = class_logit("scores", index)
        whole_layer = attribution.attribute(model, image, score, "late", "path", steps=8)
        assert found["effects"][k].sum() + found["rest"][k] == pytest.approx(
            whole_layer.total, rel=1e-4, abs=1e-6
        )


def test_maps_of_one_layer_share_a_panel(model, image, make):
    interface = (
        HeatMap(Activation(positions("late")))
        | Bars(Activation(classes()))
        | HeatMap(Activation(channels("late")))
        | HeatMap(Attribution(positions("late")))
        | HeatMap(Attribution(positions("late"), positions("last")))
    )
    page = make(interface)
    assert [p["type"] for p in page.data["panels"]] == ["map", "answer", "map"]
    found = page.data["panels"][0]
    assert [m["of"] for m in found["maps"]] == ["positions", "channels", "classes", "links"]
    norms, by_channel, by_class, links = (m["values"] for m in found["maps"])
    acts = model.activations(image, "late")
    np.testing.assert_allclose(norms[0], np.linalg.norm(acts, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(by_channel[0], acts[..., found["maps"][1]["members"][0]])
    assert by_class.shape == (3, 8, 8)
    assert links.shape == (16, 64)


def test_links_between_layers_show_both_layers(make):
    page = make(HeatMap(Attribution(positions("early"), positions("last"))))
    assert [(p["type"], p["layer"]) for p in page.data["panels"]] == [
        ("map", "early"),
        ("map", "last"),
    ]


def test_what_flows_to_classes_is_what_groups_did_for_them(make):
    lower, upper = groups("middle", 3), groups("last", 2)
    interface = Flow(Attribution(upper, classes())) | Flow(Attribution(lower, upper))
    page = make(interface | Bars(Attribution(upper)))
    found = panel(page, "flow")
    assert [(c["layer"], c["number"]) for c in found["columns"]] == [
        ("middle", 3),
        ("last", 2),
        ("output", 3),
    ]
    to_classes, between = found["links"]
    assert (between["from"], between["to"], between["values"].shape) == (0, 1, (3, 2))
    assert (to_classes["from"], to_classes["to"], to_classes["values"].shape) == (1, 2, (2, 3))
    np.testing.assert_array_equal(to_classes["values"], panel(page, "groups")["effects"].T)


def test_classes_are_the_model_s_top_predictions_by_default(model, image, photo, quick):
    page = build(Bars(Activation(classes())), model, photo, quality=quick)
    scores = model.activations(image, "scores")
    best = np.argsort(-scores)[:3]
    assert [c["label"] for c in page.data["classes"]] == [HOSTILE[i] for i in best]
    probabilities = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(
        [c["probability"] for c in page.data["classes"]], probabilities[best], rtol=1e-5
    )


def test_classes_are_named_by_label_or_index_or_counted(make):
    interface = Bars(Activation(classes()))
    for asked in ([HOSTILE[2], 5], [2, 5, 2]):
        labels = [c["label"] for c in make(interface, asked).data["classes"]]
        assert labels == [HOSTILE[2], HOSTILE[5]]
    assert len(make(interface, 2).data["classes"]) == 2
    assert [c["label"] for c in make(interface, HOSTILE[2]).data["classes"]] == [HOSTILE[2]]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_made_of_the_grammar_and_nothing_else(pages, layers, name):
    page = pages(name)
    interface = preset(name, layers.get(name, ("late",)))
    assert page.data["grammar"] == repr(interface)
    assert page.data["title"] == interface.title
    assert page.data["notes"][0]["term"] == "Photo"


def test_a_union_of_one_s_own(make):
    """Which channels speak for a class, where groups are, and what the network says, in one."""
    effects = Top(Attribution(channels("last"), classes()), 3)
    mine = HeatMap(Activation(groups("late", 3))) | HeatMap(Attribution(positions("last")))
    mine |= Icons(effects) | Bars(effects) | Bars(Activation(classes()))
    page = make(mine.titled("Mine"))
    assert page.data["title"] == "Mine"
    assert [p["type"] for p in page.data["panels"]] == ["map", "map", "ranking", "answer"]


def test_seeds_repeat_pages(make):
    entry = Icons(Top(Activation(neurons("late")), 2))
    first, again = (make(entry, seed=3).html for _ in range(2))
    assert first == again


def test_progress_goes_from_nothing_to_all(make):
    seen = []
    make(preset("neuron-groups", ["late"]), progress=lambda done, what: seen.append((done, what)))
    shares = [done for done, _ in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert "groups of late" in [what for _, what in seen]


def test_where_nothing_is_active_nothing_is_made_up(quick, photo):
    import keras

    from lucidx.modelzoo.vision_base import Model

    image = keras.Input([16, 16, 3])
    dead = keras.layers.Conv2D(
        4,
        3,
        activation="relu",
        bias_initializer=keras.initializers.Constant(-1e3),
        name="dead",
    )(image)
    model = Model.from_keras(keras.Model(image, dead), (-1, 1))
    entry = Top(Activation(neurons("dead")), 2)
    page = build(Icons(entry) | Bars(entry), model, photo, quality=quick)
    assert not panel(page, "dictionary")["values"].any()
    assert "icons" not in panel(page, "dictionary")
    assert "NaN" not in page.html
    for impossible in (Icons(Activation(positions("dead"))), Icons(Activation(groups("dead", 2)))):
        with pytest.raises(InvalidValueError, match="'dead'"):
            build(impossible, model, photo, quality=quick)


def test_unknown_classes_offer_the_closest(make, model):
    with pytest.raises(InvalidValueError, match="has no class 'dogg'") as raised:
        make("neuron-groups", ["dogg"])
    assert "There are" in str(raised.value)
    for wrong in ([8], [-1], 0):
        with pytest.raises(InvalidValueError, match=r"classes 0 to 7|At least 1"):
            make("neuron-groups", wrong)
    with pytest.raises(InvalidTypeError, match="labels or indices"):
        make("neuron-groups", [2.5])


def test_unknown_layers_and_interfaces_offer_the_closest(make):
    with pytest.raises(UnknownLayerError, match="Did you mean 'late'"):
        make("neuron-groups", layers=["latte"])
    with pytest.raises(InvalidValueError, match="Did you mean 'neuron-groups'"):
        make("neuron-group")
    with pytest.raises(InvalidTypeError, match="leave out `layers`"):
        make(Bars(Activation(classes())), layers=["late"])
    with pytest.raises(InvalidTypeError, match="union of elements"):
        make(7)


def test_more_groups_than_positions_are_refused(make):
    with pytest.raises(InvalidValueError, match="16 positions"):
        make(HeatMap(Activation(groups("last", 17))))


def test_groups_of_negative_activations_are_refused_with_what_can_be_done(make):
    with pytest.raises(InvalidValueError, match=r"'signed'.*method='KMeans'\), or take 'last'"):
        make(HeatMap(Activation(groups("signed", 2))))


@pytest.mark.parametrize("method", ["KMeans", "PCA"])
def test_negative_activations_are_grouped_by_other_methods(model, image, make, method):
    parts = groups("signed", 2, method)
    shown = HeatMap(Activation(parts)) | Bars(Attribution(parts))
    page = make(shown | Flow(Attribution(groups("last", 2), parts)))
    expected = neuron_groups(model, image, "signed", 2, method)
    (spatial,) = (m["values"] for p in page.data["panels"] for m in p.get("maps", ()))
    np.testing.assert_allclose(spatial, np.moveaxis(expected.spatial[0], -1, 0), atol=1e-5)
    found = panel(page, "groups")
    for k, index in enumerate((0, 3, 4)):
        score = class_logit("scores", index)
        layer = attribution.attribute(model, image, score, "signed", "path", steps=4)
        np.testing.assert_allclose(found["effects"][k], layer.groups(expected).effects, atol=1e-5)


def test_effects_between_groups_are_those_of_compatible_groups(model, image):
    found = compatible_groups(model, image, ["middle", "last"], 3)
    (expected,) = found.effects
    effects = effects_between(model, image, *found.groups)
    np.testing.assert_allclose(effects, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("network", "name"),
    [
        pytest.param(network, name, marks=[pytest.mark.slow] * name.startswith(("act", "sem")))
        for network in ("residual", "mixed")
        for name in PRESETS
    ],
)
def test_presets_show_networks_of_any_form(request, photo, quick, network, name):
    """On the layers that they choose, with few ReLUs or none."""
    model = request.getfixturevalue(network)
    page = build(name, model, photo, quality=quick)
    assert page.data["layers"]
    if name in ("neuron-groups", "group-flow"):
        assert ("'KMeans'" in page.data["grammar"]) == (network == "residual")


def test_a_page_says_what_passes_around_a_layer(residual, photo, quick):
    def captions(layer):
        page = build(Bars(Attribution(channels(layer))), residual, photo, quality=quick)
        return page.data["panels"][0]["caption"]

    assert "100% of the change passes around idle, and is not shown" in captions("idle")
    assert re.search(r"\d+% of the change passes around branch0", captions("branch0"))
    assert "100%" not in captions("branch0")
    assert "passes around" not in captions("stem")


@pytest.mark.parametrize("layer", ["late", INPUT])
def test_a_score_is_what_is_there_without_a_layer_and_what_the_layer_adds(make, layer):
    page = make(Bars(Attribution(whole(layer), difference())))
    found = panel(page, "total")
    sums = np.array([found["without"], found["totals"], found["missed"]]).sum(0)
    np.testing.assert_allclose(sums, [c["score"] for c in page.data["classes"]], atol=1e-5)


def test_a_page_says_how_far_attributions_are_from_adding_up(make):
    page = make(Bars(Attribution(channels("late"))) | HeatMap(Attribution(positions(INPUT))))
    (note,) = (n for n in page.data["notes"] if n["term"] == "Attribution to classes")
    assert re.search(
        r"late: 8 steps miss (up to|less than) \d+% of .*, without weights .*%\.", note["how"]
    )
    assert "no evidence that they are accurate" in note["how"]
    assert "black parts get nothing" in note["limits"]


def test_classes_of_one_name_are_told_apart(residual, photo, quick):
    interface = Bars(Activation(classes()))
    page = build(interface, residual, photo, classes=[2, "egret", 0], quality=quick)
    assert [c["label"] for c in page.data["classes"]] == ["crane (2)", "egret", "crane (0)"]
    with pytest.raises(InvalidValueError, match="0 and 2"):
        build(interface, residual, photo, classes="crane", quality=quick)


def test_one_layer_need_not_be_in_a_list(make):
    assert make("neuron-groups", layers="late").data["layers"] == ["late"]


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("compare-classes", {"classes": [1]}, "compares two classes: .* given. Name two or more"),
        ("group-flow", {"layers": ["last", "early"]}, "lowest first: try early,last"),
        ("spatial-attribution", {"layers": ["late", "last", "early"]}, "try early,late,last"),
        ("compare-classes", {"layers": ["early", "late"]}, r"shows 1 layer; 2 given \(early, late"),
        ("neuron-groups", {"layers": []}, "shows 1 layer; 0 given"),
    ],
)
def test_presets_say_what_they_need_in_plain_words(make, name, options, reason):
    with pytest.raises(InvalidValueError, match=f"^{name} .*{reason}") as raised:
        make(name, **options)
    assert "Attribution(" not in str(raised.value)


def test_models_of_other_images_than_photos_are_refused(quick):
    import keras

    from lucidx.modelzoo.vision_base import Model

    image = keras.Input([8, 8, 5])
    convolution = keras.layers.Conv2D(4, 3, activation="relu", name="only")(image)
    model = Model.from_keras(keras.Model(image, convolution), (-1, 1))
    with pytest.raises(InvalidValueError, match="5 channels"):
        build(HeatMap(Activation(positions("only"))), model, np.zeros([8, 8]), quality=quick)


def test_models_of_grey_images_show_photos(quick, photo):
    import keras

    from lucidx.modelzoo.vision_base import Model

    keras.utils.set_random_seed(0)
    image = keras.Input([16, 16, 1])
    convolution = keras.layers.Conv2D(4, 3, activation="relu", name="only")(image)
    model = Model.from_keras(keras.Model(image, convolution), (-1, 1))
    interface = Icons(Activation(positions("only"))) | Icons(Top(Activation(neurons("only")), 2))
    page = build(interface, model, photo, quality=quick)
    assert panel(page, "grid")["picture"].pixels.shape[-1] == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_presets_of_a_real_network_are_small(efficientnet, photo, quick, name):
    page = build(name, efficientnet, photo, quality=quick)
    assert len(page.html) < 5e6
    assert page.data["model"] == "EfficientNetLite0"


@pytest.mark.slow
def test_a_photo_of_a_dog_and_a_cat(inception_v1, quick):
    """The places that speak for a dog are those of the dog, and of the cat for a cat."""
    photo = PICTURES / "dog_cat.jpg"
    if not photo.exists():
        pytest.skip(f"There is no {photo}.")
    interface = HeatMap(Attribution(positions("mixed4d"), classes()))
    page = build(
        interface, inception_v1, photo, classes=["golden retriever", "tiger cat"], quality=quick
    )
    columns = np.arange(14)
    dog, cat = (
        (np.maximum(m, 0).sum(0) @ columns) / np.maximum(m, 0).sum()
        for m in panel(page, "map")["maps"][0]["values"]
    )
    assert cat - dog > 1.4
