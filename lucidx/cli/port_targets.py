"""What `lucidx port` writes, and where."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lucidx.cli.terminal import writing

if TYPE_CHECKING:
    from lucidx.compat.porting import Ported

SHOWN = 3  # names in an error
KINDS = {".ipynb": "a notebook", ".py": "a script"}
EXECUTABLE, READABLE = 0o111, 0o444  # to the owner, the group and all


def targets_of(sources: Sequence[str], output: str | None) -> dict[Path, Path | None]:
    """Programs, and the file to write for each.

    Parameters
    ----------
    sources : files and directories.
    output : a file, for one that is to be ported; or a directory.

    Returns
    -------
    By path of a program, that of the file: None for what is in a directory, without an output.

    Raises
    ------
    click.UsageError : the output is no place for the sources; or there are no programs.
    """
    from lucidx.compat.porting.files import programs_in

    out = Path(output) if output else None
    if out and not _is_directory(output, sources):
        return {Path(sources[0]): _of_its_kind(out, Path(sources[0]))}
    if out and out.exists() and not out.is_dir():
        raise click.UsageError(f"{out} is a file: for several files, -o names a directory.")
    targets: dict[Path, Path | None] = {}
    for source in map(Path, sources):
        if source.is_dir():
            is_inside = out is not None and out.resolve() != source.resolve()
            for path in programs_in(source, but=out if is_inside else None):
                targets[path] = out and out / path.relative_to(source)
        elif out:
            targets[source] = out / source.name
        else:
            targets[source] = source.with_name(f"{source.stem}_lucidx{source.suffix}")
    if not targets:
        raise click.UsageError(f"There is no .py and no .ipynb in {', '.join(sources)}.")
    (target, count), *_ = Counter(targets.values()).most_common(1)
    if target and count > 1:
        raise click.UsageError(f"{count} files would be written to {target}: port one at a time.")
    return targets


def check_free(targets: Mapping[Path, Path | None], force: bool) -> None:
    """Find out, before the work, whether all targets are known and, unless forced, not there yet.

    Raises
    ------
    click.UsageError : they are not.
    """
    if None in targets.values():
        raise click.UsageError(
            "To port a directory, name one to write to with -o; with --force, it may be the same. "
            "--check and --diff write nothing."
        )
    taken = [str(target) for target in targets.values() if target and target.exists()]
    if taken and not force:
        names = ", ".join(taken[:SHOWN]) + (", ..." if len(taken) > SHOWN else "")
        exist, over = ("exists", "it") if len(taken) == 1 else ("exist", "them")
        raise click.UsageError(f"{names} {exist}: --force writes over {over}, -o names another.")


def write(files: Mapping[Path, Ported], directory: Path | None) -> None:
    """Write files: each as a whole; and a directory that is not there yet, all of them or none.

    They are executable where what they were made of is.

    Parameters
    ----------
    files : what to write, by path.
    directory : that all of them are in; None for other places.
    """
    from lucidx.misc.io.writing import into_file

    with _at_once(directory) as draft:
        for target, ported in files.items():
            path = draft / target.relative_to(directory) if draft else target
            with writing(str(target)), into_file(path) as file:
                file.write(ported.after)
                mode = os.stat(file.name).st_mode
                readable = (mode & READABLE) >> 2
                os.chmod(file.name, mode | (ported.path.stat().st_mode & EXECUTABLE & readable))


@contextlib.contextmanager
def _at_once(directory: Path | None) -> Iterator[Path | None]:
    """Directory that becomes the one that is not there yet when the block succeeds; or None."""
    if directory is None or directory.exists():
        yield None
        return
    place = directory.resolve()
    draft = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        with writing(str(directory)):
            yield draft
            if draft.exists():
                os.rename(draft, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _is_directory(output: str, sources: Collection[str]) -> bool:
    """Whether several files are written, into a directory."""
    several = len(sources) > 1 or any(map(os.path.isdir, sources))
    return several or os.path.isdir(output) or output.endswith((os.sep, "/"))


def _of_its_kind(out: Path, source: Path) -> Path:
    """The file to write, which must be what the source is."""
    if source.suffix in KINDS and out.suffix != source.suffix:
        raise click.UsageError(
            f"{source} is {KINDS[source.suffix]} and stays one: end -o in {source.suffix}, unlike "
            f"{out}. `jupyter nbconvert --to script` makes a script of a notebook."
        )
    return out
