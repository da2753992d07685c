"""Interactive components for notebooks, written as components of Svelte 1 and 2 were.

    %%html_define_svelte Greeting
    <p on:click="set({n: n + 1})">Hello {{name}}, {{n}} times</p>
    <script>export default { data() { return {n: 1}; } }</script>

then `svelte.Greeting({"name": "you"})` shows it. Nothing has to be installed and nothing is loaded
from the network: a small runtime, `svelte.js` beside this file, interprets the component in the
page. It knows `{{values}}` (or `{values}` in components without double braces), `{{{html}}}`,
`{{#if}}`, `{{elseif}}`, `{{else}}`, `{{#each list as item, i}}`, `on:event`, `bind:value`,
`bind:checked`, `ref:name`, `:name`, styles of its own, and `data`, `computed`, `helpers`,
`methods` and `oncreate`. It does not know components in components, transitions and slots.
"""

from __future__ import annotations

import functools
import importlib.resources
import keyword
import os
import pathlib
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from lucidx.errors import InvalidValueError
from lucidx.misc.io.json_values import script_json
from lucidx.misc.io.showing import _display_html

_PAGE = """<div id="{id}"></div>
<script>
{code}
new {name}({{ target: document.getElementById("{id}"), data: {data} }});
</script>"""
# What JavaScript does not take for the name of a class, and Python would for that of a variable.
_RESERVED = frozenset(
    """arguments case catch const debugger default delete do enum eval export extends function
    implements instanceof interface let new null package private protected public static super
    switch this throw typeof var void""".split()
)


def js_id(name: str) -> str:
    """Name that is unique, and valid in JavaScript if `name` is."""
    return f"{name}_{uuid.uuid4()}".replace("-", "_")


def build_svelte(html_fname: str | os.PathLike[str]) -> str:
    """Make a script of a component: a class named like the file, in a file beside it.

    Parameters
    ----------
    html_fname : path of the component, `<name>.html`.

    Returns
    -------
    Path of the script, `<name>.js`.

    Raises
    ------
    InvalidValueError : JavaScript does not allow such a name.
    """
    source = pathlib.Path(html_fname)
    _check_name(source.stem)
    code = f"var {source.stem} = {_runtime()}({script_json(source.read_text('utf-8'))});\n"
    built = source.with_suffix(".js")
    built.write_text(code, "utf-8")
    return str(built)


@functools.cache
def _runtime() -> str:
    code = (importlib.resources.files(__package__) / "svelte.js").read_text("utf-8")
    return code.strip().removesuffix(";")


def _check_name(name: str) -> None:
    if not name.isidentifier() or name in _RESERVED or keyword.iskeyword(name):
        raise InvalidValueError(
            f"A component has a name such as Bars, as in %%html_define_svelte Bars, of letters, "
            f"digits and _; not {name!r}."
        )


def SvelteComponent(name: str, path: str | os.PathLike[str]) -> Callable[[Mapping[str, Any]], None]:
    """Function that shows a component with the data that it is given.

    Parameters
    ----------
    name : of the component's class: for a component, that of its file.
    path : of a component (.html), or of a script that defines the class (.js).

    Raises
    ------
    InvalidValueError : another kind of file, a name that JavaScript does not allow, or a component
        whose file is called otherwise.
    """
    path = pathlib.Path(path)
    if path.suffix not in (".html", ".js"):
        raise InvalidValueError(f"A component is an .html or a .js file, not {path.name!r}.")
    _check_name(name)
    if path.suffix == ".html":
        if path.stem != name:
            raise InvalidValueError(
                f"A component is named like its file: {path.name!r} cannot be {name!r}. Rename the "
                f"file to '{name}.html'."
            )
        path = pathlib.Path(build_svelte(path))
    code = path.read_text("utf-8")

    def show_component(data: Mapping[str, Any]) -> None:
        values = {"id": js_id(name), "code": code, "name": name, "data": script_json(data)}
        _display_html(_PAGE.format(**values))

    return show_component


def html_define_svelte(line: str, cell: str) -> None:
    """Cell magic: `%%html_define_svelte Name` makes the cell the component `svelte.Name`.

    Parameters
    ----------
    line : the component's name.
    cell : its source.

    Raises
    ------
    InvalidValueError : a name that Python or JavaScript does not allow.
    """
    name = line.strip()
    _check_name(name)
    unique = js_id(name)
    source = pathlib.Path(_directory().name) / f"{unique}.html"
    source.write_text(cell, "utf-8")
    setattr(sys.modules[__name__], name, SvelteComponent(unique, source))


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="svelte_")


def _register() -> None:
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    if shell is not None:
        shell.register_magic_function(html_define_svelte, "cell")


_register()
