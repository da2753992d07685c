"""Tracebacks under compat: those of the user's program, without what compat does in between."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

# Whose frames are between a program's own, or before them.
_BETWEEN = {
    str(Path(__file__).with_name(f"{name}.py"))
    for name in ("__main__", "colab_imports", "imports", "running", "sources")
} | {"<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>", "<frozen runpy>"}


@contextlib.contextmanager
def shortened() -> Iterator[None]:
    """Leave compat's own frames out of what Python prints of an error that ends the program."""
    before = sys.excepthook

    def show(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        for each in _chain(error):
            each.__traceback__ = _without_compat(each.__traceback__)
        before(kind, error, error.__traceback__)

    sys.excepthook = show
    try:
        yield
    finally:
        if sys.excepthook is show:
            sys.excepthook = before


def _chain(error: BaseException) -> list[BaseException]:
    """An error, what it was raised from, and what was being handled then."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__]
    return found


def _without_compat(traceback: TracebackType | None) -> TracebackType | None:
    every = []
    while traceback is not None:
        every.append(traceback)
        traceback = traceback.tb_next
    kept = [each for each in every if each.tb_frame.f_code.co_filename not in _BETWEEN]
    for each, following in itertools.pairwise([*kept, None]):
        each.tb_next = following
    return kept[0] if kept else None
