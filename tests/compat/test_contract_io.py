"""What the original's own tests asserted of misc.io, by lucidx's own name and through compat.

Every test runs twice: with `lucidx` and TensorFlow 2's `tf.compat.v1`, and with `lucid` and the
TensorFlow 1 that compat shows.
"""

import base64
import concurrent.futures
import html.parser
import io as buffers
import json
import os
import sys

import numpy as np
import pytest
from file_server import serving
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image
from traitlets.config import Config


@pytest.fixture
def io(library):
    return library("misc.io")


# Loading


def test_load_json_text_and_arrays(io, tmp_path):
    (tmp_path / "a.json").write_text('{"key": "value"}')
    (tmp_path / "a.txt").write_text("first\n\U0001f600 second", "utf-8")
    np.save(tmp_path / "a.npy", np.eye(3))
    np.savez(tmp_path / "a.npz", x=np.eye(2))
    assert "key" in io.load(str(tmp_path / "a.json"))
    assert "\U0001f600" in io.load(str(tmp_path / "a.txt"))
    lines = io.load(str(tmp_path / "a.txt"), split=True)
    assert isinstance(lines, list) and all(isinstance(line, str) for line in lines)
    assert np.array_equal(io.load(str(tmp_path / "a.npy")), np.eye(3))
    archive = io.load(str(tmp_path / "a.npz"))
    assert isinstance(archive, np.lib.npyio.NpzFile)
    assert np.array_equal(archive["x"], np.eye(2))


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.jpg", "a.jpeg", "a.xyz"])
def test_load_images_by_any_extension(io, tmp_path, name):
    picture = Image.fromarray(np.full((4, 5, 3), 128, np.uint8))
    picture.save(tmp_path / name, format="JPEG" if "jp" in name else "PNG")
    image = io.load(str(tmp_path / name))
    assert image.shape == (4, 5, 3) and all(size > 2 for size in image.shape)


def test_garbage_of_unknown_extension_cannot_be_loaded(io, tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"\x00garbage\xff" * 99)
    with pytest.raises(RuntimeError, match=r"a\.xyz' is not a picture"):
        io.load(str(tmp_path / "a.xyz"))


def test_load_from_an_open_text_handle(io, tmp_path):
    (tmp_path / "a.json").write_text('{"key": 1}')
    with open(tmp_path / "a.json") as handle:
        assert "key" in io.load(handle)


