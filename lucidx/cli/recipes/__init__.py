"""`lucidx recipe`: the jobs of `lucidx.recipes` as commands."""

from __future__ import annotations

import click

from lucidx.cli.recipes.accentuation import accentuation
from lucidx.cli.recipes.caricature import caricature
from lucidx.cli.recipes.deepdream import deepdream
from lucidx.cli.recipes.feature_inversion import feature_inversion
from lucidx.cli.recipes.interaction import interaction
from lucidx.cli.recipes.interpolation import interpolation
from lucidx.cli.recipes.maco import maco


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
