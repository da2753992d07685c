import base64
import contextlib
import html.parser
import io
import re
import sys
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.environment import is_notebook_environment
from lucidx.misc.io import show, showing
from lucidx.misc.io.collapse_channels import collapse_channels
from lucidx.misc.io.serialize_array import _normalize_array

RNG = np.random.default_rng(0)
RGB = RNG.random((4, 6, 3)).astype(np.float32)


class Page(html.parser.HTMLParser):
    """Pictures, texts and tags of displayed HTML."""

    def __init__(self, source: str):
        super().__init__()
        self.pictures, self.texts, self.tags, self.styles = [], [], set(), []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attributes = dict(attrs)
        if tag == "img":
            self.styles.append(attributes["style"])
            data = attributes["src"].partition(";base64,")[2]
            self.pictures.append(Image.open(io.BytesIO(base64.b64decode(data))))

    def handle_data(self, data):
        self.texts += [data.strip()] if data.strip() else []


def stand_in_for_ipython(shell_name: str) -> tuple[types.ModuleType, list[str]]:
    displayed = []
    ipython = types.ModuleType("IPython")
    ipython.display = types.ModuleType("IPython.display")
    ipython.get_ipython = type(shell_name, (), {})
    ipython.display.HTML = str
    ipython.display.display = displayed.append
    return ipython, displayed


@pytest.fixture
def notebook(monkeypatch):
    """What is displayed in a process that looks like a Jupyter kernel."""
    ipython, displayed = stand_in_for_ipython("ZMQInteractiveShell")
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return displayed


@pytest.mark.parametrize(
    ("shell", "expected"),
    [("ZMQInteractiveShell", True), ("Shell", True), ("TerminalInteractiveShell", False)],
)
def test_notebook_shells_are_recognised(monkeypatch, shell, expected):
    monkeypatch.setitem(sys.modules, "IPython", stand_in_for_ipython(shell)[0])
    assert is_notebook_environment() is expected


def test_a_script_is_not_a_notebook():
    assert is_notebook_environment() is False


def test_one_picture_is_one_img(notebook):
    show(RGB, w=50)
    (source,) = notebook
    page = Page(source)
    np.testing.assert_array_equal(page.pictures[0], _normalize_array(RGB))
    assert "width: 50px" in page.styles[0]
    assert page.tags == {"img"}


def test_grey_pictures_stay_grey_and_the_input_is_not_modified(notebook):
    eye = np.eye(5)
    showing.images([eye, eye], labels=["first eye", "second eye"])
    (source,) = notebook
    page = Page(source)
    assert page.texts == ["first eye", "second eye"]
    for picture in page.pictures:
        assert (picture.format, picture.mode) == ("PNG", "L")
        np.testing.assert_array_equal(picture, np.eye(5) * 255)
    np.testing.assert_array_equal(eye, np.eye(5))


@pytest.mark.parametrize(
    ("thing", "count"),
    [
        (RGB[None].repeat(3, 0), 3),
        ([RGB, RGB[..., :1], RGB[..., 0]], 3),
        ([RGB[None]], 1),
        ([RGB[None].repeat(4, 0)], 4),
        ([[RGB[None]], [RGB[None]]], 2),
        ((RGB, RGB), 2),
        ([Image.new("RGB", (6, 4))], 1),
    ],
    ids=["batch", "list", "rendered", "rendered batch", "list of rendered", "tuple", "pillow"],
)
def test_several_pictures_are_a_row_numbered_from_0(notebook, thing, count):
    show(thing)
    (source,) = notebook
    page = Page(source)
    assert [picture.size for picture in page.pictures] == [(6, 4)] * count
    assert page.texts == [str(n) for n in range(count)]


def test_many_channels_are_shown_as_hues(notebook):
    activations = RNG.normal(size=(3, 4, 20))
    show(activations)
    show([activations, RGB])
    hues = _normalize_array(collapse_channels(activations))
    np.testing.assert_array_equal(Page(notebook[0]).pictures[0], hues)
    np.testing.assert_array_equal(Page(notebook[1]).pictures[0], hues)