def test_load_a_graph(io, tf, tmp_path):
    with tf.Graph().as_default() as graph:
        tf.constant(42, name="answer")
    (tmp_path / "graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    loaded = io.load(str(tmp_path / "graph.pb"))
    assert loaded.node[0].attr["value"].tensor.int_val[0] == 42


def test_a_list_of_names_in_a_scope_is_loaded_as_each_of_them_is(io, tmp_path):
    (tmp_path / "a.json").write_text('{"key": [1]}')
    (tmp_path / "b.txt").write_text("b")
    np.save(tmp_path / "c.npy", np.eye(3))
    names = ["a.json", "b.txt", "c.npy"]
    with io.io_scope(str(tmp_path)):
        together, alone = io.load(names), [io.load(name) for name in names]
    assert together[:2] == alone[:2] == [{"key": [1]}, "b"]
    assert np.array_equal(together[2], np.eye(3)) and np.array_equal(alone[2], np.eye(3))


# Reading

TEXT = "first line\nsecond \U0001f600\n"


@pytest.fixture
def text(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.encode())
    return str(tmp_path / "a.txt")


def test_read_bytes_and_text(io, text):
    assert io.reading.read(text) == TEXT.encode()
    assert io.reading.read(text, encoding="utf-8") == TEXT
    assert io.reading.read(text, mode="r") == TEXT


def test_a_handle_can_be_read_again(io, text):
    with io.reading.read_handle(text) as handle:
        first = handle.read()
        handle.seek(0)
        assert handle.read() == first == TEXT.encode()


@pytest.fixture
def address(monkeypatch, tmp_path):
    """Address of a file on a server of this machine, and the server."""
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    with serving() as server:
        yield server.put("/a.txt", TEXT.encode()), server


def test_without_cache_an_address_is_asked_exactly_once(io, address):
    url, server = address
    assert io.reading.read(url, cache=False) == TEXT.encode()
    assert [path for path, _ in server.requests] == ["/a.txt"]


def test_a_remote_file_is_fetched_once_and_kept(io, address):
    url, server = address
    assert io.load(url) == io.load(url) == TEXT
    assert io.reading.read(url) == TEXT.encode()
    assert len(server.requests) == 1


# Saving


def test_save_json_is_indented_by_two(io, tmp_path):
    path = str(tmp_path / "a.json")
    io.save({"1": 2, "b": [np.float32(0.5)]}, path)
    wanted = '{\n  "1": 2,\n  "b": [\n    0.5\n  ]\n}'
    assert (tmp_path / "a.json").read_text() == wanted and json.loads(wanted)["1"] == 2


def test_arrays_survive_saving(io, tmp_path):
    array = np.random.default_rng(0).random((3, 4))
    for name in ("a.npy", "b.npz"):
        io.save(array if name == "a.npy" else {"x": array}, str(tmp_path / name))
    assert np.array_equal(io.load(str(tmp_path / "a.npy")), array)
    assert np.array_equal(io.load(str(tmp_path / "b.npz"))["x"], array)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_save_images(io, tmp_path, name):
    io.save(np.random.default_rng(0).random((8, 9, 3)), str(tmp_path / name))
    assert os.path.isfile(tmp_path / name)
    assert io.load(str(tmp_path / name)).shape == (8, 9, 3)


def test_save_text_from_lines_and_from_one_string(io, tmp_path):
    io.save(["1", "2"], str(tmp_path / "lines.txt"))
    io.save("one string", str(tmp_path / "string.txt"))
    assert (tmp_path / "lines.txt").read_text() == "1\n2\n"
    assert (tmp_path / "string.txt").read_text() == "one string"


def test_save_into_a_named_handle(io, tmp_path):
    with open(tmp_path / "a.npy", "wb") as handle:
        io.save(np.eye(2), handle)
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.eye(2))


def test_pickle_is_refused_and_then_allowed_on_the_same_handle(io, tmp_path):
    with open(tmp_path / "a.pickle", "wb") as handle:
        with pytest.raises(ValueError, match="unsafe"):
            io.save({"a": 1}, handle)
        io.save({"a": 1}, handle, allow_unsafe_formats=True)
    path = str(tmp_path / "a.pickle")
    with pytest.raises(ValueError, match="unsafe"):
        io.load(path)
    assert io.load(path, allow_unsafe_formats=True) == {"a": 1}


@pytest.mark.parametrize("name", ["a.foo", "a.npy.gz"])
def test_save_refuses_unknown_extensions(io, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.npy"):
        io.save(np.eye(2), str(tmp_path / name))


def test_save_a_graph(io, tf, tmp_path):
    graph_def = tf.Graph().as_graph_def()
    io.save(graph_def, str(tmp_path / "graph.pb"))
    assert io.load(str(tmp_path / "graph.pb")) == graph_def


def test_compressed_arrays_are_smaller_and_survive(io, tmp_path):
    array = np.zeros([40, 40, 3], np.float32)
    array[3, 4] = 0.5
    for name in ("a.npy", "a.npy.xz"):
        io.save(array, str(tmp_path / name))
    assert os.path.getsize(tmp_path / "a.npy.xz") < os.path.getsize(tmp_path / "a.npy")
    assert np.array_equal(io.load(str(tmp_path / "a.npy.xz")), array)


def test_save_in_a_scope(io, tmp_path):
    with io.io_scope(str(tmp_path)), io.io_scope("inner"):
        result = io.save({"key": 1}, "a.json")
    assert result["url"] == str(tmp_path / "inner" / "a.json")
    assert (tmp_path / "inner" / "a.json").read_text() == '{\n  "key": 1\n}'


def test_saves_are_captured(io, tmp_path):
    context = io.CaptureSaveContext()
    with context, io.io_scope(str(tmp_path)):
        inside = [io.save([n], f"{n}.json") for n in range(3)]
    io.save("after", str(tmp_path / "after.txt"))
    assert context.captured_saves == inside


def test_each_thread_has_its_own_scopes(io, tmp_path):
    def task(n):
        before = list(io.scoping.current_io_scopes())
        with io.io_scope(str(tmp_path / str(n))):
            io.save(f"text {n}", "a.txt")
            return before, io.load("a.txt")

    with io.io_scope("/elsewhere"), concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(task, range(16))) == [([], f"text {n}") for n in range(16)]
    assert sorted(os.listdir(tmp_path)) == sorted(str(n) for n in range(16))


