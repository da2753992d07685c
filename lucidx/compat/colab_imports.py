"""`import google.colab` under compat, where that is not installed."""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lucidx.compat import callers

_COLAB = "google.colab"


@contextlib.contextmanager
def redirected() -> Iterator[None]:
    """Let the user's imports of `google.colab` give `lucidx.compat.colab`, unless it is there."""
    if _is_installed():
        yield
        return
    ordinary, google = builtins.__import__, _google()

    def import_for_caller(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        asking = sys._getframe(1).f_globals if globals is None else globals
        is_google = level == 0 and name.partition(".")[0] == "google"
        if not is_google or not callers.is_user(asking):
            return ordinary(name, asking, locals, fromlist, level)
        if name == _COLAB or name.startswith(f"{_COLAB}."):
            found = _stand_in(name)
        else:
            others = [each for each in fromlist or () if each != "colab"]
            found = ordinary(name, asking, locals, others, level)
        return found if fromlist and name != "google" else google

    builtins.__import__ = import_for_caller
    try:
        yield
    finally:
        builtins.__import__ = ordinary


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec(_COLAB) is not None
    except ValueError:  # it has been imported, and does not say from where
        return True
    except ModuleNotFoundError:  # not even its parent is there
        return False


def _google() -> types.ModuleType:
    """The package of that name, and in it `colab`."""
    made = types.ModuleType("google", "Packages of Google's, as `lucidx.compat` shows them.")

    def attribute(name: str) -> Any:
        if name == "colab":
            return _stand_in(_COLAB)
        return getattr(importlib.import_module("google"), name)

    vars(made).update(__path__=[], __getattr__=attribute)
    return made


def _stand_in(name: str) -> types.ModuleType:
    ours = name.replace(_COLAB, "lucidx.compat.colab", 1)
    try:
        return importlib.import_module(ours)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"lucidx.compat has nothing for {name}.", name=name) from error
