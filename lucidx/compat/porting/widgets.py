"""Svelte widgets, which lucidx does not run: its own interfaces take their place."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.passes import Pass, Program, dotted

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
ADVICE = "see lucidx.interfaces for pages that show the like"


class Widgets(Pass):
    """Replaces what shows a widget by the matching interface, or keeps it as a comment."""

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

    def leave_Import(
        self, original_node: cst.Import, updated_node: cst.Import
    ) -> cst.BaseSmallStatement:
        """Import interfaces instead."""
        if all(alias.evaluated_name == SVELTE for alias in original_node.names):
            return self._interfaces(original_node)
        return updated_node

    def leave_ImportFrom(
        self, original_node: cst.ImportFrom, updated_node: cst.ImportFrom
    ) -> cst.BaseSmallStatement:
        """Import interfaces instead."""
        names = original_node.names
        if isinstance(names, cst.ImportStar) or original_node.module is None:
            return updated_node
        module = cst.Module([]).code_for_node(original_node.module)
        full = [f"{module}.{alias.evaluated_name}" for alias in names]
        if all(f"{name}.".startswith(f"{SVELTE}.") for name in full):
            return self._interfaces(original_node)
        return updated_node

    def visit_Call(self, node: cst.Call) -> None:
        """Report what is used within other statements."""
        if self._widget(node) and not isinstance(self.parent(node), cst.Expr | cst.Assign):
            self.left(node, "use of a svelte widget", ADVICE)

    def leave_Expr(self, original_node: cst.Expr, updated_node: cst.Expr) -> cst.BaseSmallStatement:
        """Show an interface instead."""
        widget = self._widget(original_node.value)
        if widget is None:
            return updated_node
        preset = PRESETS.get(widget)
        photo = self._photo(original_node.value)
        if preset is None or photo is None or self._model is None:
            return self._comment(original_node)
        self.changed(original_node, f"svelte widget {widget} -> interface {preset}")
        shown = f"interfaces.build({preset!r}, {self._model}, {photo}).show()"
        return cst.Expr(cst.parse_expression(shown.replace("'", '"')))

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.BaseSmallStatement:
        """Keep as a comment."""
        if self._widget(original_node.value) is None:
            return updated_node
        return self._comment(original_node)

    def _interfaces(self, node: cst.CSTNode) -> cst.BaseSmallStatement:
        self.changed(node, "import of svelte -> import of lucidx.interfaces")
        return cst.ImportFrom(cst.Name("lucidx"), [cst.ImportAlias(cst.Name("interfaces"))])

    def _comment(self, node: cst.BaseSmallStatement) -> cst.BaseSmallStatement:
        self.changed(node, "use of a svelte widget -> comment")
        self.left(node, "use of a svelte widget, now a comment", ADVICE)
        return self.comment_out(node)

    def _widget(self, node: cst.BaseExpression) -> str | None:
        """Name of the widget that an expression shows."""
        if not isinstance(node, cst.Call):
            return None
        name = self.imported(node.func) or ""
        return name.removeprefix(f"{SVELTE}.") if name.startswith(f"{SVELTE}.") else None

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
