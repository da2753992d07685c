"""Icons are drawn once, kept on disk, and come out the same however they are asked for."""

import contextlib
import io
import os
import resource
import subprocess
import sys
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from PIL import Image

from lucidx import basis, picture_cache
from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.icons import icons, sprite, sprite_sheet
from lucidx.modelzoo import model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import transform

SMALL = {"size": 12, "steps": 3}
few_examples = settings(max_examples=20, deadline=None)


def network(t, flat=False):
    channels = t.shape[-1]
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=[3, 3, channels, 20]).astype("f")
    t = tf.nn.relu(tf.nn.conv2d(t, kernel, 2, "SAME"), name="hidden")
    if flat:
        t = tf.reshape(t, [-1, 13 * 13 * 20])
        tf.matmul(t, rng.normal(size=[13 * 13 * 20, 3]).astype("f"), name="scores")


def model_of(channels=3, flat=False, value_range=(-1, 1)):
    with tf.Graph().as_default() as graph:
        shape = [None, 26, 26, channels] if flat else [None, None, None, channels]
        network(tf.compat.v1.placeholder(tf.float32, shape, "input"), flat)
    return Model.from_graphdef(graph.as_graph_def(), "input", value_range)


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "icons"


def files(cache):
    return sorted(path for path in cache.rglob("*") if path.is_file())


def directions(number=2, seed=0):
    return basis.directions("hidden", np.random.default_rng(seed).normal(size=[number, 20]))


def red_png(size=12):
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_icons_are_pictures_of_the_members(model):
    drawn = icons(model, basis.channels(model, "hidden", [3, 7]), 16, 40)
    assert drawn.shape == (2, 16, 16, 3)
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() < drawn.max() <= 1
    strength = model.activations(drawn, "hidden").mean((1, 2))
    assert strength[0, 3] > strength[1, 3]
    assert strength[1, 7] > strength[0, 7]


def test_icons_are_the_same_with_and_without_the_cache(model, cache):
    without = icons(model, directions(), **SMALL, cache=False)
    assert not files(cache)
    new, kept = (icons(model, directions(), **SMALL) for _ in range(2))
    assert len(files(cache)) == 2
    np.testing.assert_array_equal(new, without)
    np.testing.assert_array_equal(kept, new)
    np.testing.assert_array_equal(new, np.round(new * 255) / np.float32(255))


def test_an_icon_does_not_depend_on_what_else_is_drawn(model):
    b = directions(20)
    every = icons(model, b, **SMALL, cache=False)
    some = icons(model, b[[17, 2]], **SMALL, cache=False)
    np.testing.assert_allclose(some, every[[17, 2]], atol=2 / 255)


def test_global_random_numbers_do_not_matter(model):
    np.random.seed(1)  # noqa: NPY002
    tf.random.set_seed(1)
    first = icons(model, directions(), **SMALL, cache=False)
    np.random.seed(2)  # noqa: NPY002
    tf.random.set_seed(2)
    np.testing.assert_array_equal(icons(model, directions(), **SMALL, cache=False), first)


def test_the_length_of_a_direction_does_not_matter(model, cache):
    b = directions()
    shorter = basis.directions("hidden", 2.0**-100 * b.directions)
    np.testing.assert_array_equal(icons(model, b, **SMALL), icons(model, shorter, **SMALL))
    assert len(files(cache)) == 2


def test_all_icons_of_a_layer_share_their_traces(model):
    icons(model, directions(2), **SMALL)
    traced = set(model_io.skeleton(model).functions)
    icons(model, directions(18, seed=4)[16:], **SMALL)
    assert set(model_io.skeleton(model).functions) == traced


def test_members_that_are_alike_are_drawn_once(model, cache):
    drawn = icons(model, directions()[[0, 1, 0]], **SMALL)
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert len(files(cache)) == 2


def test_what_is_kept_is_not_drawn_again(model, cache):
    """Interrupted work goes on where it was."""
    drawn = icons(model, directions(3), **SMALL)
    first, second, third = files(cache)
    first.write_bytes(red_png())
    second.unlink()
    again = icons(model, directions(3), **SMALL)
    is_red = (again == [1, 0, 0]).all((1, 2, 3))
    assert is_red.sum() == 1
    np.testing.assert_array_equal(again[~is_red], drawn[~is_red])
    assert files(cache) == [first, second, third]


def with_flipped_byte(content):
    return content[:200] + bytes([content[200] ^ 1]) + content[201:]


