"""Code written for Lucid and TensorFlow 1 runs as it is.

In a program, before its imports:

    import lucidx.compat
    lucidx.compat.install()

In a notebook, as the first cell: `%load_ext lucidx.compat`. For a script that is not to be touched,
in Python 2 even: `python -m lucidx.compat script.py`, or `-m package.module` in the place of it.

From then on `import lucid...` means lucidx, and in your code `import tensorflow` means a view of
the installed TensorFlow 2 as TensorFlow 1: `tf.compat.v1`, the parts of `tf.contrib` and
`tf.layers` that Lucid's users used, graphs by default, `shape[i].value`, variables by name. Code of
libraries (the standard library, lucidx, all that is installed) goes on seeing TensorFlow 2. Modules
of your own that are imported afterwards, scripts (those that a notebook's `%run` runs, too), and
cells of notebooks may add ranges as lists are added, and may be Python 2 (which needs the extra
`port`); there, `read(url)` gives text as it did. `google.colab` is stood in for where it is not
installed, and commands of notebooks that install Lucid, TensorFlow 1 or Svelte leave these out.

Where such code meets code for TensorFlow 2, such as Keras, which computes at once:

    with lucidx.compat.tensorflow2():
        scores = model.predict(images)

`uninstall()` puts everything back.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Any

from lucidx.errors import InvalidValueError

__all__ = ["install", "tensorflow2", "uninstall"]

_installed: list[tuple[contextlib.ExitStack, int]] = []


def install() -> None:
    """Let code written for Lucid and TensorFlow 1 run in this process; see `lucidx.compat`.

    The thread that calls this gets a default graph, as a program of TensorFlow 1 has. A second call
    changes nothing.
    """
    if _installed:
        return
    from lucidx.compat import (
        colab_imports,
        default_graph,
        dimensions,
        imports,
        notebook,
        reading,
        tracebacks,
        variable_names,
    )

    with contextlib.ExitStack() as undo:
        undo.enter_context(default_graph.entered())
        undo.enter_context(dimensions.with_values())
        undo.enter_context(variable_names.mean_values())
        undo.enter_context(reading.as_in_python2())
        undo.enter_context(imports.redirected())
        undo.enter_context(colab_imports.redirected())
        undo.enter_context(tracebacks.shortened())
        shell = _shell()
        if shell is not None:
            undo.enter_context(notebook.prepared(shell))
        _installed.append((undo.pop_all(), threading.get_ident()))
    atexit.register(_at_exit)


def uninstall() -> None:
    """Undo `install`: imports, magics, and the default graph. Does nothing if there is nothing to.

    Names that your code has imported stay what they are. Interactive sessions are closed.

    Raises
    ------
    InvalidValueError : called inside of a `with tf.Graph().as_default()` or a session's block, or
        by another thread than the one that called `install`.
    """
    if not _installed:
        return
    from lucidx.compat import default_graph

    undo, thread = _installed[-1]
    if thread != threading.get_ident():
        raise InvalidValueError("Call uninstall() in the thread that called install().")
    default_graph.close_interactive_sessions()
    default_graph.check_outermost("lucidx.compat.uninstall()")
    atexit.unregister(_at_exit)
    _installed.clear()
    undo.close()


@contextlib.contextmanager
def tensorflow2() -> Iterator[None]:
    """Let this thread compute at once, as TensorFlow 2 does, until the end of the block.

    Under compat a graph is built, as in TensorFlow 1; `predict` and `fit` of Keras fail then. A
    model that is used in such blocks is to be made in one, too. What `tf` is stays as it is.
    """
    from tensorflow.python.eager import context

    with context.eager_mode():
        yield


def _at_exit() -> None:
    # Left to the end of the process, contexts would be undone when half of Python is gone.
    from lucidx.compat import default_graph

    undo, _ = _installed.pop()
    # Sessions and graphs that were never left complain; nothing is to be done about it now.
    for end in (default_graph.close_interactive_sessions, undo.close):
        with contextlib.suppress(Exception):
            end()


def _shell() -> Any | None:
    """IPython's shell that runs this code, if one does."""
    ipython = sys.modules.get("IPython")
    return ipython and ipython.get_ipython()


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext lucidx.compat`."""
    install()


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext lucidx.compat`."""
    uninstall()
