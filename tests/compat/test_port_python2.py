"""How `lucidx port` writes out what Python 2 meant; that it runs is in test_python2_programs."""

import time

import pytest

from lucidx.compat.porting import Report, port_script
from lucidx.compat.porting.python2 import to_python3, to_python3_syntax
from lucidx.compat.porting.python_cells import port_cells
from lucidx.errors import InvalidValueError


def ported(source, report=None):
    return port_script(source, report or Report())


def left(source):
    report = Report()
    ported(source, report)
    return str(report).partition("Left to you:\n")[2]


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        (
            "import urllib\nurllib.urlopen(u)\n",
            "import urllib.request\nurllib.request.urlopen(u)\n",
        ),
        (
            "import urllib, os  # c\nurllib.quote(u) + urllib.urlopen(v)\n",
            "import urllib.parse, urllib.request, os  # c\n"
            "urllib.parse.quote(u) + urllib.request.urlopen(v)\n",
        ),
        (
            "from urllib import (urlopen,  # opens\n    quote)  # all\n",
            "from urllib.request import (urlopen,  # opens\n    )\n"
            "from urllib.parse import (quote)  # all\n",
        ),
        (
            "from itertools import izip, count\nizip(count())\n",
            "from itertools import count\nzip(count())\n",
        ),
        (
            "from itertools import izip  # pairs\nizip(a)\n",
            "# from itertools import izip  # pairs\nzip(a)\n",
        ),
        (
            "if a: from itertools import izip\nizip(a)\n",
            "if a: pass  # from itertools import izip\nzip(a)\n",
        ),
        (
            "import itertools as i\nx = i.imap(f, y)[:3]\n",
            "import itertools as i\nx = map(f, y)[:3]\n",
        ),
        ("from os import getcwdu\n", "from os import getcwd as getcwdu\n"),
        ("import sys\nx = (sys\n  .maxint)\n", "import sys\nx = (sys\n  .maxsize)\n"),
        (
            "from cStringIO import StringIO\nf = StringIO(); im.save(f)\n",
            "from io import BytesIO\nf = BytesIO(); im.save(f)\n",
        ),
        ("raise 'no %s' % x\nprint 1\n", "raise Exception('no %s' % x)\nprint(1)\n"),
        (
            "class A:\n    __metaclass__ = M  # meta\n    x = 1L\n",
            "class A(metaclass=M):\n    pass  # __metaclass__ = M  # meta\n    x = 1\n",
        ),
        ("class A(B, C): __metaclass__ = M; x = 1L\n", "class A(B, C, metaclass=M): pass; x = 1\n"),
        (
            "if x:\n\ty = 1L  # tab\n        z = '\t'\n",
            "if x:\n        y = 1  # tab\n        z = '\t'\n",
        ),
        ("if x:\n\ty = 1L  # tab\n", "if x:\n\ty = 1  # tab\n"),
        ("a, b = map(f, xrange(2))\n", "a, b = map(f, range(2))\n"),
        (
            "print 1\nfor k in d.keys(): e[k] = d.get(k)\n",
            "print(1)\nfor k in d.keys(): e[k] = d.get(k)\n",
        ),
        (
            "print 1\nfor k in d.keys(): del e[k], d[k]\n",
            "print(1)\nfor k in list(d.keys()): del e[k], d[k]\n",
        ),
        ("#!/usr/bin/env python2.7\nx = 7 / 2\n", "#!/usr/bin/env python3\nx = 7 // 2\n"),
        (
            "def f(x):\n    if x: raise StopIteration()  # end\n    yield x\nprint 1\n",
            "def f(x):\n    if x: return  # end\n    yield x\nprint(1)\n",
        ),
        (
            "class A:\n    def __next__(self): raise StopIteration\nprint 1\n",
            "class A:\n    def __next__(self): raise StopIteration\nprint(1)\n",
        ),
    ],
)
def test_programs(code, becomes):
    assert ported(code) == becomes


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        (
            "import numpy as np\nx = np.NaN, np.Inf, np.product(y), np.round_(z), np.nan\n",
            "import numpy as np\nx = np.nan, np.inf, np.prod(y), np.round(z), np.nan\n",
        ),
        (
            "from PIL import Image\nim.resize(s, Image.ANTIALIAS)\n",
            "from PIL import Image\nim.resize(s, Image.LANCZOS)\n",
        ),
        (
            "from IPython.core.display import display, HTML\n",
            "from IPython.display import display, HTML\n",
        ),
        ("from sklearn.externals import joblib as j\n", "import joblib as j\n"),
        ("import scipy.ndimage.interpolation as nd\n", "import scipy.ndimage as nd\n"),
        ("x.tostring()\n", "x.tobytes()\n"),
        ("import time\nt = time.clock() / 2\n", "import time\nt = time.perf_counter() / 2\n"),
    ],
)
def test_what_libraries_dropped_says_nothing_of_python_2(code, becomes):
    assert ported(f"{code}half = 1 / 2\n") == f"{becomes}half = 1 / 2\n"


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle\nx = 7 / 2\n",
        "try: from itertools import izip\nexcept ImportError: izip = zip\nx = izip(a), 7 / 2\n",
        "if sys.version_info[0] < 3:\n    import urllib2, cPickle as p\nelse:\n    x = 7 / 2\n",
        "try:\n    input = raw_input\nexcept NameError:\n    pass\nx = 7 / 2\n",
        "text = unicode if six.PY2 else str\nx = 7 / 2\n",
        "from six.moves import urllib, xrange\nx = urllib.request.urlopen(u), xrange(7 / 2)\n",
        "from lucidx.scratch.rl_util import *\nreload(globals())\nx = 7 / 2\n",
        "def reduce(f, x): return f(x)\nx = reduce(f, 7 / 2)\n",
        "import string\nx = string.digits, 'a'.join(y), 7 / 2\n",
        "x.sort(axis)\nsorted(y)\nx = 7 / 2\n",
        "class D:\n    def has_key(self, k): return k\n    def iteritems(self): return 7 / 2\n"
        "D().has_key(1), D().iteritems()\n",
        "class D:\n    def tostring(self): return 7 / 2\nD().tostring()\n",
    ],
)
def test_programs_that_know_of_both_pythons_stay_as_they_are(source):
    report = Report()
    assert ported(source, report) == source
    assert str(report) == "Nothing to change."


