"""Running the `lucidx` command as a user runs it."""

import os
import subprocess
import sys

from click.testing import CliRunner

from lucidx.cli import main

LUCIDX = [sys.executable, "-c", "from lucidx.cli import main; main()"]


def lucidx(*arguments, cwd=None, **environment):
    """The finished process of the command."""
    return subprocess.run(
        [*LUCIDX, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def refused(*arguments, cwd=None, **environment):
    """The one line that a command refused with exit code 2 says. In this process: it is faster."""
    before = os.getcwd()
    os.chdir(cwd or before)
    try:
        done = CliRunner().invoke(main, [*map(str, arguments)], env=environment)
    finally:
        os.chdir(before)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]
