"""`lucidx models`: the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lucidx.cli import weights as commands
from lucidx.cli.terminal import load_model
from lucidx.errors import InvalidValueError, WeightsNotFoundError

if TYPE_CHECKING:
    from lucidx.modelzoo.vision_base import Model


@click.group(invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List the models of the catalogue."""
    if ctx.invoked_subcommand is not None:
        return
    from lucidx.modelzoo import manifests

    width = max(map(len, manifests.names()))
    for name in manifests.names():
        here = "here" if _place(name)[0] else "not here"
        click.echo(f"{name:<{width}}  {here:<8}  {manifests.manifest(name)['description']}")


for command in (commands.fetch, commands.verify, commands.remove):
    models.add_command(command)


@models.command()
@click.argument("name", metavar="NAME|FILE")
def info(name: str) -> None:
    """Show what a model takes, its layers, labels and licence, and where its weights are.

    NAME is of the catalogue; or a model file, .pb or .json.
    """
    from lucidx.modelzoo import manifests, nets_factory

    if name in manifests.names():
        model, weights = nets_factory.get_model(name), _place(name)[1]
    else:
        model = load_model(name)
        weights = model.model_path
    for title, fact in {**_facts(model), "Weights": weights}.items():
        click.echo(f"{title + ':':<10}{fact}")
    click.echo(f"Layers{' (name, channels):' if model.layers else ':   none are listed'}")
    longest = max((len(layer.name) for layer in model.layers), default=0)
    for layer in model.layers:
        click.echo(f"  {layer.name:<{longest}}  {layer.depth:>5}  {', '.join(sorted(layer.tags))}")


def _facts(model: Model) -> dict[str, str]:
    entry = model.catalogue_entry
    facts = {
        "Model": f"{model.name}: {entry['description']}" if entry else model.name,
        "Dataset": model.dataset,
        "Licence": entry.get("licence"),
        "Citation": entry.get("citation"),
    }
    known = {title: fact for title, fact in facts.items() if fact}
    return {**known, "Input": _input(model), "Labels": _labels(model)}


def _input(model: Model) -> str:
    lo, hi = model.image_value_range
    shape = "x".join("?" if side is None else str(side) for side in model.image_shape)
    order = {3: " BGR" if model.is_BGR else " RGB"}.get(model.image_shape[-1], "")
    return f"{model.input_name}: {shape}{order}, {lo} to {hi}"


def _labels(model: Model) -> str:
    try:
        labels = model.labels
    except InvalidValueError:
        return "none"
    # The first often stands for no class.
    return f"{len(labels)}, such as {', '.join(labels[1:4] or labels)}"


def _place(name: str) -> tuple[bool, str]:
    """Whether the weights of a model are on this machine, and where, or how to get them."""
    from lucidx.modelzoo import nets_factory, weights

    try:
        found = weights.find(nets_factory.get_model(name))
    except WeightsNotFoundError as error:
        return False, " ".join(str(error).split())
    return True, str(found) if isinstance(found, Path) else f"in the package {found['package']}"
