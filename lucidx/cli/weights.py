"""`lucidx models fetch`, `verify` and `remove`: what is in the cache."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from lucidx.errors import LucidxError, WeightsNotFoundError

_SAID = {
    "ok": "ok",
    "damaged": "damaged, or another file: run lucidx models remove {name}, then fetch it again",
    "unpinned": "unpinned: nothing is known of this file, which will be trusted on first use",
}


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_context
def fetch(ctx: click.Context, names: Sequence[str]) -> None:
    """Fetch the weights of models that are not on this machine yet."""
    from lucidx.modelzoo import nets_factory, weights

    failed = False
    for model in [nets_factory.get_model(name) for name in dict.fromkeys(names)]:
        try:
            here = bool(weights.find(model))
        except WeightsNotFoundError:
            here = False
        try:
            found = weights.get(model)
        except LucidxError as error:
            if len(names) == 1:
                raise
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            failed = True
            continue
        if isinstance(found, Path):
            where = f"{'is here' if here else 'fetched'}: {_described(found)}"
        else:
            where = f"comes with the package {found['package']}, which is installed"
        click.echo(f"{model.name} {where}")
    if failed:
        ctx.exit(2)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME|ADDRESS]...")
@click.pass_context
def verify(ctx: click.Context, names: Sequence[str]) -> None:
    """Compare files in the cache, by default all, with the sha256 that is known of them.

    Those are the weights of models of the catalogue, and what was fetched by its address. Exit code
    1 if any is damaged.
    """
    from lucidx.modelzoo import cache, downloads, manifests, weights

    asked = names or [*manifests.names(), *downloads.kept()]
    states = {name: weights.verify(name) for name in asked}
    for name, (state, path) in states.items():
        if state != "not here":
            click.echo(f"{name}: {_SAID[state].format(name=shlex.quote(name))} ({path})")
        elif names:
            click.echo(f"{name}: {_elsewhere(name)}")
    found = {state for state, _ in states.values()}
    if not names and found == {"not here"}:
        click.echo(f"Nothing is in the cache, {cache.cache_directory()}.")
    ctx.exit(int("damaged" in found))


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME|ADDRESS...")
@click.option("--forget", is_flag=True, help="Trust whatever file is fetched next.")
def remove(names: Sequence[str], forget: bool) -> None:
    """Delete the cached weights of models, or what was fetched from an address.

    Files in LUCIDX_MODELS are left alone.
    """
    from lucidx.modelzoo import weights

    for name in names:
        weights.cached(name)
    for name in dict.fromkeys(names):
        removed = weights.remove(name, forget=forget)
        if removed:
            click.echo(f"{name}: removed {', '.join(map(str, removed))}")
        else:
            click.echo(f"{name}: nothing to remove, {_elsewhere(name)}")


def _elsewhere(name: str) -> str:
    """Where what is not in the cache is."""
    from lucidx.modelzoo import downloads, nets_factory, weights

    if downloads.is_remote(name):
        return "not on this machine"
    try:
        found = weights.find(nets_factory.get_model(name))
    except WeightsNotFoundError:
        return "not on this machine"
    if isinstance(found, Path):
        return f"not in the cache but at {found}, which is yours"
    return f"in the package {found['package']}, which is checked when it is loaded"


def _described(path: Path) -> str:
    return f"{path} ({path.stat().st_size / 2**20:.1f} MB)"
