"""What a CPPN has learned, drawn by a browser."""

import contextlib
import io
import re

import numpy as np
import pytest
from painting import painted
from PIL import Image

from lucidx.errors import InvalidValueError
from lucidx.recipes.cppn_function import draw, function_of
from lucidx.recipes.cppn_page import page, save_page, shader


def random_function(layers=8, hidden=24, channels=3, seed=0):
    """As rich as one that was learned."""
    rng = np.random.default_rng(seed)
    widths = [2, *[2 * hidden] * layers]
    weights = [rng.normal(0, n**-0.5, (n, hidden)) for n in widths[:-1]]
    weights.append(rng.normal(0, 2 * widths[-1] ** -0.5, (widths[-1], channels)))
    return function_of([(w, rng.normal(0, 0.1, w.shape[1])) for w in weights])


@pytest.fixture
def visit(browser, tmp_path):
    """Function that opens the page of a function, and finds nothing wrong with it."""
    with contextlib.ExitStack() as stack:

        def visit(function, title="CPPN"):
            save_page(function, tmp_path / "page.html", title)
            page = stack.enter_context(
                contextlib.closing(browser.new_page(viewport={"width": 330, "height": 344}))
            )
            wrong = []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda message: wrong.append(message.text))
            page.on("request", lambda request: wrong.append(request.url))
            page.goto((tmp_path / "page.html").as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            assert wrong == [(tmp_path / "page.html").as_uri()]
            return page

        yield visit


def settle(page):
    """Wait until the picture is as fine as it gets."""
    page.wait_for_timeout(500)
    canvas = page.locator("canvas")
    for _ in range(100):  # Playwright's own way to wait is forbidden by the page
        if canvas.evaluate("canvas => canvas.width === canvas.clientWidth"):
            return
        page.wait_for_timeout(100)
    pytest.fail("The picture stays coarse.")


def drawn(page):
    """What can be seen of the picture."""
    settle(page)
    picture = page.locator("canvas").screenshot()
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) / 255


def difference(one, other):
    """In steps of 8 bits, without the rim, which may show that the keys are for the picture."""
    inner = slice(4, -4)
    return 255 * np.abs(one - other)[inner, inner].mean()


@pytest.mark.parametrize(
    ("layers", "hidden", "channels"), [(8, 24, 3), (2, 6, 3), (2, 5, 1), (1, 2, 3)]
)
def test_the_browser_draws_what_tensorflow_does(visit, layers, hidden, channels):
    function = random_function(layers, hidden, channels)
    seen = drawn(visit(function))
    assert seen.shape == (300, 300, 3)
    wanted = painted(function, 300)
    assert wanted.std() > 0.05
    assert difference(seen, wanted) < 0.6  # half a step of 8 bits is 0.25 on average


def test_it_is_moved_and_zoomed_with_keys_wheel_buttons_and_mouse(visit):
    function = random_function(layers=2)
    page = visit(function)
    page.locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert difference(drawn(page), draw(function, 300, (0.1, -0.1, 1.1, 0.9))) < 1
    page.keyboard.press("0")
    page.keyboard.press("+")
    assert difference(drawn(page), draw(function, 300, (0.1, 0.1, 0.9, 0.9))) < 1
    page.click("#farther")
    assert difference(drawn(page), draw(function, 300)) < 1
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"], box["y"])  # the corner stays where it is
    page.mouse.wheel(0, 800 * np.log(0.5))
    assert difference(drawn(page), draw(function, 300, (0, 0, 0.5, 0.5))) < 2
    page.click("#whole")
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 50, box["y"] + 200)
    page.mouse.up()
    assert difference(drawn(page), draw(function, 300, (0.5, 0, 1.5, 1))) < 1


@pytest.mark.slow
def test_it_is_saved_finer_than_it_is_shown(visit):
    function = random_function(layers=1, hidden=4)
    page = visit(function)
    with page.expect_download() as download:
        page.click("#keep")
    with Image.open(download.value.path()) as picture:
        assert picture.size == (2048, 2048)
        pixels = np.asarray(picture.convert("RGB")) / 255
    assert difference(pixels, draw(function, 2048)) < 0.6
    assert drawn(page).shape == (300, 300, 3)


@pytest.mark.slow
def test_it_fits_narrow_windows_and_fills_tall_ones(visit):
    page = visit(random_function(layers=1))
    for width, height in ((300, 800), (900, 400)):
        page.set_viewport_size({"width": width, "height": height})
        room = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.evaluate(room)
        box = page.locator("canvas").bounding_box()
        assert box["width"] == box["height"] == min(width, height - 44)
        settle(page)


def test_titles_are_text(visit):
    title = "</title><script>document.body.remove()</script> {edge} & \ud800"
    shown = visit(random_function(layers=1), title)
    assert shown.title() == shown.locator("h1").inner_text() == title.replace("\ud800", "?")


def test_it_names_no_address_and_allows_none():
    content = page(random_function())
    assert "default-src 'none'" in content
    assert not re.search(r"https?://|\bsrc=|\bhref=\"", content)


def test_the_shader_is_for_colours_or_grey():
    assert "vec3 cppn(vec2 position)" in shader(random_function(channels=1))
    with pytest.raises(InvalidValueError, match="this picture has 5"):
        shader(random_function(channels=5))


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(InvalidValueError):
        save_page(random_function(channels=2), tmp_path / "a.html")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        save_page(random_function(), tmp_path / "taken")
    assert [each.name for each in tmp_path.iterdir()] == ["taken"]