def test_tables_of_pandas_say_nothing_of_python_2():
    source = "import pandas as pd\nfor n, c in pd.DataFrame(x).iteritems(): y = 7 / 2\n"
    assert ported(source) == source.replace("iteritems", "items")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("print 1\nf = d.has_key\n", ".has_key is gone: use lambda key: key in x (line 2)"),
        ("try: print 1\nexcept 'old': pass\n", "a string is caught, which nothing raises"),
        ("from sets import Set\n", "the module sets is gone"),
        ("import inspect\ninspect.getargspec(f)\n", "inspect.getargspec is gone"),
        ("print 1\nfrom itertools import *\n", "from itertools import *: import what you use"),
        ("print x.decode('hex')\n", "codecs.decode(x, 'hex')"),
        ("print coerce(a, b)\n", "coerce is gone: convert both by hand"),
        ("print 1\nexecfile(f)\n", "execfile runs a file: port that file, too (line 2)"),
        ("print isinstance(f, file)\n", "file is gone: use open, or io.IOBase for the type"),
        (
            "class A:\n    def __cmp__(self, o): return cmp(1, o)\n",
            "Python 3 does not call __cmp__",
        ),
        (
            "class A:\n    def __unicode__(self): pass\n    def __str__(self): pass\nprint 1\n",
            "__unicode__ is not called",
        ),
        ("print sorted(x, None, f)\n", "sorted by a comparison, perhaps"),
        ("x.sort(cmp=f, key=g)\n", "sorted by a comparison, and more"),
        ("import pickle\nprint pickle.load(f)\n", 'add encoding="latin1" if loading it fails'),
        (
            "from StringIO import StringIO\nf = StringIO(x)\n",
            "write io.BytesIO if it is to hold bytes",
        ),
        (
            "from itertools import izip\nif x:\n    def izip(): pass\nizip(a)\n",
            "itertools.izip is zip now: see which uses of its name mean that (line 1)",
        ),
        ("import lucid, importlib\ntf = __import__('tensorflow')\n", "import it by a statement"),
        (
            "import importlib\ns = importlib.import_module('tensorflow.contrib.slim')\n",
            "contrib.slim",
        ),
        ("from scipy import misc\n", "import of scipy.misc"),
        (
            "import os.path\nos.path.walk('.', f, [])\n",
            "for folder, folders, files in os.walk(top)",
        ),
        ("map(f, x)\n", "a call of map or filter does nothing in Python 3: write a loop"),
        ("def f(code):\n    exec code\n    return y\n", "y is perhaps bound by exec"),
        ("x = [y for y in z]\nprint y\n", "y was that of a list comprehension"),
        ("x = [[y for y in z] for u in z]\ndel y\nprint\n", "(line 2)"),
        ("def f(z):\n    y = [a for a, b in z]\n    print b\na = b = 1\n", "(line 3)"),
        ("class A:\n    x = [y for y in z]\n    print y\n", "(line 3)"),
        ("x = [y for y in z]\ndef f(): print y\n", "(line 2)"),
        ("try: f()\nexcept E, e: pass\nprint e\n", "e was that of an except clause"),
    ],
)
def test_what_cannot_be_translated_is_reported(source, said):
    assert said in left(source)


