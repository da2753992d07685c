"""`lucidx models`: the catalogue."""

from __future__ import annotations

from pathlib import Path

import click

from lucidx.cli import weights as commands
from lucidx.errors import WeightsNotFoundError


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
@click.argument("name")
def info(name: str) -> None:
    """Show what a model takes, its layers, labels and licence, and where its weights are."""
    from lucidx.modelzoo import manifests

    manifest = manifests.manifest(name)
    lo, hi = manifest["image_value_range"]
    labels = manifests.lines(manifest["labels"]) if manifest["labels"] else ()
    height, width, channels = manifest["image_shape"]
    order = "BGR" if manifest["is_BGR"] else "RGB"
    facts = {
        "Model": f"{name}: {manifest['description']}",
        "Dataset": manifest["dataset"],
        "Licence": manifest["licence"],
        "Citation": manifest["citation"],
        "Input": f"{manifest['input_name']}: {height}x{width}x{channels} {order}, {lo} to {hi}",
        "Labels": f"{len(labels)}, such as {', '.join(labels[1:4])}" if labels else "none",
        "Weights": _place(name)[1],
    }
    for title, fact in facts.items():
        click.echo(f"{title + ':':<10}{fact}")
    click.echo(f"Layers{' (name, channels):' if manifest['layers'] else ':   none are listed'}")
    longest = max((len(layer["name"]) for layer in manifest["layers"]), default=0)
    for layer in manifest["layers"]:
        tags = ", ".join(layer["tags"])
        click.echo(f"  {layer['name']:<{longest}}  {layer['depth']:>5}  {tags}")


def _place(name: str) -> tuple[bool, str]:
    """Whether the weights of a model are on this machine, and where, or how to get them."""
    from lucidx.modelzoo import nets_factory, weights

    try:
        found = weights.find(nets_factory.get_model(name))
    except WeightsNotFoundError as error:
        return False, " ".join(str(error).split())
    return True, str(found) if isinstance(found, Path) else f"in the package {found['package']}"
