"""Svelte widgets, which `lucidx.scratch.web.svelte` runs, and interfaces that show the same."""

from __future__ import annotations

import re

import libcst as cst

from lucidx.compat.porting.components import ADVICE
from lucidx.compat.porting.own_names import has_name
from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.trees import dotted

SVELTE = "lucid.scratch.web.svelte"
IMAGE_URLS = ("lucid.misc.io.showing._image_url", "lucidx.misc.io.showing._image_url")
# Widgets of Lucid's notebooks, and the interfaces that show the same.
PRESETS = {
    "BarsWidget": "channel-attribution",
    "ChannelAttrWidget": "channel-attribution",
    "GroupWidget": "neuron-groups",
    "SemanticDict": "semantic-dictionary",
    "SpatialWidget": "spatial-attribution",
}
PICTURES = ("image", "img", "photo", "picture")


class Widgets(Pass):
    """Shows interfaces in place of widgets that Lucid's notebooks have, and keeps others."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is named."""
        return "svelte" in program.text

    def __init__(self, program: Program):
        super().__init__(program)
        self._model: str | None = None

    def visit_Assign(self, node: cst.Assign) -> None:
        """Remember the model."""
        match node:
            case cst.Assign(
                targets=[cst.AssignTarget(target=cst.Name(value=name))], value=cst.Call(func=func)
            ):
                made = self.imported(func) or ""
                if made.startswith(("lucid.modelzoo.", "lucidx.modelzoo.")):
                    self._model = name

    def visit_Call(self, node: cst.Call) -> None:
        """Report what cannot be shown within other statements."""
        name = self._widget(node)
        if name is None or isinstance(self.parent(node), cst.Expr | cst.Assign):
            return
        if obstacle := self._obstacle(name):
            self.left(node, f"use of the svelte widget {name}: {obstacle}", ADVICE)

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.BaseSmallStatement:
        """Show an interface instead; or nothing, if the widget cannot run."""
        name = self._widget(original_node.value)
        preset = self._preset(original_node.value)
        if preset is not None:
            self.changed(original_node, f"svelte widget {name} -> interface {preset}")
            self.program.needs.add("from lucidx import interfaces")
            photo = self._photo(original_node.value)
            shown = f'interfaces.build("{preset}", {self._model}, {photo}).show()'
            return cst.Expr(cst.parse_expression(shown))
        if name is not None and self._obstacle(name):
            return self._comment(original_node, name)
        return updated_node

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.BaseSmallStatement:
        """Keep what cannot run as a comment."""
        name = self._widget(original_node.value)
        if name is not None and self._obstacle(name):
            return self._comment(original_node, name)
        return updated_node

    def _comment(self, node: cst.BaseSmallStatement, name: str) -> cst.BaseSmallStatement:
        self.changed(node, "use of a svelte widget -> comment")
        what = f"use of the svelte widget {name}, now a comment: {self._obstacle(name)}"
        self.left(node, what, ADVICE)
        return self.comment_out(node)

    def _obstacle(self, name: str) -> str | None:
        """Why a widget cannot be shown; None if it can, as far as one can see."""
        if name in self.program.components or re.search(rf"\.{name}\s*=(?!=)", self.program.text):
            return self.program.components.get(name)
        return "no cell defines it"

    def _preset(self, node: cst.BaseExpression) -> str | None:
        """Name of the interface that shows what a widget shows, if all that it takes is known."""
        preset = PRESETS.get(self._widget(node) or "")
        known = self._model is not None and self._photo(node) is not None
        return preset if known and isinstance(self.parent(node), cst.Expr) else None

    def _widget(self, node: cst.BaseExpression) -> str | None:
        """Name of the widget that an expression shows."""
        if not isinstance(node, cst.Call):
            return None
        module, _, name = (self.imported(node.func) or "").rpartition(".")
        if module != SVELTE or has_name(f"lucidx{SVELTE[5:]}", name):
            return None
        return name

    def _photo(self, node: cst.CSTNode) -> str | None:
        """Name of the picture that a widget is given as an address, under a key that says so."""
        pictures = [
            element.value.args[0].value
            for element in _elements(node)
            if isinstance(element.key, cst.SimpleString)
            and any(word in element.key.value.lower() for word in PICTURES)
            and isinstance(element.value, cst.Call)
            and self.imported(element.value.func) in IMAGE_URLS
            and element.value.args
        ]
        return next(filter(None, map(dotted, pictures)), None)


def _elements(node: cst.CSTNode) -> list[cst.DictElement]:
    """What is in the dictionary that a widget is called with."""
    match node:
        case cst.Call(args=[cst.Arg(value=cst.Dict(elements=elements))]):
            return [each for each in elements if isinstance(each, cst.DictElement)]
    return []
