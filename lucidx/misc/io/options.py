"""Options that formats have."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from lucidx.errors import InvalidTypeError


def check_options(function: Callable[..., Any], options: Iterable[str], what: str) -> None:
    """Refuse options that the function for a format does not take.

    Parameters
    ----------
    function : loader or saver, whose parameters with defaults are the options.
    options : names that were given.
    what : what the function is for, as the beginning of a sentence.

    Raises
    ------
    InvalidTypeError : one of them is not known; names those that are.
    """
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    known = [p.name for p in parameters if p.default is not p.empty]
    unknown = [option for option in options if option not in known]
    if unknown:
        raise InvalidTypeError(
            f"{what} takes no {' and no '.join(map(repr, unknown))}; "
            f"it takes {', '.join(map(repr, known)) or 'no options'}."
        )
