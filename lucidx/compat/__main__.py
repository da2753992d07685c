"""`python -m lucidx.compat script.py [arguments]`: run a script written for Lucid."""

import os
import sys

from lucidx.compat import running, sources
from lucidx.errors import LucidxError

_USAGE = "usage: python -m lucidx.compat (script.py | -m module) [arguments]"


def main(arguments: list[str]) -> None:
    """Run the script or module that the arguments begin with, as Python would."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{_USAGE}\n\nRuns a script written for Lucid and TensorFlow 1 as it is.")
        sys.exit(0 if arguments else 2)
    if arguments[0].startswith("-") and (arguments[0] != "-m" or len(arguments) == 1):
        sys.exit(f"lucidx.compat: {arguments[0]!r} is not understood here.\n{_USAGE}")
    try:
        if arguments[0] == "-m":
            _run_module(*arguments[1:])
        else:
            _run_script(*arguments)
    except _CannotRun as error:
        sys.exit(f"lucidx.compat: {error}")


class _CannotRun(Exception):
    """The program has not begun; its own errors are its own."""


def _run_script(path: str, *arguments: str) -> None:
    script = _read(path)
    sys.argv = [path, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.abspath(path))
    running.run(script, path)


def _run_module(name: str, *arguments: str) -> None:
    sys.argv = ["-m", *arguments]  # as Python has it while packages are imported
    try:
        spec = running.found(name)
    except LucidxError as error:
        raise _CannotRun(error) from error
    script = _read(spec.origin)
    sys.argv[0] = spec.origin
    running.run(script, spec.origin, spec)


def _read(path: str) -> sources.Compiled:
    try:
        return running.compiled(path)
    except LucidxError as error:
        raise _CannotRun(error) from error


if __name__ == "__main__":
    main(sys.argv[1:])
