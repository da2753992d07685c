"""What porting did, and what it left to its user."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

KEPT = "kept as it is"


class Place(NamedTuple):
    """Where in a file: the cell, counted from 1 (None in a script), and its line, from 1.

    Line 0 of no cell is the notebook itself.
    """

    cell: int | None
    line: int


class Change(NamedTuple):
    """One thing that was rewritten."""

    place: Place
    what: str


class Remark(NamedTuple):
    """One thing that was left as it is, why, and what to do."""

    place: Place
    what: str
    advice: str

    @property
    def is_kept(self) -> bool:
        """Whether it is of code that was not ported at all."""
        return self.what.endswith(KEPT)


class Report:
    """Changes and remarks of one file, in no order until they are read."""

    def __init__(self) -> None:
        self._changes: set[Change] = set()
        self._remarks: set[Remark] = set()

    def changed(self, place: Place, what: str) -> None:
        """Note something that was rewritten."""
        self._changes.add(Change(place, what))

    def left(self, place: Place, what: str, advice: str) -> None:
        """Note something that was not."""
        self._remarks.add(Remark(place, what, advice))

    def take(self, other: Report) -> None:
        """Add what another report has."""
        self._changes |= other._changes
        self._remarks |= other._remarks

    def moved(self, lines: Mapping[int | None, Sequence[int]]) -> Report:
        """The same, where line n of a cell is line `lines[cell][n - 1]`."""
        report = Report()
        report._changes = {each._replace(place=_moved(each.place, lines)) for each in self._changes}
        report._remarks = {each._replace(place=_moved(each.place, lines)) for each in self._remarks}
        return report

    def within(self, cell: int, start: int) -> Report:
        """The same, of a program that is in a cell, after its first `start` lines."""
        report = Report()
        for entry in (*self._changes, *self._remarks):
            place = Place(cell, entry.place.line + start)
            entries = report._changes if isinstance(entry, Change) else report._remarks
            entries.add(entry._replace(place=place))
        return report

    @property
    def changes(self) -> list[Change]:
        """What was rewritten, in the order of the file."""
        return sorted(self._changes, key=_order)

    @property
    def remarks(self) -> list[Remark]:
        """What was left, in the order of the file."""
        return sorted(self._remarks, key=_order)

    def __str__(self) -> str:
        lines = []
        for title, entries in (("Changed", self.changes), ("Left to you", self.remarks)):
            if entries:
                lines += [f"{title}:", *_grouped(entries)]
        return "\n".join(lines) or "Nothing to change."


def _moved(place: Place, lines: Mapping[int | None, Sequence[int]]) -> Place:
    numbers = lines[place.cell]
    return place._replace(line=numbers[min(place.line, len(numbers)) - 1])


def _order(entry: Change | Remark) -> tuple:
    return (entry.place.cell or 0, entry.place.line, *entry[1:])


def _grouped(entries: Sequence[Change | Remark]) -> list[str]:
    """One line for each kind of entry, with how many there are and where."""
    places = defaultdict(list)
    for entry in entries:
        places[entry[1:]].append(entry.place)
    return [f"  {len(at)} x {': '.join(text)} ({_where(at)})" for text, at in places.items()]


def _where(places: Iterable[Place]) -> str:
    """Such as "cell 2, lines 3 and 5; cell 4, line 1"."""
    lines = defaultdict(list)
    for place in places:
        lines[place.cell].append(place.line)
    return "; ".join(
        ("" if cell is None else f"cell {cell}, ") + _counted(sorted(set(numbers)))
        for cell, numbers in lines.items()
    )


def _counted(lines: list[int]) -> str:
    if lines == [0]:
        return "the notebook"
    if len(lines) == 1:
        return f"line {lines[0]}"
    return f"lines {', '.join(map(str, lines[:-1]))} and {lines[-1]}"
