"""Classes of Python 2: metaclasses, and methods that it called under other names."""

from __future__ import annotations

import libcst as cst

from lucidx.compat.porting.passes import Pass
from lucidx.compat.porting.program import Program
from lucidx.compat.porting.python2_names import SPECIAL_METHODS, UNCALLED_METHODS


class Classes(Pass):
    """Gives classes the metaclass and the methods that they mean."""

    @classmethod
    def concerns(cls, program: Program) -> bool:
        """Whether it is Python 2, with classes."""
        return program.python2 and "class" in program.text

    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        """Metaclasses."""
        found = [node for node in _statements(original_node) if _is_metaclass(node)]
        if not found or any(each.keyword for each in original_node.keywords):
            return updated_node
        self.changed(found[0], "__metaclass__ = M -> class A(metaclass=M)")
        plain = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
        meta = cst.Arg(found[0].value, cst.Name("metaclass"), equal=plain)
        brackets = {
            "lpar": cst.LeftParen() if not updated_node.bases else updated_node.lpar,
            "rpar": cst.RightParen() if not updated_node.bases else updated_node.rpar,
        }
        return updated_node.with_changes(keywords=[*updated_node.keywords, meta], **brackets)

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.BaseSmallStatement:
        """Metaclasses."""
        if not _is_metaclass(original_node):
            return updated_node
        block = self.parent(original_node)
        if isinstance(block, cst.SimpleStatementLine):
            block = self.parent(block)
        in_class = isinstance(self.parent(block), cst.ClassDef)
        return self.comment_out(original_node) if in_class else updated_node

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        """Methods that Python calls."""
        name = original_node.name.value
        owner = self.parent(self.parent(original_node))
        if not isinstance(owner, cst.ClassDef):
            return updated_node
        if name in UNCALLED_METHODS:
            self.left(original_node, f"Python 3 does not call {name}", UNCALLED_METHODS[name])
        now = SPECIAL_METHODS.get(name)
        if now is None or (name == "next" and len(original_node.params.params) != 1):
            return updated_node
        if now in defined(owner):
            if name == "__unicode__":
                what = "__unicode__ is not called, and __str__ has to give text"
                self.left(original_node, what, "let __str__ give what __unicode__ does")
            return updated_node
        self.changed(original_node, f"{name} -> {now}")
        return updated_node.with_changes(name=cst.Name(now))


def _statements(node: cst.ClassDef) -> list[cst.BaseSmallStatement]:
    if isinstance(node.body, cst.SimpleStatementSuite):
        return list(node.body.body)
    lines = [line for line in node.body.body if isinstance(line, cst.SimpleStatementLine)]
    return [statement for line in lines for statement in line.body]


def _is_metaclass(node: cst.BaseSmallStatement) -> bool:
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value="__metaclass__"))]):
            return True
    return False


def defined(node: cst.ClassDef) -> set[str]:
    """Names that the body of a class defines."""
    found = {each.name.value for each in node.body.body if isinstance(each, cst.FunctionDef)}
    for statement in _statements(node):
        if isinstance(statement, cst.Assign):
            targets = [each.target for each in statement.targets]
            found |= {each.value for each in targets if isinstance(each, cst.Name)}
    return found
