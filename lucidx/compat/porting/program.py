"""The Python of a script or a notebook, on its way through the steps of porting."""

from __future__ import annotations

import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lucidx.compat.porting.annotated import AnnotatedTree
from lucidx.compat.porting.comments import with_comment
from lucidx.compat.porting.lines import split_lines
from lucidx.compat.porting.own_names import star_names
from lucidx.compat.porting.report import Report

if TYPE_CHECKING:
    from lucidx.compat.porting.passes import Pass
    from lucidx.compat.porting.surroundings import Package

EARLIER = 0  # number of a cell that only says what others have imported before
STARS = re.compile(r"^[ \t]*from\s+(lucidx?\b[\w.]*)\s+import\s*\*", re.MULTILINE)


class Cell(NamedTuple):
    """A cell after porting.

    Attributes
    ----------
    text : its source.
    lines : the line, from 1, of the cell as it was given that each line of the source comes from.
    """

    text: str
    lines: list[int]


@dataclass
class Program:
    """The Python of a script or of all the cells of a notebook, as one module.

    Attributes
    ----------
    text : the cells, each after a line that is its marker.
    markers : that of each cell, and one for the end.
    numbers : of the cells in their notebook; (None,) for a script.
    report : what is done and not done, by the lines of the cells as they were given.
    rows : the row, from 1, of the text as it was given that each row of the text comes from.
    starts : the row of each marker in the text as it was given.
    python2 : whether it was written for Python 2.
    under_compat : whether it is run, cell by cell, where `map`, `zip` and `filter` give lists.
    known : names that are defined before it is run.
    tensorflow1 : whether it was written for TensorFlow 1.
    comments : statements that become comments, by the name that stands for each in the text.
    needs : imports that are to be added, at the beginning.
    needs_after_tensorflow : those to be added where TensorFlow is imported.
    components : svelte components that cells define: why each cannot run, None if it can.
    submodules : that attributes are of, and that are to be imported where their packages are.
    package : that it is in; None if it is in none, or a notebook.
    builds : whether it builds in the default graph, and does not ask for one.
    buffers : by the name that a program has of StringIO, what it is to be: BytesIO, StringIO.
    tree : of the text, while it is rewritten: the text is as it was before.
    stem : beginning of names that occur nowhere in it.
    """

    text: str
    markers: Sequence[str]
    numbers: Sequence[int | None]
    report: Report
    rows: Sequence[int]
    starts: Sequence[int]
    python2: bool
    tensorflow1: bool
    stem: str
    under_compat: bool = False
    known: Container[str] = ()
    comments: dict[str, str] = field(default_factory=dict)
    needs: set[str] = field(default_factory=set)
    needs_after_tensorflow: set[str] = field(default_factory=set)
    components: Mapping[str, str | None] = field(default_factory=dict)
    submodules: set[str] = field(default_factory=set)
    package: Package | None = None
    builds: bool = False
    buffers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    tree: AnnotatedTree | None = None

    @classmethod
    def of(
        cls, cells: Sequence[str], numbers: Sequence[int | None], stem: str, report: Report
    ) -> Program:
        """Join cells, each of which Python can parse."""
        markers = [f"{stem}cell_{i}_" for i in range(len(cells) + 1)]
        parts = [f"{marker}\n{cell}\n" for marker, cell in zip(markers, cells, strict=False)]
        text = "".join(parts) + f"{markers[-1]}\n"
        lines = split_lines(text)
        starts = _rows_of(lines, markers)
        rows = range(1, len(lines) + 1)
        return cls(text, markers, numbers, report, rows, starts, False, False, stem)

    def cells(self) -> list[Cell]:
        """Each of the cells."""
        found, rest = [], self.text.removeprefix(f"{self.markers[0]}\n")
        starts = _rows_of(split_lines(self.text), self.markers)
        for i, marker in enumerate(self.markers[1:]):
            before, rest = ("\n" + rest).split(f"\n{marker}\n", 1)
            lines = [row - self.starts[i] for row in self.rows[starts[i] : starts[i + 1] - 1]]
            found.append(Cell(before.removeprefix("\n"), lines))
        return found

    def apply(self, *passes: type[Pass]) -> None:
        """Rewrite the text by each of some passes."""
        for each in passes:
            if each.concerns(self):
                self.tree = self.tree or AnnotatedTree.of(self.text, self.rows)
                self.tree = each(self).rewritten()
        if self.tree and (text := self.tree.module.code) != self.text:
            self.rows = self.tree.rows(len(split_lines(text)))
            self.text = text
        self.tree = None

    @functools.cached_property
    def starred(self) -> frozenset[str]:
        """Names that come from Lucid by `from ... import *`."""
        return frozenset().union(*map(star_names, set(STARS.findall(self.text))))

    def as_comment(self, code: str) -> str:
        """Name of a statement that stands for a comment."""
        name = f"{self.stem}comment_{len(self.comments)}_"
        self.comments[name] = code.strip()
        return name

    def with_comments(self, text: str) -> str:
        """Text of a cell with the comments that names in it stand for."""
        for name, code in self.comments.items():
            text = with_comment(text, name, code)
        return text


def _rows_of(lines: Sequence[str], markers: Iterable[str]) -> list[int]:
    rows = {line: row for row, line in enumerate(lines, 1)}
    return [rows[marker] for marker in markers]


def stem_of(sources: Iterable[str]) -> str:
    """Beginning of names that occur in no source."""
    text = "\n".join(sources)
    stems = (f"_ported_{n}_" for n in itertools.count())
    return next(stem for stem in stems if stem not in text)
