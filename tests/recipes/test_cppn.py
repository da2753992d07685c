import interrupting
import numpy as np
import pytest
import tensorflow as tf
from painting import painted
from tiny_network import make_model

from lucidx.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    NonFiniteLossError,
    UnknownLayerError,
)
from lucidx.optvis import objectives
from lucidx.recipes.cppn import cppn
from lucidx.recipes.cppn_function import bands, draw, function_of, load_function, save_function


def quick(*args, **kwargs):
    return cppn(*args, **{"steps": 3, "layers": 2, "hidden": 6, "progress": False, **kwargs})


@pytest.fixture(scope="module")
def learned(tiny):
    return quick(tiny, "high:3", steps=20)


def test_the_picture_is_the_one_that_was_optimised_whatever_its_size(learned):
    for width in (24, 25, 200):
        np.testing.assert_allclose(draw(learned, width), painted(learned, width), atol=1e-4)


def test_a_channel_rises(tiny):
    start, end = (quick(tiny, "high:3", steps=n) for n in (1, 120))
    pictures = np.stack([draw(start, 24), draw(end, 24)])
    before, after = tiny.activations(pictures, "high")[..., 3].mean((1, 2))
    assert after > 1.5 * before


def test_a_channel_of_a_trained_network_rises(efficientnet):
    layer = "block3b/output"
    start, end = (quick(efficientnet, f"{layer}:3", 64, steps=n) for n in (1, 40))
    both = efficientnet.activations(np.stack([draw(start, 64), draw(end, 64)]), layer)
    before, after = both[..., 3].mean((1, 2))
    assert after > before + 0.1 * both[0].std()


def test_a_region_is_a_part_of_the_whole_or_what_is_around_it(learned):
    whole = draw(learned, 9)
    assert whole.shape == (9, 9, 3) and whole.dtype == np.float32
    corner = draw(learned, 5, (0.5, 0, 1, 0.5))
    np.testing.assert_allclose(corner, whole[:5, 4:], atol=1e-5)
    wide = draw(learned, 17, (-0.5, 0.25, 1.5, 0.75))
    assert wide.shape == (4, 17, 3)
    around = draw(learned, 17, (-0.5, -0.5, 1.5, 1.5))
    np.testing.assert_allclose(around[4:13, 4:13], whole, atol=1e-5)


def test_large_pictures_come_in_bands(learned):
    parts = list(bands(learned, 600))
    assert len(parts) > 5 and max(part.nbytes for part in parts) < 2**19
    np.testing.assert_array_equal(np.concatenate(parts), draw(learned, 600))


def test_a_file_keeps_the_function(learned, tmp_path):
    save_function(learned, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["weights_0"].shape == (2, 6) and arrays["biases_2"].shape == (3,)
    again = load_function(tmp_path / "a.npz")
    np.testing.assert_array_equal(draw(again, 16), draw(learned, 16))


@pytest.mark.parametrize(
    "content",
    [
        {"weights_0": np.ones((2, 3))},
        {"weights_0": np.ones((3, 3)), "biases_0": np.ones(3)},
        {"weights_0": np.ones((2, 3)), "biases_0": np.ones(4)},
        {"weights_0": np.full((2, 3), np.nan), "biases_0": np.ones(3)},
        {"weights_0": np.array([["a"]]), "biases_0": np.ones(3)},
        {"weights_0": np.array([{}]), "biases_0": np.ones(3)},
        {"something": np.ones(3)},
    ],
)
def test_files_with_something_else_are_refused(content, tmp_path):
    np.savez(tmp_path / "a.npz", **content)
    with pytest.raises(CorruptFileError, match=r"a\.npz"):
        load_function(tmp_path / "a.npz")


def test_damaged_files_are_refused(learned, tmp_path):
    save_function(learned, tmp_path / "a.npz")
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for damaged in (b"", content[:100], content[:200] + b"####" + content[204:]):
        (tmp_path / "a.npz").write_bytes(damaged)
        with pytest.raises(CorruptFileError):
            load_function(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(CorruptFileError):
        load_function(tmp_path / "a.npy")


def test_the_same_seed_gives_the_same_function(tiny):
    first, again, other = (draw(quick(tiny, "high:3", seed=seed), 24) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.slow
def test_it_does_not_matter_whether_a_graph_is_being_built(tiny):
    with tf.Graph().as_default():
        inside = quick(tiny, "high:3")
    np.testing.assert_array_equal(draw(inside, 24), draw(quick(tiny, "high:3"), 24))


@pytest.mark.parametrize("channels", [1, 5])
def test_models_of_any_size_and_channels(channels):
    model = make_model(16, 20, channels, flat=False)
    assert draw(quick(model, "scores:1"), 8).shape == (8, 8, channels)


@pytest.mark.slow
def test_models_of_one_size(tiny):
    start, end = (quick(make_model(24, 24, flat=True), "scores:1", 30, steps=n) for n in (1, 30))
    assert np.abs(draw(start, 8) - draw(end, 8)).max() > 0.01


def test_interrupted_there_is_what_was_learned_so_far(tiny):
    stopped = quick(tiny, interrupting.after(5, objectives.channel("high", 3)), steps=99)
    start, two, eight = (draw(quick(tiny, "high:3", steps=n), 24) for n in (1, 2, 8))
    picture = draw(stopped, 24)
    assert np.abs(two - start).max() < np.abs(picture - start).max()
    assert np.abs(picture - start).max() < np.abs(eight - start).max()


WRONG = {
    "no such layer": ({"objective": "hihg:3"}, UnknownLayerError, "high"),
    "no such channel": ({"objective": "high:12"}, InvalidValueError, "12"),
    "no objective": ({"objective": 3}, InvalidTypeError, "3"),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "two sides": ({"size": (8, 9)}, InvalidTypeError, "size"),
    "no layers": ({"layers": 0}, InvalidValueError, "layers"),
    "half a channel": ({"hidden": 2.5}, InvalidTypeError, "hidden"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "a seed": ({"seed": -1}, InvalidValueError, "seed"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, change, error, says):
    with pytest.raises(error, match=says):
        quick(**{"model": tiny, "objective": "high:3", **change})


def test_an_objective_that_becomes_nan_stops_the_run(tiny):
    with pytest.raises(NonFiniteLossError, match="step 0"):
        quick(tiny, lambda T: tf.sqrt(-1 - tf.reduce_mean(T("high"))))


@pytest.mark.parametrize(
    ("width", "region", "error"),
    [
        (0, (0, 0, 1, 1), InvalidValueError),
        (2.5, (0, 0, 1, 1), InvalidTypeError),
        (8, (0, 0, 1), InvalidTypeError),
        (8, (0, 1, 1, 0), InvalidValueError),
        (8, (0, 0, np.inf, 1), InvalidValueError),
        (8, "all", InvalidTypeError),
    ],
)
def test_impossible_pictures_are_refused(learned, width, region, error):
    with pytest.raises(error):
        draw(learned, width, region)


def test_a_function_has_layers():
    with pytest.raises(InvalidValueError, match="no weights"):
        function_of([])
