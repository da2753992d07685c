"""The `lucidx` command: a thin shell around the library.

TensorFlow is imported only when something is computed, so that help and listings are instant.
"""

from __future__ import annotations

from typing import Any

import click

import lucidx
from lucidx.cli.activations import activations
from lucidx.cli.atlas import atlas
from lucidx.cli.attribute import attribute
from lucidx.cli.checking import check
from lucidx.cli.explain import explain
from lucidx.cli.groups import groups
from lucidx.cli.importing import import_model
from lucidx.cli.models import models
from lucidx.cli.port import port
from lucidx.cli.recipes import recipe
from lucidx.cli.render import render
from lucidx.cli.sweep import sweep
from lucidx.cli.terminal import interruptible
from lucidx.errors import LucidxError


class _Group(click.Group):
    """Commands whose bad input ends in one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with interruptible("Stopped."):
                return super().invoke(ctx)
        except (LucidxError, click.UsageError) as error:
            message = getattr(error, "message", str(error))
            if isinstance(error, click.UsageError):
                message = error.format_message()
            failure = click.ClickException(" ".join(message.split()))
            failure.exit_code = 2
            raise failure from error
        except BrokenPipeError:
            raise  # whoever read the output has enough; click ends quietly
        except OSError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(lucidx.__version__, message="lucidx %(version)s")
def main() -> None:
    """See what the neurons of a vision network look for."""


main.add_command(render)
main.add_command(activations)
main.add_command(atlas)
main.add_command(attribute)
main.add_command(explain)
main.add_command(groups)
main.add_command(models)
main.add_command(port)
main.add_command(recipe)
main.add_command(sweep)
models.add_command(check)
models.add_command(import_model)
