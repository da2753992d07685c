"""Lists with commas between, as options take them."""

from __future__ import annotations

from typing import Any

import click


class Names(click.ParamType):
    """Names with commas between: `mixed4a,mixed4d`."""

    name = "NAMES"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[str]:
        """The names."""
        names = [name.strip() for name in value.split(",")]
        if not all(names):
            self.fail(f"{value!r} is not names with commas between.")
        return names


class Numbers(click.ParamType):
    """Numbers with commas between, none of them negative: `0,0.5,2`.

    Parameters
    ----------
    largest : that each may be.
    """

    name = "NUMBERS"

    def __init__(self, largest: float):
        self.largest = largest

    def convert(self, value: Any, param: Any, ctx: Any) -> list[float]:
        """The numbers."""
        if not isinstance(value, str):
            return value
        try:
            numbers = [float(number) for number in value.split(",")]
        except ValueError:
            numbers = [-1.0]
        if not all(0 <= number <= self.largest for number in numbers):
            self.fail(f"{value!r} is not numbers from 0 to {self.largest:g} with commas between.")
        return numbers
