"""One odd notebook or script, by its number, ported and looked at.

    python tests/fuzz/port_trial.py 1234 1240

uses those of these numbers and prints what is wrong with any.
"""

import copy
import json
import random
import sys
import tempfile
import warnings
from pathlib import Path

from lucidx.compat import sources as compat_sources
from lucidx.compat.porting import port_file
from lucidx.compat.porting.cells import mask
from lucidx.compat.porting.lines import split_lines
from lucidx.compat.porting.notebook import code_cells, read_notebook
from lucidx.compat.porting.python2 import syntax_problem
from lucidx.errors import LucidxError

CORPUS = Path(__file__).parents[1] / "compat" / "corpus"
LINES = """
!pip install --quiet lucid==0.0.5
!pip install lucid>=0.3 && echo "it's done"
!pip install tensorflow==1.15 lucid \\
  umap-learn
%tensorflow_version 1.x
%time x = tf.log(range(3) + range(2))
%timeit -n 3 f(xrange(3), $x)
%%timeit x = reduce(f, y)
x = %prun -l 3 tf.log(1)
%%writefile x.py
%%python2
!pip uninstall -y tensorflow; pip install "lucid < 1" -e lucid 2>&1 | tail \
#!/usr/bin/env python2
# -*- coding: latin-1 -*-
from __future__ import division, print_function; import os
%%time
%%bash
%%html_define_svelte Widget
%%capture
files = !ls *.png
tf.train?
?show
%matplotlib inline
import lucid.scratch.web.svelte as lucid_svelte
lucid_svelte.SpatialWidget({"image": _image_url(img)})
from tensorflow.contrib import slim, nothing
import tensorflow as tf, lucid
from lucid.optvis import *
from tensorflow import Session, float32 as f, where
tf = None
def f(tf, lucid): return tf.Session(), lucid.optvis
assert tf.__version__.startswith("1"), "no"; x = 1
print "a", b,
print >>f, "x"
print
raise ValueError, "x"
exec "x = 1" in d
x = `y` <> 0777L
d.has_key(k) and not d.has_key((lambda: 1))
for k, v in d.iteritems(): pass
x = map(f, xrange(3))[0] + range(2) * 3
n = 7 / 2; m = n / x.shape[0]; n /= 2
unicode(long(raw_input())); reduce(f, [1])
labels = read(url)
labels.split("\\n")
tf.placeholder(tf.float32).shape[1].value + [d.value for d in t.get_shape()][0]
with tf.Graph().as_default(), tf.Session(graph=g) as sess:
sess = tf.InteractiveSession()
    tf.contrib.image.rotate(x, 1)
tf.nn.max_pool(x, *args, ksize=3); tf.where(a, b, c); tf.Variable(1, collections=[])
np.vstack(map(f, x)); np.float(3); import urllib2, cPickle as p
from StringIO import StringIO
@wrap_objective
if True: # comment
else:
    def g(self): return self.x
class A(tf.train.Optimizer): pass
x = '''
'''
s = "%s" % (1,
2)
x = [a
lambda (a, b): a
async def f(): await x
match x:
    case {"a": [1, *_]}: pass
x = f"{tf.log(x)!r:>{w}}" + u"\\u20ac" + ur"\\d"
# a comment, \u00e9\u4e2d\U0001f600
\tif x:
print(*range(3), sep="")
global tf
del lucid, tf
type X = int
lucid = lucid.lucid = lucid[lucid]
if(d.has_key(k))or not(d.has_key(k)): pass
return(map(f,xrange(3)))
x = [(tf.log)(1)for i in(xrange)(3)if(tf.Session)else(np.float)]
assert(tf.Session)is(zip(a, b)[0]); del(x)
import itertools as it, urllib, urllib2 as u, StringIO, string; from itertools import (izip, count,
from urllib import urlopen, quote as q  # c
x = it.izip(izip(a), urllib.urlopen(u)); q(string.letters); string.join(x, ",")
f = StringIO.StringIO(urllib.urlopen(u).read()); x.save(f); p.load(open(f, "r"))
sorted(x, cmp=lambda (a, _), (b, __): cmp(a, b)); x.sort(cmp); map(None, a, b)
    __metaclass__ = M; x = 1
    def next(self, (a, b)): return apply(f, a); execfile(x); file(y)
from collections import Mapping, OrderedDict; from google.colab import files
def f(a, (b, (c, d))=(1, 2), *e): return b
except (E, F), (a, b):
w, h = x.shape[0], x.shape[1]; y = w.value / h.value + (w * h).value
tf = importlib.import_module("tensorflow"); __import__("tensorflow")
sys.setdefaultencoding("utf8"); reload(sys); raise "x", y
lucid_svelte.Widget({"a":
try: import cPickle as p; from itertools import izip
except ImportError: import pickle as p
print(map(f, x))if(xrange)else(tf.shape(x).shape[1].value)
print ("x"), (yield)
¹
x = \\
""".strip("\n").split("\n")
ODD_CHARACTERS = "\x00\x0c\r\t\u2028\ufeff\\'\"([{)]}#%!?;:=\n\ud800`@"
ODD_JSON = (None, 0, -1, 1e308, "", [], {}, [None], {"a": []}, "x" * 100, True, [[[]]], "code", 5)


