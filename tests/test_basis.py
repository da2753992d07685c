"""A basis: named directions in a layer, whatever they come from."""

import dataclasses
import pickle

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from scipy.optimize import nnls
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF, PCA

from lucidx import basis
from lucidx.basis import Basis
from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.misc.channel_reducer import ChannelReducer
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import objectives, param, render

DEPTH = 6
few_examples = settings(max_examples=20, deadline=None)
numbers = st.floats(-8, 8, width=32)


def network(t):
    """Two convolutions, their kernels random, and a score for each of three classes."""
    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=[3, 3, 3, DEPTH]), rng.normal(size=[3, 3, DEPTH, 4])]
    t = tf.nn.relu(tf.nn.conv2d(t, kernels[0].astype("f"), 2, "SAME"), name="first")
    t = tf.nn.relu(tf.nn.conv2d(t, kernels[1].astype("f"), 2, "SAME"), name="second")
    tf.reduce_sum(t, [1, 2, 3], name="total")
    weights = rng.normal(size=[4, 3]).astype("f")
    tf.matmul(tf.reduce_mean(t, [1, 2]), weights, name="scores")


@pytest.fixture(scope="module")
def model():
    with tf.Graph().as_default() as graph:
        network(tf.compat.v1.placeholder(tf.float32, [None, 24, 24, 3], "input"))
    return Model.from_graphdef(graph.as_graph_def(), "input", (-1, 1), labels=["ant", "bee", "cat"])


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def of(activations):
    """T of recorded activations."""
    return lambda layer: activations


def test_channels_of_a_layer(model):
    every = basis.channels(model, "first")
    assert len(every) == DEPTH
    np.testing.assert_array_equal(every.directions, np.eye(DEPTH))
    some = basis.channels(model, "first", [4, -1])
    assert some.names == ("first:4", "first:5")
    np.testing.assert_array_equal(some.directions, np.eye(DEPTH)[[4, 5]])


def test_channels_that_are_not_there(model):
    with pytest.raises(UnknownLayerError, match="second"):
        basis.channels(model, "secnd")
    with pytest.raises(InvalidValueError, match=r"6 channels.*asked for 6"):
        basis.channels(model, "first", [6])
    with pytest.raises(InvalidValueError, match="at least one"):
        basis.channels(model, "first", [])


def test_members_are_chosen_by_number_name_slice_list_or_mask():
    b = basis.directions("x", random(4, 3), ["ear", "eye", "fur", "paw"])
    assert b["fur"].names == ("fur",)
    assert b[-1].names == ("paw",)
    assert b[1:3].names == ("eye", "fur")
    assert b[[3, "ear"]].names == ("paw", "ear")
    assert b[b.directions[:, 0] == b.directions[2, 0]].names == ("fur",)
    assert [member.names for member in b] == [("ear",), ("eye",), ("fur",), ("paw",)]
    np.testing.assert_array_equal(b[[3, 0]].directions, b.directions[[3, 0]])
    assert b[1:][[1, 0]].origin["members"] == [2, 1]


@pytest.mark.parametrize(
    ("member", "error", "says"),
    [
        ("fir", InvalidValueError, "Did you mean 'fur'"),
        (4, InvalidValueError, "4 members"),
        (np.array([True, False]), InvalidValueError, "4 members"),
        ([], InvalidValueError, "at least one"),
        (1.5, InvalidTypeError, "1.5"),
    ],
)
def test_members_that_are_not_there(member, error, says):
    b = basis.directions("x", random(4, 3), ["ear", "eye", "fur", "paw"])
    with pytest.raises(error, match=says):
        b[member]


