"""Running the `lucidx` command as a user runs it."""

import os
import subprocess
import sys

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
    """The one line that a command refused with exit code 2 says."""
    done = lucidx(*arguments, cwd=cwd, **environment)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]
