import contextlib
import io
import json
import lzma
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from lucidx.errors import (
    CorruptFileError,
    InvalidTypeError,
    InvalidValueError,
    LucidxError,
    UnsafeFileError,
)
from lucidx.misc.io import io_scope, load, loading, save
from lucidx.misc.io.loading import load_using_loader

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)


def saved_picture(path: pathlib.Path, pixels: np.ndarray, mode: str | None = None) -> pathlib.Path:
    picture = Image.fromarray(pixels)
    picture.convert(mode or picture.mode).save(path)
    return path


def saved_text(directory: pathlib.Path) -> pathlib.Path:
    (directory / "x.txt").write_text("text")
    return directory / "x.txt"


def test_importing_does_not_import_tensorflow_or_ipython():
    check = (
        "import sys, lucidx.misc.io; sys.exit(bool({'tensorflow', 'IPython'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (PIXELS[..., :3], PIXELS[..., :3]),
        (PIXELS, PIXELS),
        (PIXELS[..., 0], PIXELS[..., :1].repeat(3, -1)),
        (PIXELS[..., :2], PIXELS[..., :2]),
    ],
    ids=["RGB", "RGBA", "grey", "grey and alpha"],
)
def test_a_picture_is_float32_in_0_to_1(tmp_path, pixels, expected):
    array = load(saved_picture(tmp_path / "x.png", pixels))
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, expected.astype(np.float32) / 255)


def test_palettes_bits_and_print_colours_become_colours(tmp_path):
    flat = np.zeros((4, 4, 3), np.uint8)
    flat[:2] = 255, 0, 0
    for name, mode in [("palette.png", "P"), ("print.jpg", "CMYK")]:
        array = load(saved_picture(tmp_path / name, flat, mode))
        np.testing.assert_allclose(array, flat / 255, atol=0.02, err_msg=name)
    bits = load(saved_picture(tmp_path / "bits.png", flat[..., 0], "1"))
    np.testing.assert_array_equal(bits[..., 0], flat[..., 0] / 255)


def test_a_transparent_palette_keeps_its_transparency(tmp_path):
    picture = Image.new("P", (2, 1), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "x.png", transparency=0)
    np.testing.assert_array_equal(load(tmp_path / "x.png"), [[[1, 0, 0, 0], [0, 0, 1, 1]]])


def test_sixteen_bits_of_grey_keep_their_precision(tmp_path):
    levels = np.array([[0, 1, 256, 65535]], np.uint16)
    array = load(saved_picture(tmp_path / "x.png", levels))
    np.testing.assert_allclose(array[..., 0], levels / 65535, rtol=1e-6)
    resized = load(tmp_path / "x.png", size=(8, 8))
    assert resized.shape == (8, 8, 3)
    assert (resized.min(), resized.max()) == (0, 1)


def test_size_is_width_and_height(tmp_path, caplog):
    path = saved_picture(tmp_path / "x.png", PIXELS[..., :3])
    assert load(path, size=(3, 8)).shape == (8, 3, 3)
    assert load(path, size=(3, 8, 3)).shape == (8, 3, 3)
    assert "rest of (3, 8, 3) is ignored" in caplog.text
    with pytest.raises(InvalidValueError, match=r"\(0, 4\)"):
        load(path, size=(0, 4))
    for size in (3, (3,), ("a", 3), (None, 3)):
        with pytest.raises(InvalidTypeError, match="two numbers"):
            load(path, size=size)


def test_target_dtype(tmp_path):
    path = saved_picture(tmp_path / "x.png", PIXELS[..., :3])
    exact = load(path, target_dtype=np.float64)
    np.testing.assert_array_equal(exact, PIXELS[..., :3] / 255)
    assert load(path, target_dtype=np.float16).dtype == np.float16


@pytest.mark.parametrize("name", ["x.jpg", "x.JPEG", "x.webp", "x.PNG"])
def test_picture_formats_by_extension_in_any_case(tmp_path, name):
    ramp = np.linspace(0, 255, 64 * 64).astype(np.uint8).reshape(64, 64)
    assert load(saved_picture(tmp_path / name, ramp)) == pytest.approx(
        ramp[..., None].repeat(3, -1) / 255, abs=0.05
    )


