"""What holds of `lucidx port` whatever it is given."""

import json

import nbformat
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.compat.porting import Report, port_notebook
from lucidx.compat.porting.cells import mask, unmask
from lucidx.compat.porting.python2 import syntax_problem

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
        python = mask(cell["source"], "_stand_in_").python
        if python is not None and syntax_problem(python):
            assert cell["source"] == source and number in remarked
    assert port_notebook(after, Report()) == after


@settings(deadline=None, max_examples=60)
@given(SOURCES)
def test_magics_are_hidden_without_loss(source):
    masked = mask(source, "_stand_in_")
    if masked.python is not None:
        assert unmask(masked.python, masked.hidden) == source
        assert masked.python.count("\n") == source.count("\n")
