import pytest

from lucidx.errors import InvalidValueError, UnknownLayerError
from lucidx.interfaces import (
    INPUT,
    Activation,
    Attribution,
    Bars,
    Flow,
    HeatMap,
    Icons,
    Top,
    channels,
    classes,
    difference,
    groups,
    neurons,
    plan,
    positions,
    preset,
    whole,
)
from lucidx.interfaces.planning import (
    AttributeClass,
    ComputeActivations,
    DrawChannels,
    DrawGroups,
    FindGroups,
    LinkPositions,
)


def test_each_thing_is_computed_once_however_many_elements_need_it(model):
    effects = Attribution(channels("late"), classes())
    interface = (
        Icons(Top(effects, 3))
        | Bars(Top(effects, 3))
        | Bars(effects)
        | HeatMap(Attribution(positions("late"), classes()))
        | Bars(Attribution(whole("late"), difference()))
        | HeatMap(Activation(channels("late")))
    )
    assert plan(interface, model, classes=[5, 2, 5]).tasks == (
        ComputeActivations("late"),
        AttributeClass("late", 5),
        AttributeClass("late", 2),
        DrawChannels("late", (Top(effects, 3),)),
    )


def test_channels_of_a_layer_are_drawn_together(model):
    here, overall = Top(Activation(neurons("late")), 2), Top(Activation(channels("late")), 4)
    tasks = plan(Icons(here) | Icons(overall), model).tasks
    assert tasks == (ComputeActivations("late"), DrawChannels("late", (here, overall)))


def test_groups_that_flow_into_each_other_are_found_together(model):
    lower, upper = groups("middle", 3), groups("last", 2)
    interface = (
        Flow(Attribution(lower, upper))
        | Icons(Activation(upper))
        | HeatMap(Activation(lower))
        | HeatMap(Activation(groups("late", 4)))
    )
    tasks = plan(interface, model).tasks
    assert [t for t in tasks if isinstance(t, FindGroups)] == [
        FindGroups((lower, upper)),
        FindGroups((groups("late", 4),)),
    ]
    assert tasks[-1] == DrawGroups(upper)


def test_a_better_quality_costs_more_and_a_plan_says_what_it_does(model):
    interface = preset("neuron-groups", ["late"])
    fast, full = (plan(interface, model, [0], quality) for quality in ("fast", "full"))
    assert 0 < fast.cost < full.cost
    assert "icons of 6 groups of late" in str(fast)


def test_nothing_but_what_is_asked_for_is_planned(model):
    assert plan(Bars(Activation(classes())), model, [0]).tasks == ()
    links = HeatMap(Attribution(positions("early"), positions("late")))
    assert plan(links, model).tasks == (
        ComputeActivations("early"),
        ComputeActivations("late"),
        LinkPositions("early", "late"),
    )
    at_input = HeatMap(Attribution(positions(INPUT)))
    assert plan(at_input, model, [1]).tasks == (AttributeClass(INPUT, 1),)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (HeatMap(Attribution(positions("late"), positions("early"))), "does not depend"),
        (Flow(Attribution(groups("last", 2), groups("middle", 2))), "does not depend"),
        (Icons(Top(Activation(neurons("dense")))), "dense"),
        (HeatMap(Activation(positions("dense"))), "dense"),
        (HeatMap(Activation(channels("dense"))), "dense"),
        (Icons(Activation(groups("dense", 2))), "dense"),
        (Icons(Activation(groups("early", 9))), "8 channels"),
        (Icons(Activation(groups("early", 2, "NFM"))), "Did you mean 'NMF'"),
        (Bars(Attribution(channels("late"))), "needs 1 classes"),
        (Bars(Attribution(channels("late"), difference())), "needs 2 classes"),
    ],
)
def test_what_the_model_cannot_have_is_refused_with_the_reason(model, element, reason):
    with pytest.raises(InvalidValueError, match=reason):
        plan(element, model)


def test_dense_layers_have_channels(model):
    effects = Bars(Attribution(channels("dense")))
    assert AttributeClass("dense", 1) in plan(effects, model, [1]).tasks


def test_attribution_from_a_layer_after_the_classes_is_refused(efficientnet):
    with pytest.raises(InvalidValueError, match="does not depend on 'probabilities'"):
        plan(Bars(Attribution(channels("probabilities"))), efficientnet, [0])


def test_an_unknown_layer_offers_the_closest(model):
    with pytest.raises(UnknownLayerError, match="Did you mean 'middle'"):
        plan(HeatMap(Activation(positions("midle"))), model)


def test_groups_flow_into_one_layer_only(model):
    lower = groups("early", 3)
    flows = Flow(Attribution(lower, groups("late", 3))) | Flow(
        Attribution(lower, groups("last", 3))
    )
    with pytest.raises(InvalidValueError, match="one layer"):
        plan(flows, model)


def test_an_unknown_quality_is_refused(model):
    with pytest.raises(InvalidValueError, match="no quality 'best'"):
        plan(Bars(Activation(classes())), model, [0], "best")


def test_classes_of_a_model_that_has_none_are_refused():
    import keras

    from lucidx.modelzoo.vision_base import Model

    image = keras.Input([16, 16, 3])
    convolution = keras.layers.Conv2D(4, 3, activation="relu", name="only")(image)
    model = Model.from_keras(keras.Model(image, convolution), (-1, 1))
    with pytest.raises(InvalidValueError, match="no layer of class scores"):
        plan(Bars(Attribution(channels("only"))), model, [0])
    assert plan(HeatMap(Activation(positions("only"))), model).tasks == (
        ComputeActivations("only"),
    )
