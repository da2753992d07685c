"""Make strings safe to use as file names and as one-line labels."""

from __future__ import annotations


def sanitize(string: str) -> str:
    """`string` with `_` for every `/`, so that a layer's name can be part of a file name."""
    return string.replace("/", "_")


def one_line(text: object) -> str:
    """`str(text)` without line breaks, control characters and runs of blanks."""
    printable = (c if c.isprintable() else " " for c in str(text))
    return " ".join("".join(printable).split())