def test_pillow_images_and_eager_tensors_are_pictures(notebook):
    tf = pytest.importorskip("tensorflow")
    pixels = _normalize_array(RGB)
    for thing in (Image.fromarray(pixels), tf.constant(RGB), tf.Variable(RGB)):
        show(thing)
        np.testing.assert_array_equal(Page(notebook[-1]).pictures[0], pixels)
    show(Image.fromarray(pixels).convert("P"))
    assert Page(notebook[-1]).pictures[0].mode == "RGBA"


RED = [255, 0, 0]


@pytest.mark.parametrize(
    ("mode", "color"),
    [("RGB", RED), ("RGBA", [*RED, 255]), ("P", [*RED, 255]), ("CMYK", [*RED, 255]),
     ("1", [0, 0, 0, 255]), ("L", 76), ("LA", [76, 76, 76, 255]), ("F", 255), ("I;16", 76)],
)  # fmt: skip
def test_pillow_images_of_any_mode_look_as_they_do_elsewhere(notebook, mode, color):
    picture = Image.new("RGB", (6, 4), "red")
    if mode == "1":
        picture = picture.convert("1", dither=Image.Dither.NONE)
    elif mode == "I;16":
        picture = Image.fromarray(np.full((4, 6), 76 * 256 + 99, np.uint16))
    else:
        picture = (picture.convert("L") if mode in ("F", "LA") else picture).convert(mode)
    show(picture)
    show([picture])
    showing.images([picture, picture], domain=(0, 1))
    shown = [np.asarray(drawn) for source in notebook for drawn in Page(source).pictures]
    assert len(shown) == 4
    for pixels in shown:
        np.testing.assert_array_equal(pixels, np.full((4, 6, *np.shape(color)), color))


def test_show_takes_0_to_1_and_images_each_ones_own_range(notebook):
    show([RGB / 2])
    showing.images([RGB / 2])
    dim, stretched = (np.asarray(Page(source).pictures[0]) for source in notebook)
    assert dim.max() <= 127
    assert (stretched.min(), stretched.max()) == (0, 255)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    label=st.text() | st.sampled_from(["</div><script>alert(1)</script>", "a & b", '">', "&lt;"])
)
def test_any_label_is_shown_as_text(notebook, label):
    show([RGB], labels=[label])
    page = Page(notebook[-1])
    assert " ".join(page.texts) == label.strip()
    assert page.tags <= {"div", "br", "img"}


def test_an_empty_list_of_labels_means_none(notebook):
    showing.images([RGB, RGB], labels=[])
    assert Page(notebook[0]).texts == []


def test_too_few_labels_are_refused(notebook):
    with pytest.raises(InvalidValueError, match="2 pictures and 1 labels"):
        showing.images([RGB, RGB], labels=["a"])
    with pytest.raises(InvalidTypeError, match=r"labels is a list.* 3"):
        show([RGB], labels=3)


@pytest.mark.parametrize(
    "show_jpeg",
    [
        lambda: showing.image(RGB, "jpeg"),
        lambda: showing.image(RGB, format="jpeg"),
        lambda: show(RGB, fmt="jpeg"),
        lambda: show([RGB], format="jpeg"),
    ],
)
def test_the_format_of_pictures_can_be_named(notebook, show_jpeg):
    show_jpeg()
    assert Page(notebook[0]).pictures[0].format == "JPEG"


def test_image_url_is_a_data_url():
    url = showing._image_url(RGB, fmt="jpeg", domain=(0, 1))
    assert url.startswith("data:image/JPEG;base64,")
    with pytest.raises(InvalidValueError, match="'data', not 'dat'"):
        showing._image_url(RGB, mode="dat")


