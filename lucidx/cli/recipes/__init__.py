"""`lucidx recipe`: the jobs of `lucidx.recipes` as commands."""

from __future__ import annotations

import click

from lucidx.cli.recipes.accentuation import accentuation
from lucidx.cli.recipes.caricature import caricature
from lucidx.cli.recipes.circuit import circuit
from lucidx.cli.recipes.cppn import cppn
from lucidx.cli.recipes.deepdream import deepdream
from lucidx.cli.recipes.feature_inversion import feature_inversion
from lucidx.cli.recipes.interaction import interaction
from lucidx.cli.recipes.interpolation import interpolation
from lucidx.cli.recipes.maco import maco
from lucidx.cli.recipes.mesh import mesh
from lucidx.cli.recipes.sheet import sheet
from lucidx.cli.recipes.style import style
from lucidx.cli.recipes.texture import texture
from lucidx.cli.recipes.transparent import transparent


@click.group()
def recipe() -> None:
    """Make pictures in one of the ways of the articles: dreams, caricatures, styles ..."""


recipe.add_command(caricature)
recipe.add_command(deepdream)
recipe.add_command(feature_inversion)
recipe.add_command(accentuation)
recipe.add_command(interaction)
recipe.add_command(interpolation)
recipe.add_command(maco)
recipe.add_command(cppn)
recipe.add_command(transparent)
recipe.add_command(circuit)
recipe.add_command(sheet)
recipe.add_command(style)
recipe.add_command(texture)
recipe.add_command(mesh)