def test_an_unknown_extension_is_tried_as_a_picture(tmp_path):
    content = saved_picture(tmp_path / "x.png", PIXELS).read_bytes()
    (tmp_path / "x.xyz").write_bytes(content)
    np.testing.assert_array_equal(load(tmp_path / "x.xyz"), load(tmp_path / "x.png"))
    (tmp_path / "y.xyz").write_text("no picture")
    with pytest.raises(RuntimeError, match=r"y.xyz' is not a picture.* \.npz, \.json"):
        load(tmp_path / "y.xyz")


def test_arrays_json_and_text(tmp_path):
    array = np.arange(6).reshape(2, 3)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", x=array, y=array.T)
    (tmp_path / "a.json").write_text(json.dumps({"key": [1, "é"]}))
    (tmp_path / "a.txt").write_text("one\nzwei 🙂\n", encoding="utf-8")

    np.testing.assert_array_equal(load(tmp_path / "a.npy"), array)
    archive = load(str(tmp_path / "a.npz"))
    assert isinstance(archive, np.lib.npyio.NpzFile)
    assert set(archive) == {"x", "y"}
    np.testing.assert_array_equal(archive["y"], array.T)
    with pytest.raises(KeyError, match="z"):
        archive["z"]
    assert load(tmp_path / "a.json") == {"key": [1, "é"]}
    assert load(tmp_path / "a.txt") == "one\nzwei 🙂\n"
    assert load(tmp_path / "a.txt", split=True) == ["one", "zwei 🙂"]


def test_a_graph(tmp_path):
    tf = pytest.importorskip("tensorflow")
    graph = tf.Graph()
    with graph.as_default():
        tf.constant(42, name="answer")
    (tmp_path / "g.pb").write_bytes(graph.as_graph_def().SerializeToString())
    loaded = load(tmp_path / "g.pb")
    assert loaded == graph.as_graph_def()
    assert loaded.node[0].attr["value"].tensor.int_val[0] == 42
    (tmp_path / "bad.pb").write_bytes(b"\xff" * 40)
    with pytest.raises(CorruptFileError, match=r"bad\.pb"):
        load(tmp_path / "bad.pb")