def test_save_a_batch_in_a_scope_and_capture_it(io, tmp_path):
    context = io.CaptureSaveContext()
    with context, io.io_scope(str(tmp_path)):
        results = io.batch_save([(f"text {n}", f"{n}.txt") for n in range(5)])
    assert [result["url"] for result in results] == [str(tmp_path / f"{n}.txt") for n in range(5)]
    assert sorted(result["url"] for result in context.captured_saves) == [
        result["url"] for result in results
    ]
    assert [(tmp_path / f"{n}.txt").read_text() for n in range(5)] == [
        f"text {n}" for n in range(5)
    ]


# Writing


def test_write_text_and_bytes(io, tmp_path):
    io.writing.write(TEXT, str(tmp_path / "new" / "a.txt"), mode="w")
    io.writing.write(b"\x00\xff", str(tmp_path / "a.bin"))
    assert (tmp_path / "new" / "a.txt").read_bytes() == TEXT.encode()
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"


def test_write_to_a_handle(io, tmp_path):
    with io.writing.write_handle(str(tmp_path / "a.txt")) as handle:
        handle.write(b"bytes, ")
        handle.write(b"and more")
    assert (tmp_path / "a.txt").read_text() == "bytes, and more"


def test_write_in_scopes_that_are_nested_and_replaced(io, tmp_path):
    with io.io_scope(str(tmp_path)), io.io_scope("inner"):
        io.writing.write(b"nested", "a.txt")
        with io.io_scope([str(tmp_path), "other"], replace_current_scopes=True):
            io.writing.write(b"replaced", "a.txt")
        io.writing.write(b"nested again", "b.txt")
    assert (tmp_path / "inner" / "a.txt").read_text() == "nested"
    assert (tmp_path / "other" / "a.txt").read_text() == "replaced"
    assert (tmp_path / "inner" / "b.txt").read_text() == "nested again"


# Showing


class Shell(InteractiveShell):
    """IPython under the name that its class has on Colab."""


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # IPython replaces it
    Shell.clear_instance()
    Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    yield
    Shell.clear_instance()


class Shown(html.parser.HTMLParser):
    """Texts, and contents of pictures, of what was displayed once."""

    def __init__(self, outputs):
        super().__init__()
        self.texts, self.pictures = [], []
        (output,) = outputs
        self.feed(output.data["text/html"])

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            kind, _, data = dict(attrs)["src"].partition(";base64,")
            assert kind == "data:image/PNG"
            self.pictures.append(base64.b64decode(data))

    def handle_data(self, data):
        self.texts += data.split("\n")


def test_an_eye_is_shown_as_a_grey_png_and_left_alone(io, notebook):
    eye = np.eye(5)
    with capture_output() as captured:
        io.show(eye)
    (png,) = Shown(captured.outputs).pictures
    # 8 bits of grey, not interlaced. What follows depends on the version of zlib.
    header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\x05" * 2 + b"\x08\0\0\0\0"
    assert png.startswith(header)
    assert np.array_equal(Image.open(buffers.BytesIO(png)), 255 * np.eye(5))
    assert np.array_equal(eye, np.eye(5))


def test_several_images_are_shown_at_once_with_their_labels(io, notebook):
    eye = np.eye(5)
    with capture_output() as captured:
        io.showing.images([eye, 1 - eye], ["first", "second"])
    shown = Shown(captured.outputs)
    assert [text.strip() for text in shown.texts if text.strip()] == ["first", "second"]
    pictures = [np.asarray(Image.open(buffers.BytesIO(png))) for png in shown.pictures]
    assert np.array_equal(pictures[0], 255 * np.eye(5))
    assert np.array_equal(pictures[1], 255 - pictures[0])