@pytest.mark.parametrize(
    "source",
    [
        "x = [y for y in z]\nfor y in x: print y\n",
        "print y\nx = [y for y in z if y]\n",
        "x = [y for y in y]\nprint x.y, f(y=1), (lambda y: y)(2), [y for y in x]\n",
        "x = list(y for y in z)\nprint y\n",
        "y = 1\nx = [y for y in z]\nprint y\n",
        "x = [id for id in z]\nprint id(x)\n",
        "from y import y\nx = [y for y in z]\nprint y\n",
        "def f(y):\n    x = [y for y in z]\n    print y\n",
        "try: f()\nexcept E, e: print e\nexcept F, e: raise e\n",
        "e = None\ntry: f()\nexcept E, e: pass\nprint e\n",
        "from numpy import *\nx = [e for e in z]\nprint e\n",
        "from pylab import *\ndef f(code):\n    exec code\n    return pi\nprint f\n",
        "def f(code):\n    exec code in d\n    return len(d)\nprint f\n",
        "def f(code):\n    exec code in d\n    return y\nprint f\n",
    ],
)
def test_names_that_are_bound_otherwise_are_not_reported(source):
    assert left(source) == ""


def test_a_map_that_a_cell_shows_is_not_reported():
    report = Report()
    port_cells({1: "map(f, x)"}, report)
    assert not report.remarks


def test_a_module_that_is_imported_by_name_is_version_1s():
    source = "import importlib, lucid\ntf = importlib.import_module('tensorflow')\n"
    assert ported(source).endswith("importlib.import_module('tensorflow.compat.v1')\n")


def test_flags_and_the_main_that_app_run_calls():
    source = (
        "import tensorflow as tf\nF = tf.app.flags.FLAGS\ndef main(_): tf.placeholder(F.type)\n"
    )
    becomes = ported(source + "tf.app.run()\n")
    assert "F = tf.compat.v1.app.flags.FLAGS\n" in becomes
    assert becomes.split("\n")[1] == "tf.compat.v1.disable_eager_execution()"


def test_imports_in_the_line_of_a_condition_are_ported():
    source = "if x: from tensorflow import Session, float32; import lucid.misc.io as io\n"
    assert ported(source) == (
        "if x: from tensorflow.compat.v1 import Session; from tensorflow import float32; "
        "import lucidx.misc.io as io\n"
    )


def test_colabs_own_modules_are_stood_in_for_elsewhere():
    source = "import lucid\nif x:\n  # needed\n  from google.colab import files, drive  # both\n"
    becomes = ported(source)
    assert becomes == (
        "import lucidx\nif x:\n  # needed\n"
        "  try:\n    from google.colab import files, drive  # both\n"
        "  except ImportError:\n    from lucidx.compat.colab import files, drive\n"
    )
    report = Report()
    assert ported(becomes, report) == becomes and not report.remarks
    namespace = {"x": True}
    exec(becomes, namespace)
    assert callable(namespace["files"].download)


@pytest.mark.parametrize(
    "line", ["x = " + "-" * 99_999 + "1", "f(" + "(" * 99_999, "print x, " + "~ " * 50_000 + "1"]
)
def test_a_line_that_is_nested_too_deeply_is_refused_at_once(line):
    begun = time.monotonic()
    with pytest.raises(InvalidValueError, match=r"Line 2 .* nested too deeply"):
        to_python3(f"print 'x'\n{line}\n")
    assert time.monotonic() - begun < 2
    with pytest.raises(InvalidValueError, match=r"Line 2: .* nested too deeply"):
        ported(f"import lucid\n{line}\n")


def test_a_long_line_that_is_not_nested_is_translated():
    line = "print '" + "-" * 3000 + "', " + ", ".join(["`x`"] * 300)
    assert (
        to_python3(line).text == "print('" + "-" * 3000 + "', " + ", ".join(["repr(x)"] * 300) + ")"
    )


def test_translations_know_where_their_lines_come_from():
    source = "print 1\n\ndef f(a, (b, c)):\n    # why\n    return `a`\n"
    translated = to_python3_syntax(source)
    lines = translated.text.split("\n")
    assert translated.lines[lines.index("    (b, c) = parts")] == 3
    assert translated.lines[lines.index("    return repr(a)")] == 5


def test_what_other_cells_imported_and_defined_is_known():
    text = to_python3(
        "z = i.izip(x), file(y)\n", imported="import itertools as i", known=["file"]
    ).text
    assert text.endswith("z = builtins.zip(x), file(y)\n") and "import builtins\n" in text
