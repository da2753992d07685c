"""An atlas' page: one file that needs nothing, or a page with its tiles beside it."""

import contextlib
import functools
import http.server
import io
import json
import os
import re
import threading

import numpy as np
import pytest
from PIL import Image
from test_atlas_building import by_hand

from lucidx.errors import InvalidValueError
from lucidx.recipes.activation_atlas import page, page_of

HOSTILE = ("</script><img src=x onerror='window.hacked = 1'>", "<b>", "\u202e right to left", "")


def data_of(source):
    return json.loads(re.search(r'id="data">(.*?)</script>', source, re.DOTALL)[1])


def test_a_page_needs_nothing_from_outside():
    source = page_of(by_hand()).html
    assert not re.search(r"(?i)https?:|//[a-z0-9-]+\.[a-z]|@import|<link[^>]+stylesheet", source)
    assert not re.search(r"\beval\(|new Function|innerHTML|document\.write", source)
    assert "default-src 'none'; img-src data:; style" in source


def test_labels_and_names_are_text_not_code():
    source = page_of(by_hand(labels=HOSTILE)).html
    assert source.count("<script") == 2 and "<img" not in source and "<b>" not in source
    data = data_of(source)
    assert sorted(c["label"] for c in data["classes"]) == sorted(HOSTILE)
    assert data["grids"][0]["examples"][0] == ["0.jpg", "<b>.jpg"]
    assert data["model"] == "by <b>hand</b>"


