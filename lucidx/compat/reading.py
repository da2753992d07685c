r"""`read(url)` as Python 2 understood it.

Lucid's `read` gives the content as it is unless told of an encoding: `bytes` in Python 3, as
notebooks in Python 3 have it, and `str` in Python 2, where `read(url).split("\n")` was usual.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from lucidx.compat import python2
from lucidx.misc.io import reading

# No text has these, and a picture, an array or a graph hardly lacks them.
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@contextlib.contextmanager
def as_in_python2() -> Iterator[None]:
    """Let `lucid.misc.io.reading.read` give text to code that was translated from Python 2.

    It does so for content that is text in UTF-8, if the call names neither an encoding nor a mode.
    Other content is `bytes` there too, and for code in Python 3 everything is.
    """
    read = reading.read

    @functools.wraps(read)
    def read_for_caller(
        url: str | os.PathLike,
        encoding: str | None = None,
        cache: reading.Cache = None,
        mode: str | None = None,
    ) -> bytes | str:
        content = read(url, encoding, cache, "rb" if mode is None else mode)
        by_default = encoding is None and mode is None
        if by_default and _is_python2(sys._getframe(1).f_globals):
            return _text_if_any(content)
        return content

    reading.read = read_for_caller
    try:
        yield
    finally:
        reading.read = read


def _is_python2(namespace: Mapping[str, Any]) -> bool:
    # What Python 2's map and filter call is called from where these are defined.
    if python2.has_names(namespace) or namespace is vars(python2):
        return True
    own = namespace.get("__builtins__")  # of a script in a notebook
    return isinstance(own, dict) and python2.has_names(own)


def _text_if_any(content: bytes) -> bytes | str:
    if not _NOT_TEXT.search(content):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode()
    return content
