"""`lucidx port` on scripts that were notebooks."""

import pytest

from lucidx.compat.porting import Report, port_script


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("get_ipython().system('pip install -q lucid==0.2.3')", "pip install -q lucidx"),
        ('get_ipython().system("pip install lucid moviepy")', "pip install lucidx moviepy"),
        ("get_ipython().run_line_magic('pip', 'install lucid')", "install lucidx"),
        ("get_ipython().magic('pip install lucid')", "pip install lucidx"),
    ],
)
def test_lucidx_is_installed(before, after):
    (call, *_) = before.replace('"', "'").rsplit("'", 2)
    assert port_script(f"{before}\n", Report()) == f"{call}'{after}')\n"


@pytest.mark.parametrize(
    "line",
    [
        "get_ipython().run_line_magic('tensorflow_version', '1.x')",
        "get_ipython().magic('tensorflow_version 1.x')",
        "get_ipython().system('pip install tensorflow==1.15')",
    ],
)
def test_what_is_of_the_past_becomes_a_comment(line):
    ported = port_script(f"{line}\nimport tensorflow as tf\nx = tf.log(tf.where(a, b))\n", Report())
    assert ported.startswith(f"# {line}\nimport tensorflow as tf\n")


def test_colabs_choice_of_tensorflow_1_tells_what_is_meant():
    line = "get_ipython().run_line_magic('tensorflow_version', '1.x')"
    source = "import tensorflow as tf\nx = tf.nn.dropout(y, 0.5)\n"
    assert "tf.compat.v1" not in port_script(source, Report())
    assert "tf.compat.v1" in port_script(f"{line}\n{source}", Report())


@pytest.mark.parametrize(
    "line",
    [
        "get_ipython().system('ls')",
        "get_ipython().run_line_magic('matplotlib', 'inline')",
        "get_ipython().run_line_magic(magic, 'x')",
        "get_ipython().run_cell_magic('html', '', '<p>')",
        "get_ipython().set_next_input('pip install lucid')",
        "shell.system('pip install lucid')",
    ],
)
def test_other_calls_stay(line):
    report = Report()
    assert port_script(f"{line}\n", report) == f"{line}\n"
    assert not report.remarks


def test_code_in_strings_is_reported():
    report = Report()
    port_script("import os\nget_ipython().run_cell_magic('time', '', \"print 'x'\")\n", report)
    assert [remark.place.line for remark in report.remarks] == [2]
    assert "%%time" in str(report)


def test_lines_that_only_ipython_runs_are_reported():
    report = Report()
    port_script("%tensorflow_version 1.x\n!pip install lucid\nx = 1\nfiles = !ls\nx?\n", report)
    (line,) = str(report).splitlines()[-1:]
    assert "ipython" in line and line.endswith("(lines 2, 4 and 5)")
