"""Pages as people meet them: in a browser, with mouse, keys and fingers."""

import contextlib
import re

import pytest
from hostile_labels import HOSTILE

from lucidx.interfaces import PRESETS

WIDTHS = (360, 1440)


@pytest.fixture
def visit(browser, pages, tmp_path):
    """Open a preset's page from its file; fails at errors, and at requests but for the file."""
    with contextlib.ExitStack() as stack:

        def visit(name, width=1440, **options):
            path = tmp_path / f"{name}.html"
            pages(name).save(path)
            context = browser.new_context(viewport={"width": width, "height": 800}, **options)
            stack.callback(context.close)
            page, wrong = context.new_page(), []
            page.on("console", lambda message: wrong.append(message.text))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("dialog", lambda dialog: wrong.append(dialog.message))
            address = path.as_uri()
            page.on(
                "request",
                lambda r: r.url.startswith((address, "data:")) or wrong.append(r.url),
            )
            stack.callback(lambda: _check(wrong))
            page.goto(address)
            page.wait_for_selector("html[data-ready]", state="attached")
            return page

        yield visit


def _check(wrong):
    assert wrong == []


def drawn(page):
    """Wait until what was done to a page is to be seen on it."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def shown(page):
    """What a dictionary says."""
    drawn(page)
    return page.locator(".of-dictionary .body").inner_text()


@pytest.mark.parametrize("name", PRESETS)
def test_pages_open_from_disk_and_fit_the_screen(visit, name):
    page = visit(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for panel in page.locator(".panel .body").all():
            assert panel.bounding_box()["height"] > 20
            assert panel.bounding_box()["width"] <= width
    for target in page.locator(".map, .of-profile svg, main button:not([disabled])").all()[:5]:
        target.hover()
        target.click()


def test_pointing_at_a_place_shows_its_entry(visit):
    page = visit("semantic-dictionary")
    before = shown(page)
    assert "At row" in before
    page.locator(".map").hover(position={"x": 5, "y": 5})
    there = shown(page)
    assert "At row 1, column 1 of 4 by 4" in there
    page.locator("h1").hover()
    assert shown(page) == before


def test_a_click_pins_a_place_and_escape_lets_go(visit):
    page = visit("semantic-dictionary")
    page.locator(".map").click(position={"x": 5, "y": 5})
    page.locator("h1").hover()
    assert "At row 1, column 1" in shown(page)
    page.keyboard.press("Escape")
    assert "Choose a place" in shown(page)


def test_keys_do_what_the_mouse_does(visit):
    page = visit("semantic-dictionary")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "map"
    for key in ["ArrowUp"] * 4 + ["ArrowLeft"] * 4 + ["ArrowRight"]:
        page.keyboard.press(key)
    assert "At row 1, column 2" in shown(page)
    assert "row 1, column 2. channel" in page.locator("#status").inner_text()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert "At row 1, column 2" in shown(page)
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") != first
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.panel')") is None


def test_focus_can_be_seen(visit):
    page = visit("semantic-dictionary")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_tap_does_what_the_mouse_does(visit):
    page = visit("semantic-dictionary", 360, has_touch=True, is_mobile=True)
    page.locator(".map").tap(position={"x": 5, "y": 5})
    assert "At row 1, column 1" in shown(page)
    row = page.locator("button.row").first
    row.tap()
    drawn(page)
    assert row.get_attribute("aria-pressed") == "true"
    assert "Lit where channel" in page.locator(".of-map .legend").inner_text()


def test_a_place_is_the_same_place_in_all_layers(visit):
    page = visit("spatial-attribution")
    boxes = page.locator(".map")
    area = boxes.nth(3).bounding_box()
    boxes.nth(3).hover(position={"x": area["width"] * 0.9, "y": area["height"] * 0.1})
    drawn(page)
    for k in range(boxes.count()):
        reticle = boxes.nth(k).locator(".reticle").bounding_box()
        whole = boxes.nth(k).bounding_box()
        middle = (reticle["x"] + reticle["width"] / 2 - whole["x"]) / whole["width"]
        assert middle == pytest.approx(0.875, abs=0.07)
    legends = page.locator(".legend").all_inner_texts()
    assert sum("what made this place of last" in text for text in legends) == 2


def test_choosing_a_class_changes_its_evidence(visit):
    page = visit("channel-attribution")
    chips = page.get_by_role("radio")
    assert chips.count() == 3
    before = page.locator(".of-ranking").inner_text()
    chips.nth(1).click()
    page.locator("h1").hover()
    drawn(page)
    assert chips.nth(1).get_attribute("aria-checked") == "true"
    assert page.locator(".of-ranking").inner_text() != before


def test_exchanging_two_classes_exchanges_their_sides(visit):
    page = visit("compare-classes")
    sides = page.locator(".of-ranking .sides > div > ul")
    left, right = sides.all_inner_texts()
    page.get_by_label("First class").select_option("2")
    page.get_by_label("Second class").select_option("0")
    page.get_by_label("First class").select_option("1")
    drawn(page)
    assert sides.all_inner_texts() == [right, left]


def test_what_a_layer_added_and_what_was_there_without_it_make_the_score(visit):
    page = visit("compare-classes")
    rows = page.locator(".of-total .effect").all_inner_texts()
    sums, found = [], 0.0
    for row in rows:
        name, number = row.split("\n")
        value = float(number.replace("\u2212", "-"))
        if name == "score":
            sums.append((found, value))
            found = 0.0
        else:
            found += value
    assert len(sums) == 3  # of each class, and of the difference
    for found, score in sums:
        assert found == pytest.approx(score, abs=0.02)


def test_a_chosen_group_says_what_flows_through_it(visit, pages):
    page = visit("group-flow")
    legend = page.locator(".of-flow .legend")
    assert legend.inner_text() == ""
    page.get_by_role("button", name="Group 0 of last, gives").hover()
    drawn(page)
    (flow,) = (p for p in pages("group-flow").data["panels"] if p["type"] == "flow")
    between = next(link for link in flow["links"] if link["to"] == 1)
    text = legend.inner_text().replace("\u2212", "-")
    assert text.startswith("group 0 of last")
    numbers = {int(k): float(x) for k, x in re.findall(r"group (\d) of middle\s+(\S+)", text)}
    for k, value in numbers.items():
        assert value == pytest.approx(between["values"][k, 0], rel=0.06, abs=1e-3)
    assert sorted(numbers) == list(range(6))


def test_labels_are_shown_as_the_text_they_are(visit):
    page = visit("channel-attribution")
    chips = page.get_by_role("radio").locator("bdi").all_text_contents()
    assert chips == [HOSTILE[i] for i in (0, 3, 4)]
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0
    assert "small <b>network</b>" in page.locator(".kicker").inner_text()


def test_pages_are_dark_where_that_is_wanted(visit):
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"
    assert int(visit("neuron-groups", color_scheme="dark").evaluate(brightness)) < 60
    assert int(visit("neuron-groups", color_scheme="light").evaluate(brightness)) > 200


def test_pictures_have_words(visit):
    page = visit("neuron-groups")
    for picture in page.locator("img").all():
        assert picture.get_attribute("alt")
    for icon in page.get_by_role("img").all():
        assert icon.get_attribute("alt") or icon.get_attribute("aria-label")


def test_a_page_works_in_a_notebook_s_frame(browser, pages):
    page, wrong = browser.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_content(pages("neuron-groups")._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for(state="attached")
    assert frame.locator(".of-groups button").count() == 6
    assert wrong == []
    page.close()
