"""Notebooks of observablehq.com inside of notebooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lucidx.misc.io.json_values import script_json
from lucidx.misc.io.showing import _display_html
from lucidx.scratch.web.svelte import js_id

_RUNTIME = "https://unpkg.com/@observablehq/runtime@4/dist/runtime.js"
_NOTEBOOKS = "https://api.observablehq.com"
_PAGE = """<div id="{id}"></div>
<script type="module">
import {{ Runtime, Inspector }} from {runtime};
import notebook from {notebook};
const output = document.getElementById("{id}");
const cells = {cells};
const module = new Runtime().module(notebook, (name) => {{
  if (cells !== null && !cells.includes(name)) return undefined;
  return new Inspector(output.appendChild(document.createElement("div")));
}});
for (const [name, value] of Object.entries({data})) module.redefine(name, value);
</script>"""


def renderObservable(
    url: str, cells: Sequence[str] | None = None, data: Mapping[str, Any] | None = None
) -> None:
    """Display cells of an Observable notebook, with data of one's own in place of its variables.

    The page loads the notebook, and the program that runs it, from the network each time that it is
    looked at.

    Parameters
    ----------
    url : what names the notebook behind "https://observablehq.com/", such as
        "@observablehq/plot".
    cells : names of the cells to display; by default all.
    data : values by the names of variables, of what JSON can hold, and numpy's arrays and numbers.
    """
    notebook = f"{_NOTEBOOKS}/{quote(url, safe='@/')}.js?v=3"
    _display_html(
        _PAGE.format(
            id=js_id("output"),
            runtime=json.dumps(_RUNTIME),
            notebook=json.dumps(notebook),
            cells=script_json(None if cells is None else list(cells)),
            data=script_json(dict(data or {})),
        )
    )