def test_a_basis_cannot_be_changed():
    given = random(2, 3)
    b = Basis("x", given)
    given[:] = 0
    assert b.directions.any()
    with pytest.raises(ValueError, match="read-only"):
        b.directions[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        b.layer = "y"
    with pytest.raises(TypeError):
        b.origin["method"] = "mine"


def test_a_basis_survives_pickling():
    b = basis.directions("x", random(2, 3), ["a", "b"], origin={"method": "mine", "from": [1]})
    copy = pickle.loads(pickle.dumps(b))
    np.testing.assert_array_equal(copy.directions, b.directions)
    assert (copy.layer, copy.names, dict(copy.origin)) == (b.layer, b.names, dict(b.origin))


def test_names_become_different():
    assert Basis("x", random(4, 3), ("a", "a", "a (2)", "a")).names == (
        "a",
        "a (3)",
        "a (2)",
        "a (4)",
    )


@few_examples
@given(st.lists(st.sampled_from(["a", "a (2)", "a (2) (2)", "b"]), min_size=1, max_size=8))
def test_names_are_always_different_and_kept_where_they_can_be(names):
    b = Basis("x", np.ones([len(names), 2]), tuple(names))
    assert len(set(b.names)) == len(names)
    assert set(names) <= set(b.names)


@pytest.mark.parametrize(
    ("array", "error", "says"),
    [
        ([[1, 2], [0, 0]], InvalidValueError, "1 directions are zero.*rows 1"),
        ([[1, np.nan]], InvalidValueError, "not finite"),
        ([[1e300, 0]], InvalidValueError, "not finite"),
        (np.ones([2, 2, 2]), InvalidValueError, "K, C"),
        (np.ones([0, 3]), InvalidValueError, "at least one"),
        ([["a"]], InvalidTypeError, "numbers"),
        ([[1], [1, 2]], InvalidTypeError, "array"),
    ],
)
def test_impossible_directions(array, error, says):
    with pytest.raises(error, match=says):
        Basis("x", array)


def test_impossible_names_and_origin():
    with pytest.raises(InvalidValueError, match="1 names for 2"):
        Basis("x", np.ones([2, 2]), ("a",))
    with pytest.raises(InvalidTypeError, match="JSON"):
        Basis("x", np.ones([2, 2]), origin={"function": len})
    with pytest.raises(InvalidTypeError, match="strings"):
        Basis(3, np.ones([2, 2]))


def test_directions_must_be_as_deep_as_the_layer(model):
    assert len(basis.directions("first", random(9, DEPTH), model=model)) == 9
    with pytest.raises(InvalidValueError, match=r"6 channels.*transposed"):
        basis.directions("first", random(DEPTH, 9), model=model)
    with pytest.raises(InvalidValueError, match=r"\[N, H, W, C\]"):
        basis.directions("total", random(1, 3), model=model)


@few_examples
@given(st.integers(1, 5), st.sampled_from([0, 2]))
def test_the_objective_is_the_sum_of_one_direction_per_image(members, power):
    b, acts = Basis("x", random(members, 3)), random(members, 4, 4, 3, seed=1)
    each = [
        objectives.direction("x", b.directions[k], power, batch=k)(of(acts)) for k in range(members)
    ]
    whole = b.objective(cossim_pow=power)(of(acts))
    np.testing.assert_allclose(whole, sum(each), rtol=1e-4, atol=1e-5)


def test_the_objective_of_one_member_is_its_direction():
    b, acts = Basis("x", random(3, 5), ("a", "b", "c")), random(1, 4, 4, 5, seed=1)
    expected = objectives.direction("x", b.directions[1])(of(acts))
    assert b.objective(1)(of(acts)) == b.objective("b")(of(acts)) == expected


def test_the_objective_is_the_same_in_a_graph_and_when_traced():
    b, acts = Basis("x", random(3, 5)), random(3, 4, 4, 5, seed=1)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        in_session = session.run(b.objective(cossim_pow=1)(of(tf.constant(acts))))
    traced = tf.function(lambda: b.objective(cossim_pow=1)(of(tf.constant(acts))))()
    eager = b.objective(cossim_pow=1)(of(acts))
    np.testing.assert_allclose([in_session, traced], eager, rtol=1e-5)


def test_channels_of_dense_layers_can_be_drawn(model):
    acts = random(3, 3)
    drawn = basis.channels(model, "scores").objective()(of(acts))
    np.testing.assert_allclose(drawn, np.trace(acts), rtol=1e-6)


def test_a_batch_of_another_size_is_refused(model):
    objective = basis.channels(model, "first", [0, 1, 2]).objective()
    with pytest.raises(InvalidValueError, match="batch=3"):
        render.render_vis(model, objective, lambda: param.image(16, batch=2), thresholds=[0])


def test_all_members_are_drawn_in_one_batch(model):
    b = basis.channels(model, "first", [1, 3])
    (images,) = render.render_vis(
        model,
        b.objective(),
        lambda: param.image(16, batch=2),
        transforms=[],
        thresholds=[30],
        verbose=False,
        seed=0,
    )
    strength = model.activations(images, "first").mean((1, 2))
    assert strength[0, 1] > 1.3 * strength[1, 1]
    assert strength[1, 3] > 1.3 * strength[0, 3]


def test_bases_of_one_size_share_a_trace(model):
    def key(b):
        return b.objective().objective_func.key

    b = Basis("first", random(4, DEPTH))
    assert key(b[:2]) == key(b[2:]) != key(b)
    assert key(b) is not None


def test_coefficients_of_channels_are_their_activations(model):
    acts = random(2, 3, 3, DEPTH)
    b = basis.channels(model, "first", [5, 0])
    np.testing.assert_array_equal(b.coefficients(acts), acts[..., [5, 0]])


@few_examples
@given(arrays.arrays(np.float32, (5, 3), elements=numbers))
def test_what_is_made_of_the_members_is_taken_apart_again(made_of):
    b = Basis("x", random(3, 6))
    np.testing.assert_allclose(b.coefficients(b.reconstruct(made_of)), made_of, atol=1e-3)


@few_examples
@given(st.integers(1, 9), st.integers(0, 1000))
def test_coefficients_of_nonnegative_bases_are_nonnegative_least_squares(members, seed):
    b = Basis("x", np.abs(random(members, 5, seed=seed)), nonnegative=True)
    acts = random(7, 5, seed=seed + 1)
    found = b.coefficients(acts)
    assert found.min() >= 0
    best = np.array([nnls(b.directions.T.astype(float), row.astype(float))[1] for row in acts])
    reached = np.linalg.norm(b.reconstruct(found) - acts, axis=-1)
    np.testing.assert_allclose(reached, best, rtol=1e-3, atol=1e-3)


def test_coefficients_keep_positions_and_check_depth():
    b = Basis("x", random(2, 6))
    assert b.coefficients(random(4, 3, 3, 6)).shape == (4, 3, 3, 2)
    assert b.reconstruct(random(4, 3, 3, 2)).shape == (4, 3, 3, 6)
    assert b.coefficients(np.zeros([0, 6])).shape == (0, 2)
    with pytest.raises(InvalidValueError, match="6 channels"):
        b.coefficients(random(4, 5))
    with pytest.raises(InvalidValueError, match="2 members"):
        b.reconstruct(random(4, 6))
    with pytest.raises(InvalidValueError, match="not finite"):
        b.coefficients(np.full(6, np.nan))


def test_the_digest_tells_layers_and_directions_apart_and_not_names():
    array = random(2, 3)
    digest = Basis("x", array).digest
    assert digest == Basis("x", array.astype(float), ("a", "b")).digest
    assert len({digest, Basis("y", array).digest, Basis("x", array[::-1]).digest}) == 3


@pytest.mark.parametrize(
    ("make", "attribute", "nonnegative"),
    [
        (lambda: NMF(3, init="nndsvda", max_iter=500), "components_", True),
        (lambda: PCA(3), "components_", False),
        (lambda: KMeans(3, n_init=1, random_state=0), "cluster_centers_", False),
    ],
)
def test_components_of_reducers(make, attribute, nonnegative):
    reducer = make().fit(np.abs(random(40, 6)))
    b = basis.from_reducer(reducer, "x")
    np.testing.assert_allclose(b.directions, getattr(reducer, attribute), rtol=1e-6)
    assert b.nonnegative is nonnegative
    assert b.origin["method"] == type(reducer).__name__
    assert b.names[0] == f"{type(reducer).__name__} 0"


def test_coefficients_of_nmf_are_those_of_its_transform():
    acts = np.abs(random(40, 6))
    reducer = NMF(3, init="nndsvda", max_iter=5000, tol=1e-6).fit(acts)
    found = basis.from_reducer(reducer, "x").coefficients(acts)
    np.testing.assert_allclose(found, reducer.transform(acts), atol=1e-3)


def test_components_of_a_channel_reducer():
    reducer = ChannelReducer(3)
    reducer.fit_transform(np.abs(random(2, 4, 4, 6)))
    b = basis.from_reducer(reducer, "x")
    np.testing.assert_allclose(b.directions, reducer._reducer.components_, rtol=1e-6)


@pytest.mark.parametrize("reducer", [NMF(3), "NMF", None])
def test_reducers_without_components_are_refused(reducer):
    with pytest.raises(InvalidTypeError, match="Fit it"):
        basis.from_reducer(reducer, "x")


@pytest.mark.parametrize("format", ["NHWC", "NCHW"])
def test_a_depth_that_the_graph_does_not_tell_is_seen(format):
    def padded(t):
        if format == "NCHW":
            t = tf.transpose(t, [0, 3, 1, 2])
        odd = tf.math.mod(tf.shape(t)[2], 2)  # as converters pad what may have any size
        padding = tf.stack([[0, 0], [0, 0], tf.stack([0, odd]), [0, 0]])
        pool = (1, 1, 2, 2) if format == "NCHW" else (1, 2, 2, 1)
        tf.raw_ops.MaxPool(
            input=tf.pad(t, padding), ksize=pool, strides=pool, padding="VALID",
            data_format=format, name="padded",
        )  # fmt: skip

    def model_for(side):
        with tf.Graph().as_default() as graph:
            padded(tf.compat.v1.placeholder(tf.float32, [None, side, side, 3], "images"))
        return Model.from_graphdef(graph.as_graph_def(), "images", (0, 1), (side, side, 3))

    assert basis.depth_of(model_for(9), "padded") == 3
    with pytest.raises(InvalidValueError, match=r"depth of layer 'padded' of .* is not known"):
        basis.depth_of(model_for(None), "padded")


@pytest.mark.parametrize("name", ["\ud800", "ear\r", "a\0", "x" * 1001])
def test_names_that_files_cannot_hold_are_refused(name):
    with pytest.raises(InvalidValueError, match="files can hold"):
        basis.directions("x", np.eye(2), [name, "b"])
