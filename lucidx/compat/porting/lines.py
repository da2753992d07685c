"""Lines of sources, and which of them a rewritten line comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

ENDS = re.compile(r"\r\n?|\n")  # Python's


def split_lines(source: str) -> list[str]:
    """Lines of a source, as Python counts them, without their ends."""
    return ENDS.split(source)


def line_of(source: str, at: int) -> int:
    """Line, from 1, of the character at an index."""
    return len(split_lines(source[:at]))


def line_numbers(known: Mapping[int, int], count: int) -> list[int]:
    """Numbers of the lines that each of `count` lines comes from.

    Parameters
    ----------
    known : some of them, all from 1; a line that is not known goes on where that before it ends.
    """
    found, last = [], 0
    for line in range(1, count + 1):
        last = known.get(line, last + 1)
        found.append(last)
    return found


def through(later: Sequence[int], earlier: Sequence[int]) -> list[int]:
    """Numbers of lines before two changes, given those before each."""
    return [earlier[min(line, len(earlier)) - 1] for line in later]
