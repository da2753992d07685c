"""`%run script.py` under compat, which runs what `python -m lucidx.compat script.py` does."""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from lucidx.compat import python2, running
from lucidx.compat.callers import is_user_file
from lucidx.errors import LucidxError


class Notebook(Protocol):
    """Knows whether its cells are in Python 2."""

    python2: bool


@contextlib.contextmanager
def run_as_by_command(shell: Any, notebook: Notebook) -> Iterator[None]:
    """Let `%run` of IPython's `shell` run scripts and modules of Lucid's time.

    All else is as IPython has it: a script has a namespace of its own, or with `-i` the notebook's,
    and its names come back.

    Parameters
    ----------
    notebook : becomes one of Python 2 by a script of Python 2 that runs in its namespace.
    """
    by_path = functools.partial(_run_file, shell, notebook, shell.safe_execfile)
    by_name = functools.partial(_run_module, shell, notebook, shell.safe_run_module)
    with (
        _attribute(shell, "safe_execfile", by_path),
        _attribute(shell, "safe_run_module", by_name),
    ):
        yield


@contextlib.contextmanager
def _attribute(thing: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute of an instance, for as long as this lasts."""
    own = vars(thing).get(name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        delattr(thing, name)
        if own is not None:
            setattr(thing, name, own)


def _run_file(
    shell: Any,
    notebook: Notebook,
    ordinary: Callable[..., None],
    path: str | os.PathLike,
    *where: dict[str, Any],
    shell_futures: bool = False,
    **options: bool,
) -> None:
    path = os.path.realpath(os.path.expanduser(path))
    is_script = where and os.path.isfile(path) and is_user_file(path)
    if shell_futures or not is_script:
        ordinary(path, *where, shell_futures=shell_futures, **options)
        return
    folder = os.path.dirname(path)
    sys.path.insert(0, folder)
    try:
        _run_safely(shell, notebook, path, where[0], **options)
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _run_module(
    shell: Any,
    notebook: Notebook,
    ordinary: Callable[..., None],
    name: str,
    where: dict[str, Any],
) -> None:
    spec = running.found(name)
    if not is_user_file(spec.origin):
        ordinary(name, where)
        return
    where |= {"__spec__": spec, "__package__": spec.parent, "__file__": spec.origin}
    _run_safely(shell, notebook, spec.origin, where)


def _run_safely(
    shell: Any,
    notebook: Notebook,
    path: str,
    namespace: dict[str, Any],
    *,
    exit_ignore: bool = False,
    raise_exceptions: bool = False,
) -> None:
    """Run a script; the shell shows its errors, unless they are to be raised."""
    try:
        script = running.compiled(path)
    except LucidxError:
        if raise_exceptions:
            raise
        shell.showtraceback(exception_only=True)
        return
    with shell.builtin_trap:
        if script.python2:
            _prepare(namespace, shell, notebook)
        try:
            exec(script.code, namespace)
        except SystemExit as status:
            if status.code and raise_exceptions:
                raise
            if status.code and not exit_ignore:
                shell.showtraceback(exception_only=True)
        except BaseException as error:
            if raise_exceptions:
                raise
            of_script = error.__traceback__.tb_next
            shell.showtraceback((type(error), error, of_script), tb_offset=0)


def _prepare(namespace: dict[str, Any], shell: Any, notebook: Notebook) -> None:
    """Give the namespace of a script in Python 2 what that needs."""
    if namespace is shell.user_ns:
        notebook.python2 = True
        python2.add_names(namespace)
    else:
        # All else in it goes into the notebook's, whose `range` is to stay what it is.
        namespace["__builtins__"] = vars(builtins) | python2.NAMES
