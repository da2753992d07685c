"""Checks of arguments that functions have in common."""

from __future__ import annotations

import operator
from typing import Any

from lucidx.errors import InvalidTypeError, InvalidValueError


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value`, if it is a whole number of at least `least`; the argument is called `name`.

    Raises
    ------
    InvalidTypeError, InvalidValueError
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidTypeError(f"{name} is a whole number, not {value!r}.") from None
    if number < least:
        raise InvalidValueError(f"{name} is at least {least}, not {value!r}.")
    return number
