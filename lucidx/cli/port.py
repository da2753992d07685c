"""`lucidx port`: code written for Lucid becomes code for lucidx."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="File to write; by default beside FILE, with _lucidx after its name.",
)
@click.option("--force", is_flag=True, help="Write over a file that exists, even over FILE.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit code 1 if something is to be changed.",
)
@click.option("--diff", is_flag=True, help="Write nothing; show what would be changed.")
@click.pass_context
def port(
    ctx: click.Context, source: str, output: str | None, force: bool, check: bool, diff: bool
) -> None:
    """Rewrite a notebook or a script that was written for Lucid, TensorFlow 1 or Python 2.

    FILE is an .ipynb or a .py. Comments, formatting, outputs and metadata stay. A report says what
    was changed, and what you have to look at. Needs pip install 'lucidx[port]'.
    """
    if output and (check or diff):
        raise click.UsageError("--check and --diff write nothing: leave -o out.")
    path = Path(source)
    target = Path(output) if output else path.with_name(f"{path.stem}_lucidx{path.suffix}")
    if not (check or diff or force) and target.exists():
        raise click.UsageError(f"{target} exists: --force writes over it, -o names another.")
    from lucidx.compat.porting import port_file

    ported = port_file(path)
    if diff:
        click.echo(ported.diff, nl=False)
    if not (check or diff) and (output or ported.after != ported.before):
        from lucidx.misc.io.writing import into_file

        with into_file(target) as file:
            file.write(ported.after)
        click.echo(f"Wrote {target}.")
    click.echo(str(ported.report))
    if check and ported.after != ported.before:
        ctx.exit(1)
