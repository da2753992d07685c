"""Svelte components: they run, or interfaces of lucidx take their place, or the report says why."""

import json

import nbformat
import pytest

from lucidx.compat.porting import Report, port_notebook

START = """import lucid.scratch.web.svelte as lucid_svelte
import lucid.modelzoo.vision_models as models
from lucid.misc.io.showing import _image_url
model = models.InceptionV1()
"""
OVERLAY = "%%html_define_svelte Overlay\n<p on:click='set({n: 1})'>{{n}}</p>\n"


def ported(*sources, report=None):
    cells = list(map(nbformat.v4.new_code_cell, [START, *sources]))
    text = json.dumps(nbformat.v4.new_notebook(cells=cells))
    after = port_notebook(text, report or Report())
    return [cell["source"] for cell in json.loads(after)["cells"]][1:]


def test_components_and_their_uses_stay_as_they_are():
    uses = "lucid_svelte.Overlay({'n': 3})\nshow = [lucid_svelte.Overlay]"
    report = Report()
    assert ported(OVERLAY, uses, report=report) == [OVERLAY, uses]
    assert not report.remarks


def test_ported_components_are_shown(shell, monkeypatch):
    pages = []
    shell.run_cell("import lucidx.scratch.web.svelte as lucid_svelte").raise_error()
    monkeypatch.setattr(shell.user_ns["lucid_svelte"], "_display_html", pages.append)
    for cell in ported(OVERLAY, "lucid_svelte.Overlay({'n': 3})"):
        shell.run_cell(cell).raise_error()
    assert len(pages) == 1 and '"n": 3' in pages[0] and "{{n}}" in pages[0]


def test_widgets_of_lucids_notebooks_become_interfaces():
    widget = "%%html_define_svelte SpatialWidget\n<b>{{x}}</b>\n"
    use = 'def f(img):\n  lucid_svelte.SpatialWidget({\n    "x": [1], "image": _image_url(img)})'
    report = Report()
    cells = ported(widget, use, report=report)
    assert cells == [
        widget,
        'def f(img):\n  interfaces.build("spatial-attribution", model, img).show()',
    ]
    assert "SpatialWidget -> interface spatial-attribution (cell 3, line 2)" in str(report)


def test_without_a_photo_they_stay():
    widget = "%%html_define_svelte BarsWidget\n<b>{{x}}</b>\n"
    assert ported(widget, "lucid_svelte.BarsWidget({})") == [widget, "lucid_svelte.BarsWidget({})"]


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        ("<Inner x='{{x}}'/>", "other components"),
        ("<b/><script>import Inner from './Inner.html'; export default {}</script>", "imports"),
        ("<script>export default { components: { inner } }</script><inner/>", "other components"),
        ("<:Window on:keydown='f()'/>", "special elements"),
        ("<div><slot></slot></div>", "slots"),
        ("{{#await p}}{{/await}}", "awaits"),
    ],
)
def test_what_cannot_run_becomes_a_comment_with_the_reason(markup, reason):
    report = Report()
    cell = f"%%html_define_svelte Outer\n{markup}\n"
    use = "lucid_svelte.Outer({'a': 1,\n  'b': 2})  # mine"
    commented, use = ported(cell, use, report=report)
    assert commented.splitlines()[1:] == [f"# {line}" for line in cell.splitlines()]
    assert use == "# lucid_svelte.Outer({'a': 1,\n#   'b': 2})  # mine"
    said = [(each.place.cell, each.what) for each in report.remarks]
    assert [number for number, _ in said] == [2, 3]
    assert all(reason in what for _, what in said)


def test_what_no_cell_defines_becomes_a_comment():
    report = Report()
    cells = ported("x = 1\nlucid_svelte.Mine({})", "if x: lucid_svelte.Mine({})", report=report)
    assert cells == ["x = 1\n# lucid_svelte.Mine({})", "if x: pass  # lucid_svelte.Mine({})"]
    assert "no cell defines it" in report.remarks[0].what


def test_what_a_script_defines_by_assignment_stays():
    source = (
        "lucid_svelte.Mine = lucid_svelte.SvelteComponent('Mine', 'a.html')\nlucid_svelte.Mine({})"
    )
    assert ported(source) == [source]


def test_markup_and_styles_are_not_taken_for_components():
    cell = "%%html_define_svelte A\n<p>{{a < B ? 'x' : y}}</p><style>p > a {}</style>\n"
    cell += "<script>export default { computed: { c: (a) => a <B } }</script>\n"
    assert ported(cell) == [cell]
