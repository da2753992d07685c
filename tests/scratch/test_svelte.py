"""Components in the manner of Svelte 1 and 2, in a browser; cells of Observable."""

import re
import sys

import numpy as np
import pytest

from lucidx.errors import InvalidValueError
from lucidx.scratch.web import observable, svelte

SPATIAL = """
<div class="row">
  {{#each rows as row, y}}
    <span class="cell {{y == at ? 'on' : ''}}" on:mouseover="set({at: y})" title='{{row.name}}'
      >{{row.name}}{{#if y < at}} before{{elseif y == at}} here{{else}} after{{/if}}</span>
  {{else}}<b>nothing</b>{{/each}}
</div>
<p ref:text>{{double}} {{sum}} {{twice(at)}} {{missing}} {{{html}}}</p>
<svg viewBox="0 0 {{size}} 4"><rect width="{{size}}" height="4" hidden="{{false}}"/></svg>
<input type="range" min="0" max="9" bind:value="at">
<button on:click="go(3, event)">go</button>
<style> .on { color: rgb(255, 0, 0); } p { color: rgb(0, 0, 255); } </style>
<script>
  export default {
    data() { return { at: 1, size: 9, html: "<i>raw</i>", rows: [] }; },
    computed: { double: at => 2 * at, sum: (double, size) => double + size },
    helpers: { twice: (x) => "x" + 2 * x },
    methods: { go(n, event) { this.set({ at: n, size: event.type.length }); } },
    oncreate() { this.refs.text.title = "made"; },
  };
</script>
"""
SECOND = """
{#if list.length > 1}<ul>{#each list as item, i}<li>{i}</li>{/each}</ul>{:else}one{/if}
<em on:click="set({ n: n + 1 })" :title>{total} {n}</em>{@html raw}
<script>
  export default {
    data() { return { n: 1, list: [1], title: "t", raw: "<u>r</u>" }; },
    computed: { total: ({ n }) => 10 * n },
  };
</script>
"""


@pytest.fixture
def shown(monkeypatch):
    pages = []
    monkeypatch.setattr(svelte, "_display_html", pages.append)
    monkeypatch.setattr(observable, "_display_html", pages.append)
    return pages


@pytest.fixture
def page(browser, shown):
    """Open what was shown last; fails at errors and requests."""
    opened, wrong = browser.new_page(), []
    opened.set_default_timeout(2000)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: wrong.append(request.url))

    def open_page():
        opened.set_content(shown[-1])
        return opened

    yield open_page
    opened.close()
    assert wrong == []


def text(page, selector):
    return " ".join(page.locator(selector).inner_text().split())


def test_a_component_shows_its_data_and_answers_the_mouse(shown, page):
    svelte.html_define_svelte("SpatialWidget", SPATIAL)
    rows = [{"name": "a"}, {"name": "</script><b>"}, {"name": "c"}]
    svelte.SpatialWidget({"rows": rows, "at": np.int64(0)})
    opened = page()
    cells = opened.locator(".cell")
    assert cells.count() == 3 and opened.locator("b").count() == 0
    assert text(opened, "p") == "0 9 x0 raw" and opened.locator("p i").count() == 1
    assert opened.locator("p").get_attribute("title") == "made"
    cells.nth(1).hover()
    assert text(opened, ".cell >> nth=1") == "</script><b> here"
    assert text(opened, ".cell >> nth=0") == "a before" and text(opened, "p") == "2 11 x2 raw"
    color = "element => getComputedStyle(element).color"
    assert cells.nth(1).evaluate(color) == "rgb(255, 0, 0)"
    assert cells.nth(1).get_attribute("title") == "</script><b>"


def test_methods_inputs_and_attributes(shown, page):
    svelte.html_define_svelte("SpatialWidget", SPATIAL)
    svelte.SpatialWidget({})
    opened = page()
    assert text(opened, ".row b") == "nothing"
    opened.locator("button").click()
    assert text(opened, "p") == "6 11 x6 raw" and opened.locator("input").input_value() == "3"
    assert opened.locator("svg").get_attribute("viewBox") == "0 0 5 4"
    assert opened.locator("rect").get_attribute("hidden") is None
    opened.locator("input").fill("7")
    assert text(opened, "p") == "14 19 x14 raw"


