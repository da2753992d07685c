import io
import lzma
import os
import stat
import tempfile
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as hnp
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError, UnsafeFileError
from lucidx.misc.io import CaptureSaveContext, batch_save, io_scope, load, save

RGB = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32)


def test_json_text_is_exact(tmp_path):
    thing = {
        "array": np.array([[1, 2.5]]),
        "integer": np.int64(3),
        "flag": np.bool_(True),
        "tuple": (1, None),
        "set": {"x"},
    }
    path = tmp_path / "x.json"
    assert save(thing, path) == {"type": "json", "url": str(path)}
    assert path.read_text() == (
        '{\n  "array": [\n    [\n      1.0,\n      2.5\n    ]\n  ],\n  "integer": 3,\n'
        '  "flag": true,\n  "tuple": [\n    1,\n    null\n  ],\n  "set": [\n    "x"\n  ]\n}'
    )
    save([1, 2], path, indent=None)
    assert path.read_text() == "[1, 2]"


def test_an_object_says_how_it_is_written_as_json(tmp_path):
    class Layer:
        def to_json(self):
            return {"name": "mixed4a"}

    save([Layer()], tmp_path / "x.json")
    assert load(tmp_path / "x.json") == [{"name": "mixed4a"}]
    with pytest.raises(InvalidTypeError, match="of type object cannot be written as JSON"):
        save(object(), tmp_path / "x.json")


def test_keys_of_json_may_be_numpys_numbers(tmp_path):
    save({np.int64(3): {np.str_("a"): 1}, np.float32(0.5): 2, None: 3}, tmp_path / "x.json")
    assert load(tmp_path / "x.json") == {"3": {"a": 1}, "0.5": 2, "null": 3}
    with pytest.raises(InvalidTypeError, match=r"type tuple: \(1, 2\)"):
        save({(1, 2): 3}, tmp_path / "x.json")


def test_what_contains_itself_is_not_written_as_json(tmp_path):
    endless = []
    endless.append({"again": endless})
    with pytest.raises(InvalidValueError, match="contains itself"):
        save(endless, tmp_path / "x.json")
    assert os.listdir(tmp_path) == []


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(array=hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0)))
def test_any_array_survives_npy_and_npz(tmp_path, array):
    result = save(array, tmp_path / "x.npy")
    assert (result["shape"], result["dtype"]) == (array.shape, array.dtype.name)
    save({"a/b": array}, tmp_path / "x.npz")
    for loaded in (load(tmp_path / "x.npy"), load(tmp_path / "x.npz")["a/b"]):
        np.testing.assert_array_equal(loaded, array)
        assert loaded.dtype == array.dtype


def test_npz_of_a_list_numbers_its_arrays_and_of_one_array_says_so(tmp_path, caplog):
    assert save([RGB, RGB[0]], tmp_path / "x.npz")["type"] == "npz"
    assert load(tmp_path / "x.npz").files == ["arr_0", "arr_1"]
    save(RGB, tmp_path / "x.npz")
    np.testing.assert_array_equal(load(tmp_path / "x.npz")["arr_0"], RGB)
    assert "arr_0" in caplog.text


@pytest.mark.parametrize("name", ["file", "allow_pickle", "self", "arr_0", "a b/é"])
def test_arrays_in_npz_have_any_name(tmp_path, name):
    save({name: RGB, "b": RGB[0]}, tmp_path / "x.npz")
    archive = np.load(tmp_path / "x.npz")
    assert sorted(archive) == sorted([name, "b"])
    np.testing.assert_array_equal(archive[name], RGB)
    with pytest.raises(InvalidTypeError, match="strings as names, not 1"):
        save({1: RGB}, tmp_path / "x.npz")


