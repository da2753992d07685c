import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.interfaces import (
    INPUT,
    PRESETS,
    Activation,
    Attribution,
    Bars,
    Flow,
    HeatMap,
    Icons,
    Interface,
    Top,
    channels,
    classes,
    difference,
    groups,
    neurons,
    positions,
    preset,
    whole,
)

ELEMENTS = (
    HeatMap(Activation(positions("a"))),
    HeatMap(Attribution(positions("a"), positions("b"))),
    HeatMap(Attribution(positions(INPUT))),
    Icons(Top(Activation(neurons("a")), 4)),
    Icons(Activation(groups("a", 3))),
    Icons(Activation(groups("a", 3, "PCA"))),
    Bars(Attribution(channels("a"), difference())),
    Bars(Activation(classes())),
    Flow(Attribution(groups("a", 3), groups("b", 2))),
)
unions = st.lists(st.sampled_from(ELEMENTS), min_size=1).map(lambda es: Interface(tuple(es)))


@settings(deadline=None, max_examples=30)
@given(unions, unions, unions)
def test_unions_are_associative_and_hold_each_element_once(a, b, c):
    assert (a | b) | c == a | (b | c)
    assert a | a == a
    assert set(a | b) == set(a) | set(b)
    assert hash(a | b) == hash(Interface((*a, *b)))


@settings(deadline=None, max_examples=30)
@given(unions)
def test_what_is_shown_of_an_interface_is_python_that_makes_it(interface):
    made = eval(repr(interface))
    assert (made | interface) == interface


def test_elements_unite_with_elements_and_interfaces_and_stay_what_they_are():
    a, b, c = ELEMENTS[:3]
    both = a | b
    assert both == Interface((a, b))
    assert a | Interface((b, c)) == both | c == Interface((a, b, c))
    assert both == Interface((a, b))
    with pytest.raises(TypeError):
        a | "b"


def test_titles_survive_union():
    titled = Interface(ELEMENTS[:1]).titled("Mine", "Look.")
    assert (titled | ELEMENTS[1]).title == "Mine"
    assert (ELEMENTS[1] | titled).lead == "Look."


def test_values_cannot_be_changed_and_are_copied_and_pickled():
    for element in ELEMENTS:
        with pytest.raises(AttributeError):
            element.content = None
        assert copy.deepcopy(element) == pickle.loads(pickle.dumps(element)) == element


def test_a_layer_may_be_given_in_place_of_its_name(model):
    assert channels(model.layers[0]) == channels(model.layers[0].name)


@pytest.mark.parametrize(
    ("impossible", "reason"),
    [
        (lambda: Icons(Activation(whole("a"))), "parts"),
        (lambda: Icons(Attribution(whole(INPUT))), "own picture"),
        (lambda: Activation(whole(INPUT)), "no activations"),
        (lambda: channels(INPUT), "hidden layer"),
        (lambda: groups(INPUT, 3), "hidden layer"),
        (lambda: Icons(Activation(channels("a"))), "Top"),
        (lambda: Icons(Activation(neurons("a"))), "Top"),
        (lambda: Icons(Activation(classes())), "Bars"),
        (lambda: Icons(Attribution(positions("a"))), "HeatMap"),
        (lambda: HeatMap(Activation(neurons("a"))), "map"),
        (lambda: HeatMap(Activation(classes())), "no positions"),
        (lambda: HeatMap(Attribution(whole("a"))), "no positions"),
        (lambda: HeatMap(Attribution(channels("a"))), "Bars"),
        (lambda: HeatMap(Top(Activation(channels("a")))), "map"),
        (lambda: Bars(Activation(positions("a"))), "HeatMap"),
        (lambda: Bars(Activation(neurons("a"))), "Top"),
        (lambda: Bars(Attribution(groups("a"), groups("b"))), "Flow"),
        (lambda: Flow(Activation(groups("a"))), "groups"),
        (lambda: Flow(Attribution(channels("a"))), "groups"),
        (lambda: Flow(Attribution(groups("a"), difference())), "classes"),
        (lambda: Attribution(neurons("a")), "channels or positions"),
        (lambda: Attribution(classes()), "after the classes"),
        (lambda: Attribution(positions("a"), positions("a")), "later layer"),
        (lambda: Attribution(positions("a"), positions(INPUT)), "later layer"),
        (lambda: Attribution(channels("a"), channels("b")), "positions to positions"),
        (lambda: Attribution(positions("a"), groups("b")), "positions to positions"),
        (lambda: Attribution(positions(INPUT), positions("b")), "classes"),
        (lambda: Top(Activation(positions("a"))), "neurons or channels"),
        (lambda: Top(Activation(channels("a")), 0), "at least 1"),
        (lambda: groups("a", 0), "at least 1"),
        (lambda: Interface(()), "at least one"),
        (lambda: channels("output"), "classes()"),
    ],
)
def test_what_means_nothing_is_refused_with_the_reason(impossible, reason):
    with pytest.raises(InvalidValueError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        impossible()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Icons("mixed4d"),
        lambda: Activation("mixed4d"),
        lambda: Attribution(channels("a"), "tabby"),
        lambda: Top(channels("a")),
        lambda: Top(Activation(channels("a")), 2.5),
        lambda: groups("a", "six"),
        lambda: groups("a", 6, None),
        lambda: channels(7),
        lambda: channels(""),
        lambda: Interface(("a",)),
    ],
)
def test_other_kinds_of_things_are_refused(wrong):
    with pytest.raises(InvalidTypeError):
        wrong()


def test_the_article_s_interfaces_are_there_by_name():
    assert list(PRESETS) == [
        "semantic-dictionary",
        "activation-grid",
        "spatial-attribution",
        "channel-attribution",
        "neuron-groups",
        "compare-classes",
        "group-flow",
    ]
    for name in PRESETS:
        layers = ["a", "b"] if name in ("group-flow", "spatial-attribution") else ["a"]
        made = preset(name, layers)
        assert made.title
        assert made == preset(name, layers)


def test_an_unknown_preset_offers_the_closest():
    with pytest.raises(InvalidValueError, match="Did you mean 'semantic-dictionary'"):
        preset("semantic-dictionery", ["a"])


def test_presets_say_how_many_layers_they_show():
    with pytest.raises(InvalidValueError, match="shows 2 layers; 1 given"):
        preset("group-flow", ["a"])
    assert len(preset("activation-grid", ["a", "b", "c"]).elements) == 3
