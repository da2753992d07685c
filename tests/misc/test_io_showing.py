import base64
import html.parser
import io
import sys
import types

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lucidx.errors import InvalidValueError
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


def test_the_input_is_not_modified(notebook):
    eye = np.eye(5)
    show([eye], labels=["eye"], domain=None)
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


@pytest.mark.parametrize(
    "show_jpeg",
    [
        lambda: showing.image(RGB, "jpeg"),
        lambda: showing.image(RGB, format="jpeg"),
        lambda: show(RGB, fmt="jpeg"),
    ],
)
def test_the_format_of_a_picture_can_be_named_in_three_ways(notebook, show_jpeg):
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


@pytest.mark.parametrize(
    "thing", [np.array([1, 2.5]), {"a": 1}, "text", [], ["a"], [[1, 2], [3]], [1, 2], None]
)
def test_anything_else_is_printed(capsys, caplog, thing):
    show(thing)
    assert capsys.readouterr().out == f"{thing!r}\n"
    assert "not a picture" in caplog.text