def source(rng):
    """Lines of programs, in no good order."""
    if rng.random() < 0.5:
        lines = rng.choice(sorted(CORPUS.glob("*.py"))).read_text().split("\n")
        if rng.random() < 0.5:
            at = rng.randrange(len(lines))
            lines = lines[at : at + rng.randrange(1, 20)]
    else:
        lines = [rng.choice(LINES) for _ in range(rng.randrange(1, 9))]
    for _ in range(rng.choice((0, 0, 1, 2, 5))):
        at = rng.randrange(len(lines) + 1)
        match rng.randrange(7):
            case 0:
                lines.insert(at, rng.choice(LINES))
            case 1:
                del lines[at : at + 1]
            case 2:
                lines[at : at + 1] = [" " * rng.randrange(5) + line for line in lines[at : at + 1]]
            case 3:
                lines[at:at] = lines[rng.randrange(len(lines) + 1) :][:3]
            case 4:
                rng.shuffle(lines)
            case 5 if lines[at : at + 1]:
                cut = rng.randrange(len(lines[at]) + 1)
                odd = rng.choice(ODD_CHARACTERS)
                lines[at] = lines[at][:cut] + odd + lines[at][cut + rng.randrange(2) :]
            case 6:
                lines.insert(at, nested(rng))
    return rng.choice(("\n", "\n", "\n", "\r\n")).join(lines) + rng.choice(("", "\n", "\n\n", "  "))


def nested(rng):
    """A line that goes deep."""
    n = rng.choice((5, 20, 60, 150)) if rng.random() < 0.9 else 1500
    kinds = ("(" * n + ")" * n, "x" + ".a" * n, "-" * n + "1", "+".join("1" * n), "not " * n + "x")
    return rng.choice(
        (*kinds, "f(" * n + ")" * n, "lambda: " * n + "0", "[" * n, "a if b else " * n)
    )


def notebook(rng):
    """JSON of a notebook, seldom a good one."""
    cells = []
    for i in range(rng.randrange(6)):
        text = source(rng)
        cell = {"cell_type": rng.choice(("code", "code", "code", "markdown", "raw"))}
        cell |= {"metadata": {"a": i}, "source": text}
        if rng.random() < 0.7:
            cell["source"] = text.splitlines(keepends=True)
        if cell["cell_type"] == "code":
            cell |= {"execution_count": i, "outputs": []}
            if rng.random() < 0.5:
                output = {"output_type": "stream", "name": "stdout", "text": ["lucid\n"]}
                cell["outputs"].append(output)
        if rng.random() < 0.5:
            cell["id"] = f"cell{i}"
        cells.append(cell)
    metadata = rng.choice(({}, {"kernelspec": {"name": "python2", "display_name": "Python 2"}}))
    metadata |= rng.choice(
        ({}, {"language_info": {"name": "python", "version": "2.7.1"}}, {"x": 1})
    )
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    if rng.random() < 0.05:
        whole = old_notebook(cells, rng.choice((2, 3)))
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        replace_somewhere(whole, rng)
    text = json.dumps(whole, indent=rng.choice((None, 1, 2)), ensure_ascii=rng.random() < 0.5)
    return text + rng.choice(("", "\n"))


def old_notebook(cells, nbformat):
    """As the notebooks of 2012 were."""
    keys = {"cell_type": "code", "language": "python", "outputs": [], "prompt_number": 1}
    old = [{**keys, "input": cell["source"]} for cell in cells]
    return {"metadata": {"name": ""}, "nbformat": nbformat, "worksheets": [{"cells": old}]}


