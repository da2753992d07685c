"""How `lucidx port` tells text and bytes apart, which Python 2 did not."""

import pytest

from lucidx.compat.porting import Report, port_script
from lucidx.compat.porting.report import Place


def ported(source):
    """What Python 2 becomes, without the line that tells that it is."""
    report = Report()
    text = port_script(f"{source}\nprint ''\n", report)
    return text.removesuffix("\nprint('')\n"), report


@pytest.mark.parametrize(
    ("code", "becomes"),
    [
        ("open(p, 'wb').write('text')", "open(p, 'w').write('text')"),
        ("open(p, mode=\"ab\").write('%s' % x)", "open(p, mode=\"a\").write('%s' % x)"),
        (
            "import csv\nw = csv.writer(open(p, 'wb'), delimiter=';')",
            "import csv\nw = csv.writer(open(p, 'w', newline=\"\"), delimiter=';')",
        ),
        (
            "f = open(p, 'wb')  # text\nf.write('a')\nf.close()\nf = open(q, 'wb')\nf.write(x)",
            "f = open(p, 'w')  # text\nf.write('a')\nf.close()\nf = open(q, 'wb')\nf.write(x)",
        ),
        (
            "with open(p) as f, open(q, 'w') as g: d.ParseFromString(f.read())",
            "with open(p, \"rb\") as f, open(q, 'w') as g: d.ParseFromString(f.read())",
        ),
        (
            "import requests\nopen(p, 'w').write(requests.get(u).content)",
            "import requests\nopen(p, 'wb').write(requests.get(u).content)",
        ),
        (
            "import base64\nx = base64.b64encode(open(p).read())",
            'import base64\nx = base64.b64encode(open(p, "rb").read()).decode("ascii")',
        ),
        (
            "import os, sys\nsys.stdout = os.fdopen(1, 'w', 0)",
            "import os, sys\nsys.stdout = os.fdopen(1, 'w', 1)",
        ),
        ("open(p, 'rbU'), open(p, 'U')", "open(p, 'rb'), open(p, 'r')"),
        (
            "with open(p, 'wb') as f: f.write('head'), f.write(x.tobytes())",
            "with open(p, 'wb') as f: f.write(b'head'), f.write(x.tobytes())",
        ),
    ],
)
def test_files_are_opened_for_what_is_in_them(code, becomes):
    text, report = ported(code)
    assert text == becomes and not report.remarks


@pytest.mark.parametrize(
    "code",
    [
        "open(p, 'wb').write(x)",
        "def f(data):\n    with open(p, 'wb') as g: g.write(data)",
        "open(p, 'rb').read()",
        "with open(p, 'rb') as f: d.ParseFromString(f.read())",
        "f = open(p, 'wb')\nx.tofile(f)",
        "with open(p, 'w') as f: f.write('a')",
        "with open(p) as f: x = f.read().split(',')",
        "def open(p, m): return p\nopen(p, 'wb').write('text')",
        "with open(p, mode) as f: f.write('a')",
        "import io\nio.open(p, 'wb').write(x)",
        "import hashlib\nx = hashlib.md5(y).hexdigest()",
        "import base64\nx = base64.b64encode(y).decode('ascii')",
        "import urllib.request\nx = urllib.request.urlopen(u).read()\nx = x.decode()\nx.split()",
    ],
)
def test_what_is_not_certain_stays_and_is_not_reported(code):
    text, report = ported(code)
    assert text == code
    assert not [each for each in report.remarks if "decode" not in each.what]


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("with open(p, 'wb') as f:\n  f.write('%d' % n)\n  f.write(x.tobytes())", 2),
        ("f = open(p, 'wb')\nf.write('%d' % n)\nx.tofile(f)", 2),
        ("x = open(p, 'rb').read()\nif x[:3] == 'GIF': pass", 2),
        ("x = open(p, 'rb').read()\nif x.startswith('GIF'): pass", 1),
    ],
)
def test_text_among_bytes_is_reported(code, line):
    text, report = ported(code)
    assert text == code
    assert [remark.place for remark in report.remarks] == [Place(None, line)]


def test_python_3_opens_files_as_it_says():
    source = "open(p, 'wb').write('text')\nimport base64\nx = '%s' % base64.b64encode(y)\n"
    assert port_script(source, Report()) == source
    assert port_script("f = open(p, 'rU')\n", Report()) == "f = open(p, 'r')\n"