def test_every_icon_is_in_its_place_of_a_tile():
    atlas = by_hand((12,))
    found = page_of(atlas)
    grid = found.data["grids"][0]
    assert len(grid["tiles"]) == 4
    for tile in grid["tiles"]:
        picture = np.asarray(Image.open(io.BytesIO(found.tiles[tile["source"]])))
        for k, (column, row) in enumerate(zip(grid["columns"], grid["rows"], strict=True)):
            if (column // 10, row // 10) == (tile["column"], tile["row"]):
                y, x = row % 10 * 20 + 10, column % 10 * 20 + 10
                difference = picture[y, x].astype(int) - atlas.levels[0].icons[k, 10, 10]
                assert np.abs(difference).max() < 25, "pictures are lossy"


def test_a_page_says_of_cells_what_they_argue_for_most():
    found = page_of(by_hand(), ["dog"]).data
    labels = [c["label"] for c in found["classes"]]
    assert labels[0] == "dog" and found["chosen"] == [0]
    for grid in found["grids"]:
        strongest = [labels[row[0]] for row in grid["strongest"]]
        expected = ["cat", "dog", "cat", "hen"]
        assert strongest == [expected[k % 4] for k in range(len(strongest))]
        np.testing.assert_array_equal(grid["strengths"][:, 0], 1.5)
        dog = grid["evidence"][:, 0]
        np.testing.assert_array_equal(dog, [1.5 if k % 4 == 1 else -0.5 for k in range(len(dog))])


def test_a_page_says_how_it_was_made_and_what_it_does_not_mean():
    source = page_of(by_hand()).html
    for part in (
        "1,234 activations",
        "5 more were zero",
        "64 steps",
        "2 by 2 and 4 by 4",
        "logits",
    ):
        assert part in source
    assert source.count('class="limits"') == 4
    plain = page_of(by_hand(labels=())).html
    assert plain.count('class="limits"') == 3 and "argues for." not in plain


def test_impossible_classes_are_refused():
    with pytest.raises(InvalidValueError, match="one class or two"):
        page_of(by_hand(), [0, 1, 3])
    with pytest.raises(InvalidValueError, match="not known"):
        page_of(by_hand(labels=()), [0])


def test_large_atlases_have_their_tiles_beside_the_page(tmp_path, monkeypatch):
    found, path = page_of(by_hand()), tmp_path / "a b.html"
    found.save(path)
    assert os.listdir(tmp_path) == ["a b.html"] and path.read_text("utf-8") == found.html
    monkeypatch.setattr(page, "EMBEDDED", 10)
    found.save(path)
    tiles = tmp_path / "a b_tiles"
    assert sorted(t.read_bytes() for t in tiles.iterdir()) == sorted(found.tiles)
    sources = data_of(path.read_text("utf-8"))["sources"]
    assert sorted(sources) == sorted(f"a%20b_tiles/{name}" for name in os.listdir(tiles))
    (tiles / "notes.txt").write_text("the user's")
    page_of(by_hand((3,))).save(path)
    assert len(os.listdir(tiles)) == 2, "old tiles are gone, what is not ours is not"


def test_a_full_disk_leaves_no_half_page(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    for embedded in (10, 10**9):
        monkeypatch.setattr(page, "EMBEDDED", embedded)
        with pytest.raises(OSError, match="No space left") as raised:
            page_of(by_hand()).save(tmp_path / "atlas.html")
        assert raised.value.filename == str(tmp_path / "atlas.html")
        assert not (tmp_path / "atlas.html").exists()


def test_a_page_is_saved_as_html(tmp_path):
    with pytest.raises(InvalidValueError, match=r"saved as \.html"):
        page_of(by_hand()).save(tmp_path / "atlas.png")


# In a browser


@pytest.fixture
def visit(browser, tmp_path):
    """Open an atlas' page from its file; fails at errors, and at requests but for its files."""
    with contextlib.ExitStack() as stack:

        def visit(atlas=None, classes=(), address=None, width=1200, **options):
            path = tmp_path / "atlas.html"
            page_of(atlas or by_hand((4, 12)), classes).save(path)
            context = browser.new_context(viewport={"width": width, "height": 800}, **options)
            stack.callback(context.close)
            tab, wrong = context.new_page(), []
            tab.on("console", lambda message: wrong.append(message.text))
            tab.on("pageerror", lambda error: wrong.append(str(error)))
            tab.on("dialog", lambda dialog: wrong.append(dialog.message))
            folder = (address or tmp_path.as_uri()) + "/"
            tab.on("request", lambda r: r.url.startswith((folder, "data:")) or wrong.append(r.url))
            stack.callback(lambda: _check(wrong))
            tab.goto(folder + path.name)
            tab.wait_for_selector("html[data-ready]", state="attached")
            return tab

        yield visit


def _check(wrong):
    assert wrong == []


def settled(tab):
    """Wait until what was done to a page is to be seen on it."""
    wait = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    for _ in range(3):
        tab.evaluate(wait)


def cell(tab):
    """What the page says of the cell that is chosen or pointed at."""
    settled(tab)
    return tab.locator("#cell").inner_text()


def legend(tab):
    return " ".join(tab.locator("#legend").inner_text().split())


def color(tab, x, y):
    """Colour of the map at a point, in parts of its width and height."""
    settled(tab)
    box = tab.locator("#map").bounding_box()
    shot = Image.open(io.BytesIO(tab.screenshot()))
    return shot.getpixel((int(box["x"] + box["width"] * x), int(box["y"] + box["height"] * y)))[:3]


def at_cell(tab, column, row, size):
    """Where the middle of a cell is on the map when all of it is shown, in pixels."""
    box = tab.locator("#map").bounding_box()
    side = 0.97 * min(box["width"], box["height"])
    left, top = (box["width"] - side) / 2, (box["height"] - side) / 2
    return {"x": left + (column + 0.5) * side / size, "y": top + (row + 0.5) * side / size}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_opens_from_disk_and_fits_the_screen(visit, scheme):
    tab = visit(color_scheme=scheme)
    for width in (360, 1200):
        tab.set_viewport_size({"width": width, "height": 800})
        settled(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        box = tab.locator("#map").bounding_box()
        assert box["width"] > 0.6 * min(width, 1100) and 300 <= box["height"] < 800
        assert tab.locator("#map").get_attribute("data-missing") == "0"


def test_pointing_at_a_cell_tells_of_it(visit):
    tab = visit(by_hand((4,)))
    assert "Point at a cell" in cell(tab)
    tab.locator("#map").hover(position=at_cell(tab, 1, 0, 4))
    told = cell(tab)
    assert "Column 2, row 1 of 4 by 4: 1 activation" in told
    assert "0.jpg" in told and "<b>.jpg" in told and "cat" in told
    tab.locator("h1").hover()
    assert "Point at a cell" in cell(tab)
    tab.locator("#map").hover(position=at_cell(tab, 0, 0, 4))
    assert "Point at a cell" in cell(tab), "the cell is empty"


def test_a_click_chooses_a_cell_and_escape_lets_go(visit):
    tab = visit(by_hand((4,)))
    tab.locator("#map").click(position=at_cell(tab, 2, 1, 4))
    tab.locator("h1").hover()
    assert "Column 3, row 2" in cell(tab)
    assert "Column 3, row 2 of 4 by 4. 100 activations." in tab.locator("#status").inner_text()
    tab.keyboard.press("Escape")
    assert "Point at a cell" in cell(tab)


def test_icons_are_seen_in_their_colours(visit):
    atlas = by_hand((4,))
    tab = visit(atlas)
    box = tab.locator("#map").bounding_box()
    for k, (column, row) in enumerate([(1, 0), (2, 0), (3, 0)]):
        place = at_cell(tab, column, row, 4)
        seen = color(tab, place["x"] / box["width"], place["y"] / box["height"])
        assert np.abs(np.subtract(seen, atlas.levels[0].icons[k, 0, 0])).max() < 25


def test_the_wheel_zooms_about_the_pointer_into_finer_cells(visit):
    tab = visit()
    map_ = tab.locator("#map")
    assert map_.get_attribute("data-grid") == "12"
    tab.set_viewport_size({"width": 360, "height": 800})
    settled(tab)
    assert map_.get_attribute("data-grid") == "4", "cells would be too small"
    map_.scroll_into_view_if_needed()
    map_.hover(position=at_cell(tab, 6, 6, 12))
    for _ in range(5):
        tab.mouse.wheel(0, -200)
        settled(tab)
    assert map_.get_attribute("data-grid") == "12"
    assert "Column 7, row 7 of 12 by 12" in cell(tab)
    assert tab.locator("#minimap").is_visible()
    tab.get_by_role("button", name="Show all of it").click()
    settled(tab)
    assert map_.get_attribute("data-grid") == "4"
    assert not tab.locator("#minimap").is_visible()


def test_dragging_moves_the_map_and_chooses_nothing(visit):
    tab = visit(by_hand((12,)))
    tab.get_by_role("button", name="Zoom in").click()
    middle = tab.locator("#map").bounding_box()
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    tab.mouse.move(x + 30, y + 30)
    before = cell(tab).splitlines()[0]
    tab.mouse.down()
    tab.mouse.move(x - 70, y - 60, steps=5)
    tab.mouse.up()
    tab.mouse.move(x + 30, y + 31)
    assert "Column" in before and cell(tab).splitlines()[0] != before
    tab.mouse.move(x - 70, y - 59)
    assert cell(tab).splitlines()[0] == before, "it moved with the pointer"
    tab.locator("h1").hover()
    assert "Point at a cell" in cell(tab)


def test_keys_do_what_the_mouse_does(visit):
    tab = visit(by_hand((4,)))
    tab.locator("#map").focus()
    tab.keyboard.press("ArrowRight")
    first = cell(tab).splitlines()[0]
    assert "Column 3, row 3" in first or "Column 2, row 2" in first
    for key in ["ArrowUp"] * 3 + ["ArrowRight"] * 3:
        tab.keyboard.press(key)
    assert "Column 4, row 1" in cell(tab)
    assert "Column 4, row 1" in tab.locator("#status").inner_text()
    for _ in range(6):
        tab.keyboard.press("+")
    settled(tab)
    assert tab.locator("#minimap").is_visible()
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft"):
        tab.keyboard.press(key)
    assert "Column 3, row 3" in cell(tab)
    tab.keyboard.press("0")
    settled(tab)
    assert not tab.locator("#minimap").is_visible()
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Zoom in"


def test_focus_can_be_seen(visit):
    tab = visit()
    for _ in range(3):
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "map"
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_class_is_seen_where_it_is_argued_for(visit):
    tab = visit(by_hand((4,)))
    assert tab.locator("select").first.is_hidden()
    tab.get_by_role("radio", name="One class").click()
    tab.locator("select").first.select_option(label="dog")
    box = tab.locator("#map").bounding_box()
    side = 0.97 * min(box["width"], box["height"])

    def corner(column, row):
        place = at_cell(tab, column, row, 4)
        shift = 0.492 * side / 4
        return color(tab, (place["x"] - shift) / box["width"], (place["y"] - shift) / box["height"])

    red, green, _ = corner(2, 0)
    assert green > red + 40, "argues for it: teal"
    red, green, _ = corner(3, 0)
    assert red > green, "argues against it: orange"
    assert "argues for dog" in legend(tab)
    tab.get_by_role("radio", name="Two classes").click()
    tab.locator("select").nth(1).select_option(label="hen")
    red, green, _ = corner(0, 1)
    assert red > green + 40, "more for the second"
    tab.locator("#map").hover(position=at_cell(tab, 2, 0, 4))
    told = cell(tab)
    assert told.index("For what is chosen") < told.index("hen") < told.index("Argues most for")


def test_a_page_can_open_with_a_difference(visit):
    tab = visit(by_hand((4,)), ["hen", "dog"])
    assert tab.get_by_role("radio", name="Two classes").get_attribute("aria-checked") == "true"
    assert "more for hen more for dog" in legend(tab)


def test_without_classes_there_are_none_to_choose(visit):
    tab = visit(by_hand((4,), labels=()))
    assert tab.get_by_role("radio").count() == 0
    tab.locator("#map").click(position=at_cell(tab, 1, 0, 4))
    told = cell(tab)
    assert "1 activation" in told and "Argues" not in told


def test_a_tap_chooses_and_two_fingers_zoom(visit):
    tab = visit(by_hand((4,)), width=360, has_touch=True, is_mobile=True)
    tab.locator("#map").tap(position=at_cell(tab, 1, 2, 4))
    assert "Column 2, row 3" in cell(tab)
    box = tab.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    client = tab.context.new_cdp_session(tab)

    def touch(kind, *points):
        touches = [{"x": px, "y": py, "id": n} for n, (px, py) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    touch("touchStart", (x - 20, y), (x + 20, y))
    for d in range(20, 121, 10):
        touch("touchMove", (x - d, y), (x + d, y))
    touch("touchEnd")
    settled(tab)
    assert tab.locator("#minimap").is_visible()
    assert "Column 2, row 3" in cell(tab), "it chose nothing else"


def test_hostile_labels_are_shown_as_they_are(visit):
    tab = visit(by_hand((4,), labels=HOSTILE))
    tab.get_by_role("radio", name="One class").click()
    for column in (1, 2, 3):
        tab.locator("#map").hover(position=at_cell(tab, column, 0, 4))
        assert "activation" in cell(tab)
    assert HOSTILE[0] in tab.locator("select").first.inner_text()
    assert tab.evaluate("window.hacked") is None


@pytest.mark.parametrize("served", [False, True])
def test_tiles_beside_the_page_are_found_from_disk_and_from_a_server(
    visit, tmp_path, monkeypatch, served
):
    monkeypatch.setattr(page, "EMBEDDED", 10)
    address = None
    with contextlib.ExitStack() as stack:
        if served:
            handler = functools.partial(Quiet, directory=str(tmp_path))
            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_port}"
        atlas = by_hand((4,))
        tab = visit(atlas, address=address)
        place, box = at_cell(tab, 2, 0, 4), tab.locator("#map").bounding_box()
        seen = color(tab, place["x"] / box["width"], place["y"] / box["height"])
        assert np.abs(np.subtract(seen, atlas.levels[0].icons[1, 0, 0])).max() < 25


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass
