"""`lucidx port`: code written for Lucid becomes code for lucidx."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lucidx.cli.port_targets import check_free, targets_of, write

if TYPE_CHECKING:
    from lucidx.compat.porting import Ported
    from lucidx.compat.porting.files import Refused

CHANGES, REFUSED = 1, 2  # exit codes: there is something to change; a file cannot be ported


@click.command()
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True))
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="File to write, by default beside FILE, with _lucidx after its name; for several, or a "
    "directory, the directory to write them to.",
)
@click.option("--force", is_flag=True, help="Write over files that exist, even over FILE.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit code 1 if something is to be changed.",
)
@click.option("--diff", is_flag=True, help="Write nothing; show what would be changed.")
@click.pass_context
def port(
    ctx: click.Context,
    sources: Sequence[str],
    output: str | None,
    force: bool,
    check: bool,
    diff: bool,
) -> None:
    """Rewrite notebooks and scripts that were written for Lucid, TensorFlow 1 or Python 2.

    FILE is an .ipynb or a .py, or a directory, whose .ipynb and .py are all rewritten; nothing else
    of it is copied. Comments, formatting, outputs and metadata stay. A report says what was
    changed, and what you have to look at. Of several files, those that cannot be read are listed
    and do not stop the others. Needs pip install 'lucidx[port]'.
    """
    if output and (check or diff):
        raise click.UsageError("--check and --diff write nothing: leave -o out.")
    targets = targets_of(sources, output)
    if not (check or diff):
        check_free(targets, force)
    from lucidx.compat.porting.files import Refused, port_files

    done = list(port_files(list(targets)))
    is_one = len(sources) == 1 and not os.path.isdir(sources[0])
    if is_one and isinstance(done[0], Refused):
        raise click.UsageError(done[0].reason)
    ported = [each for each in done if not isinstance(each, Refused)]
    if diff:
        click.echo("".join(each.diff for each in ported), nl=False)
    files = {} if check or diff else _to_write(ported, targets, output)
    write(files, Path(output) if output and not is_one else None)
    click.echo(_of_one(ported[0], files) if is_one else _of_several(done, files))
    if len(ported) < len(done):
        ctx.exit(REFUSED)
    if check and any(each.after != each.before for each in ported):
        ctx.exit(CHANGES)


def _to_write(
    ported: Sequence[Ported], targets: Mapping[Path, Path | None], output: str | None
) -> dict[Path, Ported]:
    """By path of a file, what it becomes; what stays as it is only where that is asked for."""
    files = {}
    for each in ported:
        target = targets[each.path]
        is_other = output is not None and target.resolve() != each.path.resolve()
        if is_other or each.after != each.before:
            files[target] = each
    return files


def _of_one(ported: Ported, files: Mapping[Path, Ported]) -> str:
    return "\n".join([*(f"Wrote {target}." for target in files), str(ported.report)])


def _of_several(done: Sequence[Ported | Refused], files: Mapping[Path, Ported]) -> str:
    """What is to be said of each, then of all."""
    from lucidx.compat.porting.files import Refused

    targets = {id(ported): target for target, ported in files.items()}
    parts, counts = [], dict.fromkeys(("changed", "as they were", "not ported"), 0)
    for each in done:
        if isinstance(each, Refused):
            parts.append(f"{each.path}: not ported\n  {each.reason}")
            counts["not ported"] += 1
            continue
        counts["changed" if each.after != each.before else "as they were"] += 1
        if each.report.changes or each.report.remarks:
            to = f" -> {targets[id(each)]}" if id(each) in targets else ""
            parts.append(f"{each.path}{to}\n{each.report}")
    counted = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    parts.append(f"{len(done)} files: {counted}. {len(files)} written.")
    return "\n\n".join(parts)
