import html.parser
import json
import os
import re

import numpy as np
import pytest
from hostile_labels import HOSTILE

from lucidx.errors import InvalidValueError
from lucidx.interfaces import PRESETS
from lucidx.interfaces.page import as_script_json
from lucidx.interfaces.panels import Picture


class Elements(html.parser.HTMLParser):
    """Elements and texts of a page, as a browser would read it."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], {}, []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_data(self, data):
        self.texts.setdefault(self._open[-1] if self._open else "", []).append(data)


@pytest.mark.parametrize("name", PRESETS)
def test_pages_need_nothing_from_outside(pages, name):
    source = pages(name).html
    assert not re.search(r"(?i)https?:|//[a-z0-9-]+\.[a-z]|@import|<link[^>]+stylesheet", source)
    assert not re.search(r"\beval\(|new Function|innerHTML|document\.write", source)
    assert "connect-src" not in source
    assert "default-src 'none'" in source
    for tag, attributes in Elements(source).tags:
        for where in ("src", "href"):
            assert attributes.get(where, "data:").startswith("data:")
        assert not any(key.startswith("on") for key in attributes), tag


@pytest.mark.parametrize("name", PRESETS)
def test_pages_are_small(pages, name):
    assert len(pages(name).html.encode()) < 5e6


def test_labels_and_names_are_text_not_code(pages):
    source = pages("compare-classes").html
    found = Elements(source)
    assert [tag for tag, _ in found.tags].count("script") == 2
    assert not [tag for tag, _ in found.tags if tag in ("img", "b")]
    assert "small <b>network</b>" in "".join(found.texts["bdi"])
    data = json.loads(source.split('id="data">')[1].split("</script>")[0])
    assert [c["label"] for c in data["classes"]] == [HOSTILE[i] for i in (0, 3, 4)]


@pytest.mark.parametrize(
    "text", ["</script>", "<!--", "]]>", "\u2028\u2029", "&lt;", "\ud800", "\0", "{{ 1 }}", '"\\']
)
def test_any_text_is_safe_in_a_script(text):
    encoded = as_script_json({"text": text})
    assert re.fullmatch(r"[ -;=?-~]*", encoded), "only plain ASCII, no angle brackets"
    assert "&" not in encoded
    assert json.loads(encoded) == {"text": text.encode("utf-8", "replace").decode()}


def test_arrays_keep_their_values(rng):
    import base64

    def decode(encoded):
        values = np.frombuffer(base64.b64decode(encoded["data"]), encoded["$"])
        return values.reshape(encoded["shape"]) * encoded.get("scale", 1)

    exact = rng.normal(size=(3, 5)).astype(np.float32)
    large = rng.normal(size=(40, 50, 6)).astype(np.float32)
    whole = rng.integers(0, 2000, (7, 7, 4)).astype(np.int32)
    data = json.loads(as_script_json({"exact": exact, "large": large, "whole": whole}))
    np.testing.assert_array_equal(decode(data["exact"]), exact)
    np.testing.assert_array_equal(decode(data["whole"]), whole)
    np.testing.assert_allclose(decode(data["large"]), large, atol=abs(large).max() / 60000)


def test_numbers_that_json_has_not_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        as_script_json({"nothing": float("nan")})


def test_pictures_are_in_the_page():
    data = json.loads(as_script_json(Picture(np.zeros([16, 48, 3], np.uint8), 3)))
    assert data.pop("src").startswith("data:image/webp;base64,")
    assert data == {"width": 48, "height": 16, "columns": 3}


def test_saving_is_all_or_nothing(pages, tmp_path, monkeypatch):
    page, path = pages("neuron-groups"), tmp_path / "new" / "page.html"
    page.save(path)
    assert path.read_text("utf-8") == page.html

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left") as raised:
        pages("compare-classes").save(path)
    assert raised.value.filename == str(path)
    assert path.read_text("utf-8") == page.html
    assert os.listdir(path.parent) == ["page.html"]


def test_a_page_is_saved_as_html(pages, tmp_path):
    with pytest.raises(InvalidValueError, match=r"saved as \.html"):
        pages("neuron-groups").save(tmp_path / "page.png")


def test_a_notebook_shows_the_page_itself_in_a_frame(pages):
    page = pages("neuron-groups")
    _, frame = Elements(page._repr_html_()).tags
    assert frame[0] == "iframe"
    assert frame[1]["srcdoc"] == page.html
    assert frame[1]["sandbox"] == "allow-scripts"


def test_a_terminal_says_what_the_page_is(pages, capsys):
    pages("neuron-groups").show()
    assert "Neuron groups" in capsys.readouterr().out


def test_a_page_cannot_be_changed(pages):
    page = pages("neuron-groups")
    assert page.data["panels"][0]["maps"][0]["values"].dtype == np.float32
    with pytest.raises(TypeError):
        page.data["title"] = "Another"
    with pytest.raises(AttributeError):
        page.data = {}