def test_numbers_that_numpys_files_cannot_hold_are_kept_as_float32(tmp_path, caplog):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    halves = RGB.astype(ml_dtypes.bfloat16)
    assert save(halves, tmp_path / "x.npy")["dtype"] == "float32"
    assert "cannot hold bfloat16" in caplog.text
    save({"a": halves}, tmp_path / "x.npz")
    for loaded in (load(tmp_path / "x.npy"), load(tmp_path / "x.npz")["a"]):
        assert loaded.dtype == np.float32
        np.testing.assert_array_equal(loaded, halves.astype(np.float32))
    save(np.array([(1, 2.0)], [("n", int), ("x", float)]), tmp_path / "records.npy")
    assert load(tmp_path / "records.npy")["x"] == [2]


@pytest.mark.parametrize("name", ["x.png", "x.PNG", "x.jpg", "x.JPEG", "x.webp"])
def test_picture_formats_by_extension_in_any_case(tmp_path, name):
    ramp = np.linspace(0, 1, 64 * 64).reshape(1, 64, 64, 1).repeat(3, -1)
    result = save(ramp, tmp_path / name, domain=(0, 1))
    assert result == {"type": "image", "shape": (64, 64, 3), "url": str(tmp_path / name)}
    assert Image.open(tmp_path / name).format in ("PNG", "JPEG", "WEBP")
    np.testing.assert_allclose(load(tmp_path / name), ramp[0], atol=0.05)


def test_a_picture_is_stretched_to_its_own_range_unless_told(tmp_path):
    save(RGB / 2, tmp_path / "stretched.png")
    save(RGB / 2, tmp_path / "dim.png", domain=(0, 1))
    assert load(tmp_path / "stretched.png").max() == 1
    assert load(tmp_path / "dim.png").max() < 0.5


def test_an_eager_tensor_is_a_picture(tmp_path):
    tf = pytest.importorskip("tensorflow")
    for tensor in (tf.constant(RGB), tf.Variable(RGB), tf.constant(RGB, tf.float16)):
        assert save(tensor, tmp_path / "x.png", domain=(0, 1))["shape"] == (6, 4, 3)
        np.testing.assert_allclose(load(tmp_path / "x.png"), RGB, atol=0.005)
    with tf.Graph().as_default(), pytest.raises(InvalidTypeError, match="Tensor"):
        save(tf.constant(RGB), tmp_path / "x.png")


def test_integers_that_are_no_pixels_are_not_cut_silently(tmp_path, caplog):
    pixels = np.arange(48).reshape(4, 4, 3)
    save(pixels.astype(np.uint16), tmp_path / "x.png")
    save(pixels * 1000, tmp_path / "x.png", domain=(0, 255))
    assert not caplog.text
    save((pixels * 1000).astype(np.uint16), tmp_path / "x.png")
    assert "97.9% of these are not" in caplog.text and "65535" in caplog.text


def test_pillow_images_and_options_of_pillow(tmp_path):
    noise = Image.fromarray((RGB.repeat(20, 0).repeat(20, 1) * 255).astype(np.uint8))
    assert save(noise, tmp_path / "fine.jpg", quality=95)["shape"] == (120, 80, 3)
    save(noise, tmp_path / "coarse.jpg", quality=10)
    assert (tmp_path / "coarse.jpg").stat().st_size < (tmp_path / "fine.jpg").stat().st_size


@pytest.mark.parametrize(
    ("thing", "name", "text"),
    [
        ("one\ntwo 🙂", "x.txt", "one\ntwo 🙂"),
        (["a", "b\n", "c", b"d", 5], "x.txt", "a\nb\nc\nd\n5\n"),
        ("<p>", "x.html", "<p>"),
        ("# Title", "x.md", "# Title"),
    ],
)
def test_text(tmp_path, thing, name, text):
    assert save(thing, tmp_path / name) == {"type": "txt", "url": str(tmp_path / name)}
    assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_a_graph(tmp_path):
    tf = pytest.importorskip("tensorflow")
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(42, name="answer")
    assert save(graph.as_graph_def(), tmp_path / "g.pb")["type"] == "pb"
    assert load(tmp_path / "g.pb") == graph.as_graph_def()
    with pytest.raises(InvalidTypeError, match="as_graph_def"):
        save(graph, tmp_path / "g.pb")


