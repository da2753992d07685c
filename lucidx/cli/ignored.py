"""Options that would change nothing in what was asked for."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.core import ParameterSource


def refuse_ignored(names: Iterable[str], where: str) -> None:
    """Refuse options that would change nothing, rather than have it believed that they did.

    Parameters
    ----------
    names : of parameters of the command that runs.
    where : they change nothing, such as "with -o x.npz".

    Raises
    ------
    click.UsageError : one was given, be it with its default as value.
    """
    source = click.get_current_context().get_parameter_source
    said = [name for name in names if source(name) is not ParameterSource.DEFAULT]
    if said:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in said)
        raise click.UsageError(f"{options} would change nothing {where}.")