def test_damaged_files_are_replaced(model, cache):
    drawn = icons(model, directions(1), **SMALL)
    (file,) = files(cache)
    whole = file.read_bytes()
    cut = whole[: len(whole) // 2]
    for damaged in (cut, b"", b"not a picture", with_flipped_byte(whole), red_png(size=5)):
        file.write_bytes(damaged)
        np.testing.assert_array_equal(icons(model, directions(1), **SMALL), drawn)
        assert file.read_bytes() == whole


def test_icons_of_other_settings_are_others(model, cache):
    arguments = {"model": model, "basis": directions(1), **SMALL}
    drawn = {}
    for name, changed in {
        "nothing": {},
        "seed": {"seed": 1},
        "size": {"size": 13},
        "steps": {"steps": 4},
        "quality": {"quality": "full"},
        "transforms": {"transforms": [transform.jitter(2)]},
        "value range": {"model": model_of(value_range=(0, 1))},
        "direction": {"basis": directions(1, seed=1)},
    }.items():
        drawn[name] = icons(**arguments | changed)
        assert len(files(cache)) == len(drawn), name
    assert len({icon.tobytes() for icon in drawn.values()}) == len(drawn)


def test_transforms_without_a_key_are_used_and_not_cached(model, cache):
    plain = icons(model, directions(1), **SMALL, transforms=[])
    kept = files(cache)
    mirrored = icons(model, directions(1), **SMALL, transforms=[lambda t: t[:, :, ::-1]])
    assert (mirrored != plain).any()
    assert files(cache) == kept


def test_the_digest_of_a_model_is_of_its_graph_and_feeding(model):
    assert picture_cache.model_digest(model) == picture_cache.model_digest(model_of())
    others = [model_of(value_range=(0, 1)), model_of(channels=1), model_of(flat=True)]
    assert len({picture_cache.model_digest(m) for m in [model, *others]}) == 4


def about_the_cache(caught):
    return [str(w.message) for w in caught if "LUCIDX_CACHE" in str(w.message)]


def test_an_unwritable_cache_is_warned_of_once(model, tmp_path, monkeypatch):
    expected = icons(model, directions(3), **SMALL)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "file"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn = icons(model, directions(3), **SMALL)
    np.testing.assert_array_equal(drawn, expected)
    (message,) = about_the_cache(caught)
    assert str(tmp_path / "file") in message


@contextlib.contextmanager
def files_limited_to(size):
    """As on a full disk, writing more than `size` bytes is an error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_warned_of_and_leaves_no_broken_file(model, cache):
    with warnings.catch_warnings(record=True) as caught, files_limited_to(100):
        warnings.simplefilter("always")
        drawn = icons(model, directions(3), **SMALL)
    assert drawn.shape == (3, 12, 12, 3)
    assert len(about_the_cache(caught)) == 1
    assert not files(cache)


def test_the_cache_does_not_grow_without_end(model, cache, monkeypatch):
    icons(model, directions(3), **SMALL)
    for age, path in enumerate(files(cache)):
        os.utime(path, (1e9 - age, 1e9 - age))
    newest, *_ = files(cache)
    size = newest.stat().st_size
    monkeypatch.setattr(picture_cache, "LARGEST", int(2.5 * size))
    icons(model, directions(1, seed=9), **SMALL)
    assert len(files(cache)) == 2
    assert newest in files(cache)


def test_the_cache_can_be_cleared(model, cache):
    assert picture_cache.clear() == 0
    icons(model, directions(3), **SMALL)
    assert picture_cache.clear() == 3
    assert not files(cache)


@pytest.mark.slow
def test_two_processes_share_the_cache(cache):
    program = """
import sys; sys.path.insert(0, {tests!r})
from test_icons import *
print(icons(model_of(), directions(40), size=12, steps=20).tobytes().hex())
"""
    program = program.format(tests=os.path.dirname(__file__))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs[0][1][-2000:]
    assert outputs[0][0] == outputs[1][0]
    assert len(files(cache)) == 40
    for path in files(cache):
        Image.open(path).verify()


@pytest.mark.parametrize("channels", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_icons_of_models_of_other_images_are_rgb(channels):
    model = model_of(channels)
    drawn = icons(model, directions(2), **SMALL)
    assert drawn.shape == (2, 12, 12, 3)
    assert (drawn[..., 0] == drawn[..., 1]).all() == (channels == 1)
    np.testing.assert_array_equal(icons(model, directions(2), **SMALL), drawn)


def test_icons_of_layers_that_take_one_size_only():
    model = model_of(flat=True)
    drawn = icons(model, basis.channels(model, "scores"), 10, 40, transforms=[])
    assert drawn.shape == (3, 10, 10, 3)
    enlarged = tf.image.resize(drawn, [26, 26]).numpy()
    scores = model.activations(enlarged, "scores")
    assert (scores.argmax(0) == [0, 1, 2]).all()


def test_progress_is_shown_when_asked_for(model, capfd):
    icons(model, directions(1), **SMALL, progress=True)
    assert "icons" in capfd.readouterr().err
    icons(model, directions(1), **SMALL, seed=1)
    icons(model, directions(1), **SMALL, progress=True)  # nothing to do
    assert "icons" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"quality": "fats"}, InvalidValueError, "'fast'"),
        ({"size": 1}, InvalidValueError, "at least 2"),
        ({"size": 8.5}, InvalidTypeError, "whole number"),
        ({"steps": 0}, InvalidValueError, "at least 1"),
        ({"seed": -1}, InvalidValueError, "at least 0"),
        ({"transforms": 3}, InvalidTypeError, "transforms"),
        ({"basis": "hidden:3"}, InvalidTypeError, "Basis"),
        ({"basis": basis.directions("hidden", [[1, 2]])}, InvalidValueError, "20 channels"),
        ({"basis": basis.directions("hiden", [[1, 2]])}, UnknownLayerError, "hidden"),
        ({"model": "InceptionV1"}, InvalidTypeError, "load"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_drawn(model, changes, error, says):
    with pytest.raises(error, match=says):
        icons(**{"model": model, "basis": directions(1), **SMALL} | changes)


@few_examples
@given(
    st.integers(1, 12),
    st.integers(1, 4),
    st.integers(1, 4),
    st.one_of(st.none(), st.integers(1, 15)),
    st.sampled_from([np.float32, np.uint8]),
)
def test_every_image_is_where_the_index_says(number, height, width, columns, dtype):
    images = (np.random.default_rng(0).uniform(size=[number, height, width, 3]) * 9).astype(dtype)
    sheet, boxes = sprite(images, columns)
    assert sheet.dtype == dtype
    for image, (x, y, w, h) in zip(images, boxes, strict=True):
        np.testing.assert_array_equal(sheet[y : y + h, x : x + w], image)
    if columns is not None:
        assert sheet.shape[1] == min(columns, number) * width


def test_cells_of_a_sheet_that_are_left_over_are_white():
    sheet, _ = sprite(np.zeros([3, 2, 2, 3], np.uint8), 2)
    assert sheet.shape == (4, 4, 3)
    assert (sheet[2:, 2:] == 255).all()


@pytest.mark.parametrize(
    ("images", "columns"), [(np.zeros([0, 2, 2, 3]), None), (np.ones([2, 2, 3]), None)]
)
def test_what_is_no_sheet(images, columns):
    with pytest.raises(InvalidValueError, match="K, h, w, C"):
        sprite(images, columns)
    with pytest.raises(InvalidValueError, match="columns"):
        sprite(np.ones([1, 2, 2, 3]), 0)


def test_a_sheet_of_all_channels_of_a_layer(model, cache):
    sheet, index = sprite_sheet(model, "hidden", 7, **SMALL)
    assert sheet.shape == (3 * 12, 7 * 12, 3)
    assert list(index) == [f"hidden:{c}" for c in range(20)]
    x, y, w, h = index["hidden:9"]
    alone = icons(model, basis.channels(model, "hidden", [9]), **SMALL)
    np.testing.assert_array_equal(sheet[y : y + h, x : x + w], alone[0])
    assert len(files(cache)) == 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficientnet", "inception_v1"])
def test_icons_of_trained_networks_excite_their_channels(name, request):
    model = request.getfixturevalue(name)
    layer = {"efficientnet": "block5c/output", "inception_v1": "mixed4d"}[name]
    chosen = [10, 24, 38, 52, 66, 80, 94, 108]
    drawn = icons(model, basis.channels(model, layer, chosen))
    strength = model.activations(drawn, layer).mean((1, 2))[:, chosen]
    np.testing.assert_array_equal(strength.argmax(0), range(len(chosen)))
    assert drawn.std((1, 2, 3)).min() > 0.1