def test_single_braces_are_the_second_dialect(shown, page):
    svelte.html_define_svelte("Second", SECOND)
    svelte.Second({"list": np.arange(2)})
    opened = page()
    assert text(opened, "ul") == "0 1" and text(opened, "em") == "10 1"
    opened.locator("em").click()
    assert text(opened, "em") == "20 2" and opened.locator("em").get_attribute("title") == "t"
    assert opened.locator("u").count() == 1


def test_two_components_on_a_page_do_not_meet(shown, page):
    svelte.html_define_svelte("A", "<p>{{x}}</p><style>p { color: rgb(255, 0, 0) }</style>")
    svelte.html_define_svelte("B", "<p>{{x}}</p>")
    svelte.A({"x": "$data $id"})
    svelte.B({"x": 2})
    shown.append("".join(shown))
    paragraphs = page().locator("p")
    assert paragraphs.all_inner_texts() == ["$data $id", "2"]
    colors = [p.evaluate("p => getComputedStyle(p).color") for p in paragraphs.all()]
    assert colors == ["rgb(255, 0, 0)", "rgb(0, 0, 0)"]


def test_scripts_that_others_built_are_used(tmp_path, shown, page):
    path = tmp_path / "made.js"
    path.write_text(
        "class Made { constructor({target, data}) { target.textContent = data.k[7]; } }"
    )
    svelte.SvelteComponent("Made", str(path))({"k": {np.int64(7): np.float32(0.5)}})
    assert text(page(), "body") == "0.5"


def test_a_component_is_built_beside_its_file(tmp_path):
    (tmp_path / "Bars.html").write_text("<p>{{x}}</p>")
    built = svelte.build_svelte(str(tmp_path / "Bars.html"))
    assert built == str(tmp_path / "Bars.js") and (tmp_path / "Bars.js").exists()


def test_names_are_unique_and_valid():
    names = {svelte.js_id("Bars") for _ in range(9)}
    assert len(names) == 9 and all(name.isidentifier() for name in names)


@pytest.mark.parametrize("name", ["", "a b", "x(){}", "my-comp", "class", "new", "lambda"])
def test_names_that_are_none_are_refused(tmp_path, name):
    (tmp_path / f"{name}.html").write_text("<p></p>")
    for define in (
        lambda: svelte.html_define_svelte(name, "<p></p>"),
        lambda: svelte.build_svelte(tmp_path / f"{name}.html"),
        lambda: svelte.SvelteComponent(name, tmp_path / "x.js"),
    ):
        with pytest.raises(InvalidValueError, match=f"such as Bars.* not '.?{re.escape(name)}"):
            define()


def test_a_component_is_named_like_its_file(tmp_path):
    (tmp_path / "my-comp.html").write_text("<p></p>")
    with pytest.raises(InvalidValueError, match=r"Rename the file to 'Foo\.html'"):
        svelte.SvelteComponent("Foo", tmp_path / "my-comp.html")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InvalidValueError, match="css"):
        svelte.SvelteComponent("A", tmp_path / "a.css")


def test_it_is_a_magic_of_the_notebook(monkeypatch):
    import importlib

    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    importlib.reload(svelte)
    shell.run_cell_magic("html_define_svelte", "FromCell", "<p></p>")
    assert callable(svelte.FromCell)


def test_observable_is_told_the_cells_and_the_data(shown):
    observable.renderObservable("@u/n'<b", ["chart"], {"x": np.array([1, 2]), "</script>": 1})
    assert '["chart"]' in shown[-1] and '"x": [1, 2]' in shown[-1]
    assert "@u/n%27%3Cb.js" in shown[-1] and shown[-1].count("</script>") == 1


def test_two_notebooks_of_observable_are_shown_in_places_of_their_own(shown):
    for _ in range(2):
        observable.renderObservable("@u/n")
    places = [re.search('<div id="(output_[0-9a-f_]+)">', source)[1] for source in shown]
    assert len(set(places)) == 2
    for source, place in zip(shown, places, strict=True):
        assert f'getElementById("{place}")' in source