def test_a_terminal_gets_a_line_for_each_picture(capsys):
    ramp = np.linspace(0, 1, 12, dtype=np.float32).reshape(2, 2, 3)
    show(ramp)
    show([ramp, ramp[..., 0] / 2], labels=["mixed4a:1\x1b[31m\nred", 7])
    show(np.zeros((1, 14, 14, 508)))
    assert capsys.readouterr().out.splitlines() == [
        "[2, 2, 3] float32, 0 to 1",
        "mixed4a:1 [31m red: [2, 2, 3] float32, 0 to 1",
        "7: [2, 2] float32, 0 to 0.409",
        "0: [14, 14, 508] float64, 0 to 0",
    ]


@pytest.fixture
def mesh():
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    position = np.concatenate([2.0 * corners - 1, np.zeros([4, 1])], -1)
    return {"position": position, "uv": corners, "face": np.array([0, 1, 2, 0, 2, 3])}


def framed_page(source: str) -> str:
    """The page inside the only frame of displayed HTML."""
    frame = re.fullmatch(
        r'<div><iframe [^<>]*sandbox="allow-scripts"[^<>]* srcdoc="([^"]*)"></iframe></div>', source
    )
    return html.unescape(frame[1])


def test_a_textured_mesh_is_a_page_that_loads_nothing(notebook, mesh):
    showing.textured_mesh(mesh, RGB, background="0x102030")
    page = framed_page(notebook[0])
    assert "://" not in page and "default-src 'none'" in page
    assert "background: #102030" in page
    assert 'id="unfoldBox"' in page and 'id="shadeBox"' in page
    texture = re.search('texture = "data:image/JPEG;base64,([^"]+)"', page)[1]
    assert Image.open(io.BytesIO(base64.b64decode(texture))).size == (6, 4)
    arrays = [base64.b64decode(data) for data in re.findall(r'atob\("([^"]*)"\)', page)]
    kinds = [(np.float32, "position"), (np.float32, "uv"), (np.uint32, "face")]
    for data, (dtype, key) in zip(arrays, kinds, strict=True):
        np.testing.assert_array_equal(np.frombuffer(data, dtype), mesh[key].ravel())


def test_other_shapes_of_meshes_and_textures(notebook, mesh):
    colors = np.ones([4, 3])
    others = mesh | {
        "position": np.concatenate([mesh["position"], colors], -1),
        "face": mesh["face"].reshape(2, 3),
        "normal": colors,
    }
    showing.textured_mesh(mesh, RGB)
    showing.textured_mesh(others, RGB)
    showing.textured_mesh(mesh | {"uv": mesh["uv"].ravel()}, RGB)
    assert notebook[0] == notebook[1] == notebook[2]
    for texture in (RGB[..., [0, 1, 2, 0]], RGB[..., 0], RNG.random((4, 6, 7))):
        showing.textured_mesh(mesh, texture)
        assert "data:image/JPEG" in notebook[-1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"face": np.array([0, 1, 4])}, "4 positions, 4 texture .* between vertices 0 and 4"),
        ({"face": np.array([-1, 1, 2])}, "do not fit"),
        ({"face": np.array([0, 1])}, "three for each triangle"),
        ({"face": np.array([0, 1, 2.5])}, "integers"),
        ({"face": np.array([], int)}, "three for each triangle"),
        ({"uv": np.zeros([3, 2])}, "3 texture coordinates"),
        ({"uv": np.zeros([4, 1])}, r"'uv' .* \[N, 2\]; the shape is \[4, 1\]"),
        ({"position": np.full([4, 3], np.nan)}, r"finite; 4 of its 4 rows are not, row 0"),
        ({"position": np.full([4, 3], 1e300)}, "finite"),
        ({"position": np.array(["</script>"] * 4)}, "numbers"),
    ],
)
def test_meshes_that_do_not_fit_are_refused(notebook, mesh, changes, message):
    with pytest.raises((InvalidValueError, InvalidTypeError), match=message):
        showing.textured_mesh(mesh | changes, RGB)
    assert not notebook


def test_a_mesh_lacks_what_it_lacks(mesh):
    with pytest.raises(InvalidValueError, match="has no 'uv' and no 'face'"):
        showing.textured_mesh({"position": mesh["position"]}, RGB)
    with pytest.raises(InvalidTypeError, match="dict of the arrays"):
        showing.textured_mesh([1], RGB)


