"""`python -m lucidx.compat script.py [arguments]`: run a script written for Lucid."""

import os
import sys

from lucidx.compat import running
from lucidx.errors import LucidxError

_USAGE = "usage: python -m lucidx.compat script.py [arguments]"


def main(arguments: list[str]) -> None:
    """Run the script that the arguments begin with, as Python would."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"{_USAGE}\n\nRuns a script written for Lucid and TensorFlow 1 as it is.")
        sys.exit(0 if arguments else 2)
    path = arguments[0]
    try:
        script = running.compiled(path)
    except LucidxError as error:
        sys.exit(f"lucidx.compat: {error}")
    sys.argv = arguments
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.abspath(path))
    running.run(script, path)


if __name__ == "__main__":
    main(sys.argv[1:])
