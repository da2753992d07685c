"""Programs that import `google.colab` run where that is not installed."""

import builtins
import importlib
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import lucidx.compat
from lucidx.errors import ColabOnlyError


def test_every_form_of_import_gives_the_same(installed):
    import google.colab
    import google.colab.files as the_files
    import google.protobuf
    from google import colab, protobuf
    from google.colab import auth, drive, files, output, widgets
    from google.protobuf import text_format

    assert files is the_files is colab.files is google.colab.files
    assert google.protobuf is protobuf is sys.modules["google.protobuf"]
    assert google.protobuf.text_format is text_format
    assert [colab.auth, colab.drive, colab.output] == [auth, drive, output]
    assert colab.widgets is widgets
    with pytest.raises(ImportError, match="data_table"):
        from google.colab import data_table  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match=r"nothing for google\.colab\.patches"):
        from google.colab.patches import cv2_imshow  # noqa: F401


def test_a_download_says_where_the_file_is(installed, tmp_path, monkeypatch, capsys):
    from google.colab import files

    monkeypatch.chdir(tmp_path)
    (tmp_path / "movie.mp4").write_bytes(b"movie")
    files.download("movie.mp4")
    assert f" {tmp_path / 'movie.mp4'}, " in capsys.readouterr().out
    with pytest.raises(FileNotFoundError, match=r"other\.mp4"):
        files.download("other.mp4")


def test_what_only_colab_can_do_says_what_to_do(installed):
    from google.colab import files, output

    with pytest.raises(ColabOnlyError, match=r"Copy the files .*uploaded = \{"):
        files.upload()
    with pytest.raises(NotImplementedError, match="Javascript"):
        output.eval_js("1 + 1")


def test_a_drive_is_not_mounted_and_nobody_logged_in(installed, tmp_path, capsys):
    from google.colab import auth, drive

    drive.mount(str(tmp_path / "drive"), force_remount=True)
    assert f"{str(tmp_path / 'drive')!r} stays as it is" in capsys.readouterr().out
    assert not (tmp_path / "drive").exists()
    drive.flush_and_unmount()
    auth.authenticate_user()
    assert "nobody is logged in" in capsys.readouterr().out


def test_output_is_shown_as_ever(installed, capsys):
    from google.colab import output

    with output.use_tags("some"), output.redirect_to_element("#here"), output.temporary():
        print("shown")
    output.clear(wait=True)
    output.clear(output_tags="some")
    output.register_callback("notebook.f", print)
    output.enable_custom_widget_manager()
    output.no_vertical_scroll()
    assert capsys.readouterr().out == "shown\n"


class Shell(InteractiveShell):
    """IPython under the name that its class has on Colab."""


def test_a_cell_clears_what_it_has_shown(shell, capsys):
    shell.clear_instance()
    cells = Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    cells.run_cell("%load_ext lucidx.compat").raise_error()
    cells.run_cell("from google.colab import output").raise_error()
    capsys.readouterr()
    cells.run_cell("output.clear(output_tags=['some'])").raise_error()
    assert capsys.readouterr().out == ""
    cells.run_cell("output.clear()").raise_error()
    assert "\x1b[2K" in capsys.readouterr().out  # which clears a line of a terminal


def test_tabs_and_cells_are_shown_one_after_the_other(installed, capsys):
    from google.colab import widgets

    tabs = widgets.TabBar(["first", "second"], location="start")
    with tabs.output_to(1):
        print("in the second")
    with tabs.output_to("first"):
        tabs.clear_tab()
    grid = widgets.Grid(1, 2, header_row=True)
    with grid.output_to(0, 1):
        grid.clear_cell()
    assert capsys.readouterr().out == "[second]\nin the second\n[first]\n[0, 1]\n"
    assert list(tabs) == [0, 1] and list(grid) == [(0, 0), (0, 1)]
    assert capsys.readouterr().out.split() == "[first] [second] [0, 0] [0, 1]".split()


LOOKING = """
try:
    import google.colab
    on_colab = True
except ImportError:
    on_colab = False
"""


def test_libraries_do_not_take_this_for_colab(installed, modules):
    modules("library_that_looks", LOOKING, library=True)
    modules("own_that_looks", LOOKING)
    import library_that_looks
    import own_that_looks

    assert not library_that_looks.on_colab and own_that_looks.on_colab
    assert "google.colab" not in sys.modules
    assert not hasattr(sys.modules["google"], "colab")


def test_the_real_one_is_left_alone(tmp_path, monkeypatch):
    package = tmp_path / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from google.colab import files")
    (package / "files.py").write_text("download = 'the real one'")
    monkeypatch.setattr(importlib.import_module("google"), "__path__", [str(package.parent)])
    lucidx.compat.install()
    try:
        from google.colab import files

        assert files.download == "the real one"
    finally:
        lucidx.compat.uninstall()
        for name in [name for name in sys.modules if name.startswith("google.colab")]:
            del sys.modules[name]
        vars(sys.modules["google"]).pop("colab", None)


def test_afterwards_there_is_no_colab():
    before = builtins.__import__
    lucidx.compat.install()
    exec("import google.colab")
    lucidx.compat.uninstall()
    assert builtins.__import__ is before
    with pytest.raises(ModuleNotFoundError):
        exec("import google.colab")
