"""`size.value` of shapes, in programs that are ported to TensorFlow 2."""

import pytest

from lucidx.compat.porting import Report, port_script

START = "import tensorflow as tf\nimport lucid\nt = tf.Dimension(3)\n"


def ported(code, report=None):
    source = f"{START}{code}\n"
    return port_script(source, report or Report()).split("Dimension(3)\n")[1].rstrip("\n")


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("w, h = t.shape[0], t.shape[1]\nx = w.value * h.value", "x = w * h"),
        ("_, h, w, _ = t.get_shape()\nx = [h.value, w.value]", "x = [h, w]"),
        ("[n, h] = t.get_shape().as_list()\nx = h.value", "x = h"),
        ("n, c = t.get_shape().with_rank(2)\nx = c.value", "x = c"),
        ("s = t.shape\nx = s[1].value, [d.value for d in s[1:]]", "x = s[1], [d for d in s[1:]]"),
        ("for i, d in enumerate(t.shape): x = d.value", "for i, d in enumerate(t.shape): x = d"),
        ("x = [a.value for a, b in zip(t.shape, y)]", "x = [a for a, b in zip(t.shape, y)]"),
        ("x = map(lambda d: d.value, t.get_shape())", "x = map(lambda d: d, t.get_shape())"),
        ("h = t.shape[1]\nx = (h * 2 + 1).value, (h).value", "x = (h * 2 + 1), (h)"),
        ("s = list(t.shape)\nx = s[-1].value", "x = s[-1]"),
    ],
)
def test_sizes_are_numbers(code, becomes):
    report = Report()
    assert ported(code, report).split("\n")[-1] == becomes
    assert not report.remarks


@pytest.mark.parametrize(
    "code",
    [
        "x = t.shape.dims[1].value",
        "slider = IntSlider()\nx = slider.value",
        "v = tf.Variable(1.0)\nx = v.value()",
        "x = self.cell.value",
        "x = attributes['shape'].value",
        "d = 3\nx.value = d",
    ],
)
def test_other_values_stay_and_are_not_reported(code):
    report = Report()
    assert ported(code, report) == code
    assert not report.remarks


@pytest.mark.parametrize(
    "code",
    [
        "def f(d):\n    return d.value",
        "w, h = f(t)\nx = w.value",
        "for d in dims: x = d.value",
        "d = t.shape[0]\nif y: d = f(t)\nx = d.value",
    ],
)
def test_what_may_be_a_size_is_reported(code):
    report = Report()
    assert ported(code, report) == code
    (remark,) = report.remarks
    assert remark.place.line == 3 + len(code.split("\n"))
    assert remark.advice.startswith("leave .value out")


def test_in_python_2_sizes_divide_as_whole_numbers():
    code = "n, h, w, c = t.get_shape()\nprint h.value / 2, w / 2, (h * w) / c"
    assert ported(code).split("\n")[1] == "print(h // 2, w // 2, (h * w) // c)"