def test_open_files(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez(tmp_path / "a.npz", x=PIXELS)
    (tmp_path / "a.json").write_text("[1]")
    with open(tmp_path / "a.npy", "rb") as handle:
        np.testing.assert_array_equal(load(handle), PIXELS)
    with open(tmp_path / "a.npz", "rb") as handle:
        archive = load(handle)
    np.testing.assert_array_equal(archive["x"], PIXELS)
    for mode in ("r", "rb"):
        with open(tmp_path / "a.json", mode) as handle:
            assert load(handle) == [1]
    with open(tmp_path / "a.npy") as handle, pytest.raises(InvalidTypeError, match="mode 'rb'"):
        load(handle)


def test_a_stream_that_cannot_be_rewound(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    saved_picture(tmp_path / "a.png", PIXELS)
    for name in ("a.npy", "a.png"):
        pipe_end, other_end = os.pipe()
        with open(other_end, "wb") as sender:
            sender.write((tmp_path / name).read_bytes())
        with open(pipe_end, "rb") as receiver:
            stream = io.BufferedReader(Named(receiver, name))
            np.testing.assert_allclose(load(stream), load(tmp_path / name))


class Named(io.RawIOBase):
    """A pipe with a name, as a download has."""

    def __init__(self, source: io.BufferedReader, name: str):
        self.source, self.name = source, name

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.source.readinto(buffer)


def test_a_mesh(tmp_path):
    (tmp_path / "x.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
    mesh = load(tmp_path / "x.obj")
    np.testing.assert_array_equal(mesh["position"], [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(mesh["face"].ravel(), [0, 1, 2])
    assert mesh["uv"].shape == (3, 2)
    (tmp_path / "bad.obj").write_text("v a b c\nf 1 2 3\n")
    with pytest.raises(CorruptFileError, match=r"bad\.obj.* not a mesh"):
        load(tmp_path / "bad.obj")


@pytest.mark.parametrize("name", ["a.npy", "a.json", "a.txt"])
def test_a_file_may_be_compressed(tmp_path, name):
    things = {".json": {"é": [1]}, ".txt": "one\nzwei 🙂\n"}
    thing = things.get(pathlib.Path(name).suffix, PIXELS)
    save(thing, tmp_path / name)
    packed = tmp_path / f"{name}.XZ"
    packed.write_bytes(lzma.compress((tmp_path / name).read_bytes()))
    np.testing.assert_array_equal(load(packed), thing)
    with open(packed, "rb") as handle:
        np.testing.assert_array_equal(load(handle), thing)
    with (
        open(packed, encoding="latin-1") as handle,
        pytest.raises(InvalidTypeError, match="'rb'"),
    ):
        load(handle)
    for content in (b"", b"no xz", packed.read_bytes()[:-20]):
        packed.write_bytes(content)
        with pytest.raises(CorruptFileError, match=rf"{name}\.XZ' .* xz"):
            load(packed)


def test_what_decompresses_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "_LARGEST_UNPACKED", 1000)
    for size, refused in [(1000, False), (1001, True)]:
        (tmp_path / "x.txt.xz").write_bytes(lzma.compress(b"x" * size))
        with pytest.raises(UnsafeFileError) if refused else contextlib.nullcontext():
            assert load(tmp_path / "x.txt.xz") == "x" * size


def test_a_format_of_your_own(tmp_path):
    (tmp_path / "x.dat").write_bytes(bytes(3))
    assert load_using_loader(tmp_path / "x.dat", None, lambda f: len(f.read()), None) == 3
    (tmp_path / "x.dat").write_bytes(lzma.compress(bytes(5)))
    sizes = {"loader": lambda handle, plus: len(handle.read()) + plus, "plus": 1}
    assert load_using_loader(tmp_path / "x.dat", lzma.LZMAFile, cache=None, **sizes) == 6
    with open(tmp_path / "x.dat", "rb") as handle:
        assert load_using_loader(handle, lzma.LZMAFile, cache=None, **sizes) == 6


def test_a_list_is_loaded_in_order(tmp_path):
    paths = [tmp_path / f"{n}.json" for n in range(20)]
    for n, path in enumerate(paths):
        path.write_text(str(n))
    assert load([*paths, paths[0]]) == [*range(20), 0]
    assert load([]) == []


def test_of_a_list_everything_is_tried_and_the_first_error_raised(tmp_path, caplog):
    (tmp_path / "a.json").write_text("1")
    paths = [tmp_path / name for name in ("a.json", "missing.json", "lost.json", "a.json")]
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        load(paths)
    assert "lost.json" in caplog.text
    one, missing, lost, other = load(paths, return_exceptions=True)
    assert (one, other) == (1, 1)
    assert isinstance(missing, FileNotFoundError) and isinstance(lost, FileNotFoundError)


def test_a_list_may_hold_objects_when_allowed(tmp_path):
    (tmp_path / "o.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UnsafeFileError):
        load([tmp_path / "o.pkl"])
    assert load([tmp_path / "o.pkl"], allow_unsafe_formats=True) == [{"a": 1}]


def test_a_list_of_names_is_loaded_within_the_scope(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    (tmp_path / "b.txt").write_text("b")
    with io_scope(tmp_path):
        assert load(["a.json", "b.txt"]) == [load("a.json"), load("b.txt")] == [[1], "b"]


def test_objects_are_only_loaded_when_allowed(tmp_path):
    objects = np.array([{"a": 1}, None], object)
    np.save(tmp_path / "o.npy", objects)
    np.savez(tmp_path / "o.npz", x=objects)
    (tmp_path / "o.pkl").write_bytes(pickle.dumps({"a": 1}))
    for name in ("o.npy", "o.pkl"):
        with pytest.raises(UnsafeFileError, match="allow_unsafe_formats=True"):
            load(tmp_path / name)
    with pytest.raises(UnsafeFileError, match=r"o\.npz\[x\].*allow_unsafe_formats=True"):
        load(tmp_path / "o.npz")["x"]
    assert load(tmp_path / "o.npy", allow_unsafe_formats=True)[0] == {"a": 1}
    assert load(tmp_path / "o.npz", allow_unsafe_formats=True)["x"][0] == {"a": 1}
    assert load(tmp_path / "o.pkl", allow_unsafe_formats=True) == {"a": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f",  # as long as memory could never be
        b"\x80\x04U\xff\xff\xff\xff",
        b"cnowhere\nnothing\n.",
        b"cos\nnothing\n.",
        b"\x80\x04]\x8c\x01aR.",
    ],
    ids=["too long", "short", "no module", "no name", "no function"],
)
def test_pickles_that_cannot_be_loaded_name_the_file(tmp_path, content):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"x\.pkl' is damaged.* a pickle that can be loaded"):
        load(tmp_path / "x.pkl", allow_unsafe_formats=True)


def test_pickles_of_python_2_are_loaded_with_their_encoding(tmp_path):
    (tmp_path / "x.pkl").write_bytes(b"S'\\xe9'\np0\n.")
    assert load(tmp_path / "x.pkl", allow_unsafe_formats=True, encoding="latin-1") == "é"
    with open(tmp_path / "x.pkl") as handle, pytest.raises(InvalidTypeError, match="mode 'rb'"):
        load(handle, allow_unsafe_formats=True)


def damaged(content: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    if seed % 2:
        return content[: rng.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(5):
        changed[rng.randrange(min(len(changed), 200))] = rng.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp", "x.npy", "x.npz", "x.json", "x.txt"])
def test_damaged_files_load_or_raise_a_lucidx_error_naming_the_file(tmp_path, name):
    things = {".json": [1, {"é": "é"}], ".txt": "é" * 40, ".npz": {"a": PIXELS}}
    path = tmp_path / name
    save(things.get(path.suffix, PIXELS[..., :3]), path)
    content = path.read_bytes()
    refused = 0
    for seed in range(60):
        path.write_bytes(damaged(content, seed))
        try:
            thing = load(path)
            if name == "x.npz":
                thing["a"]
        except LucidxError as error:
            refused += 1
            assert name in str(error)
        except KeyError:  # the name inside the archive was damaged
            assert name == "x.npz"
    assert refused


@pytest.mark.parametrize("name", ["x.png", "x.npy", "x.npz", "x.json", "x.txt", "x.pkl"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage"], ids=["empty", "garbage"])
def test_what_a_file_is_not_is_said(tmp_path, name, content):
    if name == "x.txt":
        content = b"\xff"
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorruptFileError, match=rf"{name}' is damaged, incomplete or not "):
        load(tmp_path / name, allow_unsafe_formats=True)


def test_deeply_nested_json_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("[" * 200_000)
    with pytest.raises(CorruptFileError, match=r"x\.json"):
        load(tmp_path / "x.json")


def test_a_header_that_claims_too_much_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((7, 7)))
    content = (tmp_path / "x.npy").read_bytes()
    assert b"(7, 7), }                     " in content
    huge = content.replace(b"(7, 7), }" + b" " * 20, f"({10**15}, 7), }}".encode().ljust(29))
    (tmp_path / "x.npy").write_bytes(huge)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", huge)
    with pytest.raises(CorruptFileError, match=r"x\.npy"):
        load(tmp_path / "x.npy")
    with pytest.raises(CorruptFileError, match=r"x\.npz\[a\]"):
        load(tmp_path / "x.npz")["a"]


def test_a_decompression_bomb_is_refused(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")
    )
    with pytest.raises(UnsafeFileError, match=r"bomb\.png' would take too much memory"):
        load(tmp_path / "bomb.png")


def test_a_file_of_a_format_that_runs_programs_is_not_a_picture(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "x.eps")
    (tmp_path / "x.eps").rename(tmp_path / "x.png")
    with pytest.raises(CorruptFileError):
        load(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("ftp://example.org/x.png", InvalidValueError, "gs://bucket/path"),
        ("https://example.org", RuntimeError, "no extension"),
        (".xz", RuntimeError, "no extension"),
        ("x.xz", RuntimeError, "no extension"),
        ("missing.png", FileNotFoundError, "missing.png"),
        ("missing", RuntimeError, "no extension"),
        ("missing", InvalidValueError, "no extension"),
        (io.BytesIO(b""), InvalidTypeError, "open file with a name.* BytesIO"),
        (None, InvalidTypeError, "NoneType"),
        ("a\0.png", InvalidValueError, "NUL"),
    ],
)
def test_what_cannot_be_loaded(what, error, message):
    with pytest.raises(error, match=message):
        load(what)


def test_unknown_arguments_are_refused(tmp_path):
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(InvalidValueError, match="'nope' is no encoding"):
        load(saved_text(tmp_path), encoding="nope")
    with pytest.raises(TypeError, match="sice"):
        load(tmp_path / "x.json", sice=(3, 3))
    picture = saved_picture(tmp_path / "x.png", PIXELS)
    for path in (picture, picture.rename(tmp_path / "x.xyz")):
        with pytest.raises(InvalidTypeError, match=r"no 'sice'; it takes 'target_.*', 'upright'\."):
            load(path, sice=(3, 3))
