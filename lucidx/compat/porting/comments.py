"""Code that becomes a comment."""

from __future__ import annotations


def as_comment(code: str, indentation: str = "", *, in_block: bool = False) -> str:
    """Lines of code as comments; in a block, after a statement that does nothing."""
    first, *rest = code.splitlines() or [""]
    start = "pass  # " if in_block else "# "
    return "\n".join([start + first, *(f"{indentation}# {line}".rstrip() for line in rest)])


def with_comment(text: str, name: str, code: str) -> str:
    """Text with a comment in place of a name that stands for it."""
    before, found, after = text.partition(name)
    if not found:
        return text
    row = before[before.rfind("\n") + 1 :]
    rest = after.split("\n", 1)[0].strip()
    if rest and not rest.startswith("#"):
        return f"{before}pass{after}"
    indentation = row[: len(row) - len(row.lstrip())]
    return before + as_comment(code, indentation, in_block=bool(row)) + after