def test_a_pickle_is_only_written_when_allowed_also_to_the_same_handle():
    with tempfile.NamedTemporaryFile(suffix=".pkl") as handle:
        with pytest.raises(UnsafeFileError, match="allow_unsafe_formats=True"):
            save({"a": 1}, handle)
        assert save({"a": 1}, handle, allow_unsafe_formats=True) is None
        handle.seek(0)
        assert load(handle, allow_unsafe_formats=True) == {"a": 1}


def test_open_files_are_written_and_left_open(tmp_path):
    with open(tmp_path / "x.npy", "wb") as handle:
        assert save(RGB, handle)["url"] == str(tmp_path / "x.npy")
        assert not handle.closed
    np.testing.assert_array_equal(load(tmp_path / "x.npy"), RGB)
    with open(tmp_path / "x.json", "w") as handle:
        save({"a": "é"}, handle)
    assert load(tmp_path / "x.json") == {"a": "é"}
    with open(tmp_path / "x.png", "w") as handle, pytest.raises(InvalidTypeError, match="'wb'"):
        save(RGB, handle)
    with pytest.raises(InvalidTypeError, match="BytesIO"):
        save(RGB, io.BytesIO())


def test_directories_are_made_and_nothing_else_is_left(tmp_path):
    save(RGB, tmp_path / "a" / "b" / "x.png")
    assert os.listdir(tmp_path / "a" / "b") == ["x.png"]


def test_a_bare_file_name_is_in_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert save([1], "x.json")["url"] == "x.json"
    assert os.listdir() == ["x.json"]