@pytest.mark.parametrize("background", ["red", "0xfff", '0x"></st', None, "0x1234567"])
def test_a_background_is_a_color(notebook, mesh, background):
    with pytest.raises(InvalidValueError, match="'0xffffff'"):
        showing.textured_mesh(mesh, RGB, background)


def test_a_terminal_is_told_of_a_mesh(capsys, mesh):
    showing.textured_mesh(mesh, np.zeros([2, 3, 3]))
    assert capsys.readouterr().out.splitlines() == [
        "mesh of 4 vertices and 2 triangles",
        "texture: [2, 3, 3] float64, 0 to 0",
    ]


@pytest.mark.slow
def test_a_browser_draws_and_unfolds_a_mesh(notebook, browser, tmp_path):
    # A triangle that stands on edge, to be seen when it is unfolded only.
    edge = np.array([[0.0, -1, -1], [0, 1, -1], [0, 1, 1]])
    corners = np.array([[0.0, 0], [1, 0], [1, 1]])
    red = np.zeros([4, 4, 3])
    red[..., 0] = 1
    showing.textured_mesh({"position": edge, "uv": corners, "face": np.arange(3)}, red)
    (tmp_path / "mesh.html").write_text(f"<!doctype html>{notebook[0]}")

    def share_of_red(page):
        pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), int)
        return ((pixels[..., 0] > 60) & (pixels[..., 1:].max(-1) < 30)).mean()

    wrong = []
    with contextlib.closing(browser.new_page(viewport={"width": 820, "height": 650})) as page:
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((tmp_path / "mesh.html").as_uri())
        frame = page.frames[1]
        frame.wait_for_selector("html[data-ready]", state="attached")
        folded = share_of_red(page)
        frame.check("#unfoldBox")
        page.wait_for_timeout(1500)
        unfolded = share_of_red(page)
    assert not wrong
    assert folded < 0.01 and 0.15 < unfolded < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1200])
def test_pictures_and_meshes_fit_into_narrow_pages(notebook, browser, mesh, tmp_path, width):
    show([RGB] * 12, w=120)
    showing.textured_mesh(mesh, RGB)
    (tmp_path / "page.html").write_text(f"<!doctype html>{''.join(notebook)}")
    with contextlib.closing(browser.new_page(viewport={"width": width, "height": 900})) as page:
        page.goto((tmp_path / "page.html").as_uri())
        frame = page.frames[1]
        frame.wait_for_selector("html[data-ready]", state="attached")
        room = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.evaluate(room) and frame.evaluate(room)
        assert frame.evaluate("document.documentElement.scrollHeight <= innerHeight")
        canvas = frame.locator("canvas").bounding_box()
        shown = page.locator("iframe").bounding_box()
    assert canvas["width"] == pytest.approx(4 / 3 * canvas["height"], rel=0.01)
    assert canvas["width"] > 0.9 * shown["width"] and shown["width"] <= 800


IN_A_NOTEBOOK = """
import numpy as np
from lucidx.misc.io import show
from lucidx.misc.io.showing import textured_mesh
show([np.eye(3)] * 2, labels=["a", "<b>"])
textured_mesh({"position": np.eye(3), "uv": np.eye(3)[:, :2], "face": np.arange(3)}, np.eye(3))
"""


