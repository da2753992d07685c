"""Python's values as JSON, in files and in scripts of web pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lucidx.errors import InvalidTypeError, InvalidValueError

Encoder = Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def plain(value: Any, encode: Encoder = _as_it_is) -> Any:
    """What JSON can hold in place of a value.

    Arrays, tuples and sets become lists, numpy's numbers Python's, also as keys; an object with a
    method `to_json` becomes what that returns.

    Parameters
    ----------
    value : what to convert; what else there is in it stays as it is.
    encode : asked first about the value and everything in it, for what to put in its place.

    Raises
    ------
    InvalidTypeError : a key that JSON cannot hold.
    InvalidValueError : something contains itself.
    """
    try:
        return _plain(value, encode)
    except RecursionError as error:
        raise InvalidValueError(
            "This contains itself, or is nested too deeply to be written as JSON."
        ) from error


def _plain(value: Any, encode: Encoder) -> Any:
    value = encode(value)
    if isinstance(value, np.ndarray | np.generic):
        items = value.tolist()
        return _plain(items, encode) if value.dtype.hasobject else items
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, encode) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, encode) for item in value]
    return _plain(value.to_json(), encode) if hasattr(value, "to_json") else value


def _key(key: Any) -> str | int | float | bool | None:
    if isinstance(key, np.generic):
        key = key.item()
    if not isinstance(key, str | int | float | bool | None):
        raise InvalidTypeError(
            f"JSON knows values by strings and numbers, not by something of type "
            f"{type(key).__name__}: {key!r}."
        )
    return key


class ClarityJSONEncoder(json.JSONEncoder):
    """JSON for what activations come in: numpy arrays and numbers, tuples, sets; see `plain`."""

    def iterencode(self, o: Any, _one_shot: bool = False) -> Iterator[str]:
        """Parts of the JSON text of `o`.

        Raises
        ------
        InvalidTypeError : it holds what JSON cannot hold.
        InvalidValueError : it contains itself.
        """
        return super().iterencode(plain(o), _one_shot)

    def default(self, obj: Any) -> Any:
        """Plain Python value standing for `obj`.

        Raises
        ------
        InvalidTypeError : there is none.
        """
        value = plain(obj)
        if value is not obj:
            return value
        raise InvalidTypeError(
            f"Something of type {type(obj).__name__} cannot be written as JSON; numbers, strings, "
            "lists, dicts, arrays, sets and objects with a method to_json() can."
        )


def script_json(value: Any, encode: Encoder = _as_it_is, **options: Any) -> str:
    """JSON that may stand inside of a `<script>`, in plain ASCII.

    Parameters
    ----------
    value, encode : as for `plain`.
    **options : for `json.dumps`.

    Raises
    ------
    InvalidTypeError : it holds what JSON cannot hold.
    InvalidValueError : it contains itself.
    """
    text = json.dumps(plain(value, encode), default=ClarityJSONEncoder().default, **options)
    for character in "<>&":  # which could end the script, or begin a comment
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
