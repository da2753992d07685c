"""Where the code is running."""

from __future__ import annotations

import sys

_NOTEBOOK_SHELLS = {"ZMQInteractiveShell", "Shell"}  # Jupyter's, and Colab's


def is_notebook_environment() -> bool:
    """Whether the code runs in a notebook that can display HTML (Jupyter, Colab).

    False in a terminal, in a script, and where IPython is not installed.
    """
    ipython = sys.modules.get("IPython")  # a notebook has imported it before the user's first cell
    shell = getattr(ipython, "get_ipython", lambda: None)()
    return any(kind.__name__ in _NOTEBOOK_SHELLS for kind in type(shell).__mro__)
