"""What programs in Python 2 mean."""

import traceback

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.compat import python2, sources
from lucidx.errors import InvalidValueError


def run(source, encoding="utf-8"):
    namespace = {}
    sources.compiled(source.encode(encoding), "program.py").run(namespace)
    return namespace


@settings(deadline=None, max_examples=50)
@given(st.integers(-99, 99), st.integers(-99, 99).filter(bool), st.sampled_from([int, np.int32]))
def test_whole_numbers_divide_to_whole_numbers(a, b, kind):
    assert python2.divide(kind(a), kind(b)) == a // b
    assert python2.divide(a, float(b)) == a / b
    np.testing.assert_array_equal(python2.divide(np.array([a, 1]), b), [a // b, 1 // b])


def test_tensors_of_whole_numbers_too():
    assert python2.divide(tf.constant(7), 2).numpy() == 3
    assert python2.divide(tf.constant(7.0), 2).numpy() == 3.5


def test_division_in_all_its_places():
    program = """
print 'Python 2'
calls = []
def key():
    calls.append(1)
    return 1
class Thing: pass
thing, items, array = Thing(), [0, 7], np.array([5, 6.])
thing.n = 9
name = 7
name /= 2
thing.n /= 2
items[key()] /= 2
alias = array
array /= 2
grid = np.arange(12).reshape(3, 4)
grid[1:, ::2] /= 2
nested = 9 / 2 / 2. + (7 / 2) * 2
"""
    namespace = run("import numpy as np" + program)
    assert (namespace["name"], namespace["thing"].n, namespace["items"]) == (3, 4, [0, 3])
    assert namespace["calls"] == [1]
    assert namespace["alias"].tolist() == [2.5, 3]
    assert namespace["grid"].tolist() == [[0, 1, 2, 3], [2, 5, 3, 7], [4, 9, 5, 11]]
    assert namespace["nested"] == 8


def test_true_division_where_the_program_asks_for_it():
    source = "from __future__ import division\nprint 'x'\nhalf = 1 / 2\n"
    assert run(source)["half"] == 0.5


def test_lists_where_python_3_has_iterators():
    source = (
        "print 'x'\na, b, c, d = range(3), map(abs, [-1]), zip('a', 'b'), filter(None, [0, 2])\n"
    )
    namespace = run(source)
    assert [namespace[name] for name in "abcd"] == [[0, 1, 2], [1], [("a", "b")], [2]]


@pytest.mark.parametrize(
    ("source", "old"),
    [
        ("print 'x'", True),
        ("for i in xrange(3): pass", True),
        ("isinstance('', basestring)", True),
        ("print('x', 1 / 2)", False),
        ("try:\n    xrange\nexcept NameError:\n    xrange = range", False),
        ("from six.moves import xrange\nxrange(2)", False),
        ("table.iteritems()", False),
        ("import urllib2", True),
        ("from urllib import urlencode", True),
        ("import itertools as i\ni.izip(a)", True),
        ("reduce(f, x)", True),
        ("zip(a, b)[0]", True),
        ("d.has_key(k)", True),
        ("#!/usr/bin/env python2\nx = 1", True),
        ("from functools import *\nreduce(f, x)", False),
        ("def reduce(f, x): pass\nreduce(f, x)", False),
        ("def zip(*x): return x\nzip(a, b)[0]", False),
        ("from lucid.scratch.rl_util import *\nreload(globals())", False),
        ("try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle", False),
        ("import sys\nif sys.version_info[0] == 2:\n    import urllib2\n    x = unicode", False),
        ("import urllib.request\nurllib.request.urlopen(u)", False),
    ],
)
def test_python_2_is_told_from_python_3(source, old):
    assert sources.is_python2(source) == old


def test_python_3_keeps_its_meaning_but_ranges_add():
    source = "half, r, m = 1 / 2, range(2), map(abs, [])\n"
    source += "both = range(-2, 1) + 2 * [0] + range(*[2])\ntwice = 2 * range(2)\n"
    namespace = run(source)
    assert namespace["half"] == 0.5
    assert type(namespace["r"]) is range and type(namespace["m"]) is map
    assert namespace["both"] == [-2, -1, 0, 0, 0, 0, 1] and namespace["twice"] == [0, 1, 0, 1]


def test_tracebacks_show_the_line_of_the_file(tmp_path):
    path = tmp_path / "old.py"
    path.write_text(
        "# A comment.\nprint reduce(max, [1]),\n\n\ndef f(x):\n    return x / 0\n\nf(1)\n"
    )
    with pytest.raises(ZeroDivisionError) as caught:
        sources.compiled(path.read_bytes(), str(path)).run({})
    shown = "".join(traceback.format_exception(caught.value))
    assert f'"{path}", line 6, in f\n    return x / 0' in shown
    assert f'"{path}", line 8, in <module>\n    f(1)' in shown


def test_lines_that_are_added_do_not_shift_tracebacks(tmp_path):
    path = tmp_path / "old.py"
    path.write_text(
        "import string\ndef f(a, (b, c)):\n    # why\n    return a / 0\n"
        "try: raise KeyError(1, 2)\nexcept KeyError, (a, b):\n"
        "    x = reduce(cmp, [1]) \\\n        + f(\n  1, (2, 3))\n"
    )
    with pytest.raises(ZeroDivisionError) as caught:
        sources.compiled(path.read_bytes(), str(path)).run({})
    shown = "".join(traceback.format_exception(caught.value))
    assert f'"{path}", line 4, in f\n    return a / 0' in shown
    assert f'"{path}", line 8, in <module>\n' in shown


def test_names_that_libraries_dropped_are_their_successors():
    namespace = run(
        "import time, collections\nimport numpy as np\nimport PIL.Image\nfrom PIL import Image\n"
        "from collections import Mapping, OrderedDict\n"
        "from IPython.core.display import display, HTML\n"
        "x = np.NaN, np.Inf, np.product([2, 3]), np.vstack(map(list, ['ab', 'cd'])).shape\n"
        "y = Image.ANTIALIAS == PIL.Image.LANCZOS, isinstance([], collections.Iterable)\n"
        "z = time.clock() / 1, isinstance({}, Mapping), callable(display)\n"
        "class Mine:\n    ANTIALIAS = product = 5\n"
        "w = Mine.ANTIALIAS, Mine().product, 1 / 2\n"
    )
    assert np.isnan(namespace["x"][0]) and namespace["x"][1:] == (np.inf, 6, (2, 2))
    assert namespace["y"] == (True, True) and namespace["z"][1:] == (True, True)
    assert namespace["w"] == (5, 5, 0.5)


def test_a_name_that_was_never_there_is_reported_as_it_was_written():
    with pytest.raises(AttributeError, match="attribute 'items'"):
        run("x = [].iteritems()\n")
    with pytest.raises(AttributeError, match="nothing"):
        run("import numpy as np\nx = np.nothing\n")


def test_dictionaries_and_tables_of_their_day_in_python_3():
    source = "class Table:\n    def iteritems(self): return [('t', 1)]\n"
    source += (
        "x = [v for k, v in {1: 2}.iteritems()], Table().iteritems(), sorted({3: 4}.viewkeys())\n"
    )
    assert run(source)["x"] == ([2], [("t", 1)], [3])


def test_numpys_former_names_are_pythons_types():
    namespace = run("import numpy as np\nx = np.array([1, 2], np.float)\nt = np.bool, np.int\n")
    assert namespace["x"].dtype == np.float64 and namespace["t"] == (bool, int)


def test_encodings_of_their_day():
    assert run("# -*- coding: latin-1 -*-\nword = u'caf\xe9'\n", "latin-1")["word"] == "caf\xe9"
    with pytest.raises(InvalidValueError, match=r"UTF-8.*coding"):
        run("word = 'caf\xe9'\n", "latin-1")


def test_what_is_neither_is_refused_with_its_line():
    for source in (
        "x = 1\ny = = 2\n",
        "x = 1\nreturn x\n",
        "x = 1\nfrom __future__ import division\n",
    ):
        with pytest.raises(InvalidValueError, match="Line 2 "):
            run(source)
