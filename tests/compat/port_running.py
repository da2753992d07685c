"""Ports programs and runs them, without Lucid and without compat: one process, many programs.

    python tests/compat/port_running.py FILE...

Prints the name of each when it has run. Those that ask for a default graph come last, since nothing
in the process can have another one afterwards.
"""

import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path

from lucidx.compat.porting import port_file


class NoLucid:
    """Refuses to import what a ported program must not need."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "lucid":
            raise ImportError(f"{name} is imported by a ported program")


def run_notebook(text):
    import nbformat
    from IPython.core.interactiveshell import InteractiveShell

    # The first import of Svelte's module makes a magic of the shell that there is.
    sys.modules.pop("lucidx.scratch.web.svelte", None)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.register_magic_function(lambda line: None, magic_name="pip")
    for cell in nbformat.reads(text, as_version=4).cells:
        if cell.cell_type == "code":
            shell.run_cell(cell.source).raise_error()


def run(path):
    import tensorflow as tf

    tf.compat.v1.reset_default_graph()
    if path.suffix == ".ipynb":
        run_notebook(path.read_text())
    else:
        runpy.run_path(str(path), run_name="__main__")


def main(files):
    sys.meta_path.insert(0, NoLucid())
    ported = [port_file(file) for file in files]
    os.chdir(tempfile.mkdtemp())
    failed = 0
    for each in sorted(ported, key=lambda each: b"disable_" in each.after):
        target = Path(each.path.name)
        target.write_bytes(each.after)
        try:
            run(target)
        except BaseException:
            failed += 1
            print("failed", each.path.name)
            traceback.print_exc()
        else:
            print("ran", each.path.name, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
