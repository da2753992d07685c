"""What holds of `lucidx port` whatever it is given."""

import functools
import json
import re

import nbformat
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lucidx.compat import sources
from lucidx.compat.porting import Report, port_file, port_notebook, port_script
from lucidx.compat.porting.cells import mask, unmask
from lucidx.compat.porting.python2 import syntax_problem
from lucidx.errors import InvalidValueError

# Names that reports begin with, and that are in the lines they are about.
NAMED = re.compile(
    r"has_key|iterkeys|izip|long|lucid|maxint|next|pip|quote|reduce|setdefaultencoding|log|Session"
    r"|tensorflow_version|unicode|urlopen|value|where|xrange|__metaclass__"
)

LINES = st.sampled_from(
    """import tensorflow as tf
import lucid.optvis.render as render
from tensorflow import Session, float32
from tensorflow.contrib import slim
assert tf.__version__.startswith("1")
print "a", tf.log(1)
x = range(3) + xrange(2)[0]
y = 7 / n
with tf.Session() as s:
    slim.conv2d(tf.contrib.layers.flatten(x))
!pip install lucid
%time z = tf.placeholder(tf.float32)
%%time
%tensorflow_version 1.x
s = '''
'''
d.has_key(1) and (
)
if x:
    pass
tf = 1
lucid?""".split("\n")
)
SOURCES = st.one_of(st.lists(LINES, max_size=8).map("\n".join), st.text(max_size=30))


@settings(deadline=None, max_examples=40)
@given(st.lists(SOURCES, max_size=4))
def test_notebooks_stay_notebooks_and_are_ported_once(sources):
    report = Report()
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, sources)))
    before = json.dumps(notebook)
    after = port_notebook(before, report)
    nbformat.validate(json.loads(after))
    cells = json.loads(after)["cells"]
    assert [cell["id"] for cell in cells] == [cell["id"] for cell in notebook["cells"]]
    remarked = {remark.place.cell for remark in report.remarks}
    for number, (cell, source) in enumerate(zip(cells, sources, strict=True), 1):
        python = mask(cell["source"], "_stand_in_", arguments=False).python
        if python is not None and syntax_problem(python):
            assert cell["source"] == source and number in remarked
    assert port_notebook(after, Report()) == after


@settings(deadline=None, max_examples=60)
@given(SOURCES, st.booleans())
def test_magics_are_hidden_without_loss(source, arguments):
    masked = mask(source, "_stand_in_", arguments=arguments)
    if masked.python is not None:
        assert unmask(masked.python, masked.hidden) == source
        assert masked.python.count("\n") == source.count("\n")


BEGINNINGS = st.sampled_from(
    """#!/usr/bin/env python
# -*- coding: latin-1 -*-
# vim: set fileencoding=utf-8 :
# Copyright

'Documentation.'
'Documentation'; import os
"Two " "parts"
from __future__ import division
from __future__ import print_function; import sys
from __future__ import (division, # c
    absolute_import); x = reduce(max, [1])""".split("\n")
)
REST = st.sampled_from(
    """x = reduce(max, [1, 7 / 2])
    y = intern("a")
\ty = 1
        y = d.iteritems()
if x:
\tz = 1
def f(a, (b, c)):
# a comment
import tensorflow as tf
s = tf.InteractiveSession()
x = tf.contrib.layers.flatten(1)
from google.colab import files
print 0777, f""".split("\n")
)


def compiles(content, path):
    try:
        sources.compiled(content, str(path))
    except InvalidValueError:
        return False
    return True


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(BEGINNINGS, max_size=4),
    st.lists(REST, min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_could_be_run_under_compat_is_python_3_when_it_is_ported(
    tmp_path, beginning, rest, end
):
    path = tmp_path / "program.py"
    path.write_bytes(end.join([*beginning, *rest, ""]).encode())
    assume(compiles(path.read_bytes(), path))
    ported = port_file(path).after
    compile(ported, str(path), "exec")
    assert ported.count(b"\n") == ported.count(end.encode())
    assert ported.startswith(b"#!") == path.read_bytes().startswith(b"#!")


HEADER = """# header
import tensorflow as tf
import lucid.scratch.web.svelte as s
print 0
"""
# Most of them become more lines, or fewer.
BLOCKS = """
def f(a, (b, c)):
    # comment
    return tf.log(a), unicode(b)
====
try:
    pass
except E, (a, b):
    print a; d.has_key(a)

====
from tensorflow import (float32, Session,
    where)  # all
====
s.Widget({"a": xrange(3),
    "b": [
    long(1)]})
====
x = ["a", (
    d.has_key(1)), '''
    text
''', 0777L, `x`
    ]; y = x.shape[0].value
====
%time x = unicode(3)
!pip install lucid
%tensorflow_version 1.x
====
# comment


class A(B):
    "doc"
    __metaclass__ = abc.ABCMeta
    def next(self): return apply(f, self)
====
if x:
\tassert tf.__version__ == "1"
\tfor k in d.iterkeys(): x = \\
\t\treduce(f, k) / 2
====
import urllib, os; from itertools import izip, count; x = izip(urllib.urlopen(u))
from urllib import quote, urlopen
====
import sys, importlib
sys.setdefaultencoding(
    "utf-8"); sys.maxint
sorted(x, cmp=lambda a, b: cmp(a, b))
""".lstrip("\n").split("====\n")


@functools.cache
def said(source):
    """What a report says, by line."""
    report = Report()
    port_script(source, report)
    return {(each.place.line, *each[1:]) for each in (*report.changes, *report.remarks)}


@settings(deadline=None, max_examples=15)
@given(st.lists(st.sampled_from(BLOCKS), max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_lines_in_reports_are_those_of_the_users_file(blocks, end):
    expected, source = set(said(HEADER)), HEADER
    for block in blocks:
        shift = source.count("\n") - HEADER.count("\n")
        alone = said(HEADER + block)
        expected |= {(line + shift * (line > HEADER.count("\n")), *what) for line, *what in alone}
        source += block
    assert said(source.replace("\n", end)) == expected


@pytest.mark.parametrize("block", BLOCKS)
def test_what_a_report_names_is_in_the_line_that_it_names(block):
    lines = ["", *HEADER.splitlines(), *block.splitlines()]
    named = 0
    for line, what, *_ in said(HEADER + block):
        for old in NAMED.findall(what.split(" -> ")[0]):
            named += 1
            assert old in lines[line]
    assert named >= 2