class Interrupting:
    """Ctrl-C while it is written."""

    def to_json(self):
        raise KeyboardInterrupt

    def __reduce__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("thing", "name", "error"),
    [
        (RGB[..., [0, 1, 2, 0]], "x.jpg", InvalidValueError),
        (RGB * np.nan, "x.png", InvalidValueError),
        ([1, Interrupting()], "x.json", KeyboardInterrupt),
        ({"a": RGB, "b": np.array([Interrupting()])}, "x.npz", KeyboardInterrupt),
        (["fine", "\ud800"], "x.txt", UnicodeEncodeError),
    ],
)
def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, thing, name, error):
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(error):
        save(thing, path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [name]


def test_a_failed_save_writes_nothing_to_an_open_file(tmp_path):
    with open(tmp_path / "x.npz", "wb") as handle, pytest.raises(KeyboardInterrupt):
        save({"a": RGB, "b": np.array([Interrupting()])}, handle)
    assert (tmp_path / "x.npz").read_bytes() == b""


@pytest.mark.parametrize("name", ["x.npy", "x.json", "x.txt", "x.npz"])
def test_xz_compresses_any_format(tmp_path, name):
    things = {"x.json": [0] * 999, "x.txt": "a" * 999, "x.npz": {"a": np.zeros(999)}}
    thing = things.get(name, np.zeros((40, 40, 3)))
    save(thing, tmp_path / name)
    packed = tmp_path / f"{name}.xz"
    result = save(thing, packed)
    assert result["url"] == str(packed)
    assert packed.stat().st_size < (tmp_path / name).stat().st_size
    loaded, same = load(packed), load(tmp_path / name)
    if name == "x.npz":
        loaded, same = loaded["a"], same["a"]
    np.testing.assert_array_equal(loaded, same)


def test_an_open_file_may_be_compressed(tmp_path):
    with open(tmp_path / "x.npy.xz", "wb") as handle:
        save(RGB, handle)
    np.testing.assert_array_equal(load(tmp_path / "x.npy.xz"), RGB)
    with open(tmp_path / "x.npy.xz", "w") as handle, pytest.raises(InvalidTypeError, match="'wb'"):
        save(RGB, handle)


def test_options_that_a_format_does_not_have_are_named(tmp_path, caplog):
    save("text", tmp_path / "x.txt", quality=90)
    assert "quality" in caplog.text and load(tmp_path / "x.txt") == "text"
    save({"a": 1}, tmp_path / "x.pkl", allow_unsafe_formats=True, protocol=0)
    assert (tmp_path / "x.pkl").read_bytes().startswith(b"(d")


def test_unknown_options_name_those_there_are(tmp_path):
    with pytest.raises(InvalidTypeError, match=r"to \.json takes no 'quality'; it takes 'indent'"):
        save([1], tmp_path / "x.json", quality=90)
    with pytest.raises(InvalidTypeError, match=r"to \.npy takes no 'a' and no 'b'; .*no options"):
        save(RGB, tmp_path / "x.npy", a=1, b=2)


def test_names_are_within_the_scope(tmp_path):
    with io_scope(tmp_path), io_scope("inner"):
        result = save([1], "x.json")
    assert result["url"] == str(tmp_path / "inner" / "x.json")
    assert load(result["url"]) == [1]


def test_an_address_is_written_by_tensorflow(monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    result = save(RGB, "ram://bucket/x.npy.xz")
    assert result["url"] == "ram://bucket/x.npy.xz" and "serve" not in result
    with tf.io.gfile.GFile("ram://bucket/x.npy.xz", "rb") as file:
        np.testing.assert_array_equal(np.load(io.BytesIO(lzma.decompress(file.read()))), RGB)
    with pytest.raises(InvalidValueError, match=r"'nosuch://a/x\.json' cannot be written.*nosuch"):
        save([1], "nosuch://a/x.json")


def test_what_is_in_a_public_bucket_says_where_it_is_served(monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    GFile = tf.io.gfile.GFile
    in_memory = lambda name, mode: GFile(name.replace("gs://", "ram://"), mode)
    monkeypatch.setattr(tf.io.gfile, "GFile", in_memory)
    assert save([1], "gs://bucket/a b.json") == {
        "type": "json",
        "url": "gs://bucket/a b.json",
        "serve": "https://storage.googleapis.com/bucket/a%20b.json",
    }


def test_results_are_captured_by_the_innermost_context_of_the_thread(tmp_path):
    outer, inner, explicit = (CaptureSaveContext() for _ in range(3))
    with io_scope(tmp_path), outer:
        first = save([1], "a.json")
        with inner:
            second = save([2], "b.json")
            save([3], "c.json", save_context=explicit)
            save([4], "d.pkl", allow_unsafe_formats=True)
            thread = threading.Thread(target=save, args=([5], tmp_path / "e.json"))
            thread.start()
            thread.join()
    save([6], tmp_path / "f.json")
    assert (outer.captured_saves, inner.captured_saves) == ([first], [second])
    assert [result["url"] for result in explicit.captured_saves] == [str(tmp_path / "c.json")]
    assert CaptureSaveContext.current_save_context() is None


def test_a_batch_is_saved_in_the_scope_and_captured(tmp_path):
    ops = [([n], f"{n}.json") for n in range(5)]
    ops.append(([5], "5.json", {"indent": None}))
    ops.append(("p", "6.pkl", {"allow_unsafe_formats": True}))
    with io_scope(tmp_path), CaptureSaveContext() as context:
        results = batch_save(ops, num_workers=3)
    assert [r["url"] for r in results[:-1]] == [str(tmp_path / f"{n}.json") for n in range(6)]
    assert results[-1] is None
    assert sorted(r["url"] for r in context.captured_saves) == [r["url"] for r in results[:-1]]
    assert [load(tmp_path / f"{n}.json") for n in range(6)] == [[n] for n in range(6)]
    assert (tmp_path / "5.json").read_text() == "[5]"
    assert batch_save([]) == []


def test_a_batch_may_be_an_iterator(tmp_path):
    names = ["a.json", "b.json"]
    with io_scope(tmp_path):
        assert [result["url"] for result in batch_save(zip([1, 2], names, strict=True))] == [
            str(tmp_path / name) for name in names
        ]
    assert sorted(os.listdir(tmp_path)) == names


def test_after_an_error_the_rest_of_a_batch_is_given_up(tmp_path):
    ops = [([n], tmp_path / f"{n}.json") for n in range(500)]
    ops[1] = (RGB, tmp_path / "x.foo")
    with pytest.raises(InvalidValueError, match="foo"):
        batch_save(ops, num_workers=1)
    saved = {int(name.removesuffix(".json")) for name in os.listdir(tmp_path)}
    assert 0 in saved and len(saved) < 400
    assert max(saved) < len(saved) + 1


def test_a_batch_that_cannot_be_saved(tmp_path):
    fine = ([1], tmp_path / "x.json")
    for op in (([1],), 3, ([1], "a", {}, 4)):
        with pytest.raises(InvalidValueError, match="number 1 is"):
            batch_save([fine, op])
    with pytest.raises(InvalidTypeError, match="dict of options; of number 0 it is None"):
        batch_save([(*fine, None)])
    with pytest.raises(InvalidValueError, match="not 0"):
        batch_save([fine], num_workers=0)
    assert os.listdir(tmp_path) == []
    with pytest.raises(InvalidValueError, match="foo"):
        batch_save([fine, (RGB, tmp_path / "x.foo")])
    assert os.listdir(tmp_path) == ["x.json"]


def test_permissions_are_those_of_the_old_file_or_the_usual_ones(tmp_path):
    (tmp_path / "usual.json").touch()
    save([1], tmp_path / "new.json")
    (tmp_path / "private.json").touch(mode=0o600)
    save([1], tmp_path / "private.json")
    modes = {path.stem: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes["new"] == modes["usual"]
    assert modes["private"] == 0o600


def test_a_symbolic_link_is_written_through(tmp_path):
    (tmp_path / "target.json").touch()
    (tmp_path / "link.json").symlink_to("target.json")
    save([1], tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert load(tmp_path / "target.json") == [1]


def test_a_save_context_is_given_the_result(tmp_path):
    class Context(list):
        capture = list.append

    context = Context()
    result = save([1], tmp_path / "x.json", save_context=context)
    assert context == [result]


@pytest.mark.parametrize(
    ("thing", "name", "error", "message"),
    [
        (RGB, "x.npy.gz", InvalidValueError, r"ndarray .*one of \.png.*\.npz"),
        ([1], "a\0.json", InvalidValueError, "NUL"),
        ([[1], [1, 2]], "x.npy", InvalidTypeError, "type list, is not an array"),
        ([[[1], [1, 2]]], "x.npz", InvalidTypeError, "type list, is not an array"),
        (RGB, "x.gif", InvalidValueError, r"\.webp"),
        (RGB, "x", InvalidValueError, "no extension"),
        (RGB, "x.xz", RuntimeError, "no extension"),
        (RGB, "https://example.org/x.png", InvalidValueError, "can be read, not written"),
        (RGB, "gs://bucket/x.png", InvalidValueError, "LUCIDX_OFFLINE"),
        (np.zeros((2, 4, 4, 3)), "x.png", InvalidValueError, "contact_sheet"),
        (np.zeros((4, 4, 6)), "x.png", InvalidValueError, "collapse_channels"),
        (RGB[..., [0, 1, 2, 0]], "x.jpg", InvalidValueError, "RGBA picture .* JPEG"),
        ("a string", "x.png", InvalidTypeError, "array, eager tensor or Pillow image .* str"),
        (5, "x.txt", InvalidTypeError, "string or a list .* int"),
        (RGB, "x.pb", InvalidTypeError, "protocol buffer .* ndarray"),
        (RGB, 7, InvalidTypeError, "path or an open file"),
    ],
)
def test_what_cannot_be_saved(tmp_path, monkeypatch, thing, name, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        save(thing, name)
    assert os.listdir() == []