def replace_somewhere(thing, rng):
    while True:
        keys = list(thing) if isinstance(thing, dict) else list(range(len(thing)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(thing[key], dict | list) and rng.random() < 0.7:
            thing = thing[key]
            continue
        if rng.random() < 0.3:
            del thing[key]
        else:
            thing[key] = copy.deepcopy(rng.choice(ODD_JSON))
        return


def damaged(data, rng):
    """Bytes with something wrong."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 3))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                del data[at:]
            case 1:
                data[at : at + rng.randrange(9)] = rng.randbytes(rng.randrange(9))
            case 2:
                data[at:at] = rng.choice((b"[" * 5000, b'{"a":' * 500, b"9" * 5000, b"\xff", b"\0"))
            case 3:
                data[at:at] = data[: rng.randrange(200)]
    return bytes(data)


def file_of(number):
    """Name and content of the file of a number."""
    rng = random.Random(number)
    kind = rng.choice(("notebook", "notebook", "script"))
    text = notebook(rng) if kind == "notebook" else source(rng)
    data = text.encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:
        data = damaged(data, rng)
    return ("odd.ipynb" if kind == "notebook" else "odd.py"), data


def problem_of(number, folder):
    """What is wrong with how a file is ported; None if nothing is."""
    name, data = file_of(number)
    path = Path(folder) / name
    path.write_bytes(data)
    try:
        ported = port_file(path)
    except LucidxError as error:
        return None if str(error) else "refused without a word"
    if wrong := misplaced(ported):
        return f"a report about line {wrong[0]}"
    failures = [each for each in ported.report.remarks if "could not be ported" in each.what]
    if any("RecursionError" not in each.what for each in failures):
        return f"a mistake of its own: {ported.report}"
    before, after = sources(name, ported.before), sources(name, ported.after)
    if before.keys() != after.keys():
        return "a cell was lost"
    remarked = {remark.place.cell for remark in ported.report.remarks}
    for cell, text in after.items():
        masked = mask(text, "_stand_in_", arguments=False).python
        if masked is not None and syntax_problem(masked):
            if text != before[cell]:
                return f"cell {cell} was made invalid"
            if cell not in remarked:
                return f"cell {cell} is invalid, and no word of it"
    if (ported.after == ported.before) != (not ported.report.changes):
        return "the report says otherwise"
    if name == "odd.ipynb" and (lost := lost_from_notebook(ported)):
        return lost
    if name == "odd.py" and runs(ported.before, path) and not runs_in_python3(ported.after, path):
        return "it could be run under compat, and cannot any more"
    if number % 3:
        return None  # to save time
    path.write_bytes(ported.after)
    again = port_file(path)
    if again.after != ported.after:
        return f"ported again, it changes: {again.report.changes}"
    return None


def runs(content, path):
    """Whether a script, Python 2 or 3, can be compiled under compat."""
    try:
        compat_sources.compiled(content, str(path))
    except LucidxError:
        return False
    return True


def runs_in_python3(content, path):
    try:
        compile(content, str(path), "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def misplaced(ported):
    """Places in the report that are not in the file."""
    given = sources(ported.path.name, ported.before)
    places = [each.place for each in (*ported.report.changes, *ported.report.remarks)]
    return [
        place
        for place in places
        if place.line and not 0 < place.line <= len(split_lines(given[place.cell]))
    ]


def sources(name, data):
    text = data.decode("utf-8-sig", "surrogatepass")
    if name == "odd.py":
        return {None: text}
    notebook = upgraded(read_notebook(text))
    return {number: text for number, _, text in code_cells(notebook)}


def upgraded(notebook):
    import nbformat

    if notebook["nbformat"] == 4:
        return notebook
    return nbformat.reads(json.dumps(notebook), as_version=4)


def lost_from_notebook(ported):
    """What else than sources and the kernel differs."""
    old, new = (
        upgraded(json.loads(each.decode("utf-8-sig", "surrogatepass")))
        for each in (ported.before, ported.after)
    )
    if json.loads(ported.before.decode("utf-8-sig", "surrogatepass"))["nbformat"] < 4:
        return None if len(old["cells"]) == len(new["cells"]) else "a cell was lost"
    import nbformat

    if valid(nbformat, old) and not valid(nbformat, new):
        return "the notebook was made invalid"
    for notebook in (old, new):
        for cell in notebook["cells"]:
            if cell.get("cell_type") == "code":
                del cell["source"]
        metadata = notebook.get("metadata")
        for key in ("kernelspec", "language_info"):
            if isinstance(metadata, dict):
                metadata.pop(key, None)
    return None if json.dumps(old) == json.dumps(new) else "more than sources was changed"


def valid(nbformat, notebook):
    try:
        nbformat.validate(json.loads(json.dumps(notebook)))  # it writes into what it reads
    except Exception:
        return False
    return True


def main(first, last):
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            try:
                problem = problem_of(number, folder)
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
            if problem:
                print(number, problem, flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