def test_a_real_notebook_shows_what_it_is_given_and_nothing_else():
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    nbformat = pytest.importorskip("nbformat.v4")
    notebook = nbformat.new_notebook(cells=[nbformat.new_code_cell(IN_A_NOTEBOOK)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert [output["output_type"] for output in outputs] == ["display_data"] * 2
    row, frame = (output["data"]["text/html"] for output in outputs)
    assert Page(row).texts == ["a", "<b>"] and len(Page(row).pictures) == 2
    assert "default-src 'none'" in framed_page(frame)


@pytest.fixture
def graph_def():
    tf = pytest.importorskip("tensorflow")
    with tf.Graph().as_default() as made:
        image = tf.compat.v1.placeholder(tf.float32, [None, 8, 8, 3], "image")
        with tf.name_scope("block"):
            weights = tf.constant(RNG.random((3, 3, 3, 4)).astype(np.float32), name="weights")
            acts = tf.nn.conv2d(image, weights, 2, "SAME", name="conv")
        tf.reduce_sum(acts, tf.constant([1, 2], name="axes"), name="sum")
    return made.as_graph_def()


def test_a_graph_is_an_outline_by_scope(notebook, graph_def):
    show(graph_def)
    page = Page(notebook[0])
    assert page.tags == {"div", "b", "details", "summary"}
    assert " ".join(page.texts) == (
        "5 nodes: 2 Const, Placeholder, Conv2D, Sum "
        "image Placeholder float [?, 8, 8, 3] "
        "block/ 2 nodes: Const, Conv2D "
        "weights Const float [3, 3, 3, 4] <stripped 432 bytes> "
        "conv Conv2D strides [1, 2, 2, 1] SAME of image, block/weights "
        "axes Const int32 [2] = [1, 2] "
        "sum Sum of block/conv, axes"
    )


def test_a_terminal_gets_a_line_for_each_outermost_scope(capsys, graph_def):
    tf = pytest.importorskip("tensorflow")
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    show(graph)
    showing.graph(graph_def)
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[:5]
        == lines[5:]
        == [
            "5 nodes: 2 Const, Placeholder, Conv2D, Sum",
            "image: Placeholder float [?, 8, 8, 3]",
            "block: 2 nodes: Const, Conv2D",
            "axes: Const int32 [2] = [1, 2]",
            "sum: Sum of block/conv, axes",
        ]
    )


def test_large_graphs_are_cut(notebook, graph_def):
    for number in range(6000):
        graph_def.node.add(name=f"n{number}", op="NoOp")
    show(graph_def)
    assert Page(notebook[0]).texts[-1] == "... and 1,005 more nodes"


def test_hostile_graphs_are_text(notebook, graph_def):
    evil = "</div><script>alert(1)</script>"
    node = graph_def.node.add(name=f"{evil}/" * 2000 + evil, op=evil, input=[evil])
    node.attr["dtype"].type = 99
    node.attr["padding"].s = b"\xff<b>"
    huge = graph_def.node.add(name="huge", op="Const").attr["value"].tensor
    huge.dtype = 1
    for size in (10**9, 10**9):
        huge.tensor_shape.dim.add(size=size)
    huge.float_val.append(1)
    odd = graph_def.node.add(name="odd", op="Const").attr["value"].tensor
    odd.dtype = 1
    odd.tensor_content = b"123"
    graph_def.node.add(name="", op="")
    show(graph_def)
    page = Page(notebook[0])
    assert page.tags == {"div", "b", "details", "summary"}
    assert any("[1000000000, 1000000000]" in text for text in page.texts)


def test_large_constants_are_stripped_from_a_copy(graph_def):
    before = graph_def.SerializeToString()
    content = {
        size: {
            node.name: node.attr["value"].tensor.tensor_content
            for node in showing._strip_consts(graph_def, size).node
        }
        for size in (32, 432)
    }
    assert content[32]["block/weights"] == b"<stripped 432 bytes>"
    assert len(content[432]["block/weights"]) == 432
    assert content[32]["axes"] == np.array([1, 2], np.int32).tobytes()
    assert graph_def.SerializeToString() == before


def test_what_is_no_graph_is_refused():
    with pytest.raises(InvalidTypeError, match=r"model\.graph_def"):
        showing.graph({"a": 1})


@pytest.mark.parametrize(
    "thing", [np.array([1, 2.5]), {"a": 1}, "text", [], ["a"], [[1, 2], [3]], [1, 2], None]
)
def test_anything_else_is_printed(capsys, caplog, thing):
    show(thing)
    assert capsys.readouterr().out == f"{thing!r}\n"
    assert "not a picture" in caplog.text
