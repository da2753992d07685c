"""What of commands that install packages is of the past."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.compat.porting.packages import revised

WORDS = st.sampled_from(
    """pip pip3 npm install uninstall lucid lucid==0.2.3 'lucid >= 0.3' tensorflow==1.15 tensorflow
    scipy -U -r x.txt -e git+https://github.com/tensorflow/lucid && || ; | & > 2>&1 log.txt \\\n
    sudo python -m ' " \\ ( ) $x {y} #""".split()
)
LINES = st.one_of(st.lists(WORDS, max_size=9).map(" ".join), st.text(max_size=20))


@settings(deadline=None, max_examples=200)
@given(LINES)
def test_any_line_is_understood_and_what_is_left_of_it_is_of_today(line):
    once = revised(line, lucid="lucidx").text
    assert revised(once, lucid="lucidx").text == once
    if "install" not in line:
        assert once == line


@pytest.mark.parametrize(
    ("requirement", "is_past"),
    [
        ("tensorflow==1.15.2", True),
        ("tensorflow_gpu", True),
        ("tensorflow<2", True),
        ("tensorflow<2.0", True),
        ("'tensorflow>=1.4,<2'", True),
        ("tensorflow~=1.14", True),
        ("https://storage.googleapis.com/tensorflow/cpu/tensorflow-1.8.0-cp27-none-any.whl", True),
        ("tensorflow", False),
        ("tensorflow>=1.4", False),
        ("tensorflow<2.19", False),
        ("tensorflow==2.16.1", False),
        ("tensorflow-hub==0.1", False),
        ("lucid", True),
        ("Lucid[all]", True),
        ("lucid/", False),
        ("./lucid", False),
        ("lucidx", False),
        ("lucid-dreams", False),
    ],
)
def test_requirements_of_the_past(requirement, is_past):
    assert revised(f"pip install {requirement}").is_idle == is_past
    rest = revised(f"pip install {requirement} scipy").text
    assert rest == ("pip install scipy" if is_past else f"pip install {requirement} scipy")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("sudo python3 -m pip -q install lucid", "sudo python3 -m pip -q install lucidx"),
        ("pip install lucid lucid", "pip install lucidx"),
        ("pip install \\\n    lucid \\\n    scipy", "pip install \\\n    lucidx \\\n    scipy"),
        ("pip install lucid>=0.3 2>&1 | tail -1", "pip install lucidx 2>&1 | tail -1"),
        ("conda install -y tensorflow-gpu=1.13 scipy", "conda install -y scipy"),
        ("pip uninstall -y lucid scipy", "pip uninstall -y scipy"),
        ("pip freeze | grep lucid", "pip freeze | grep lucid"),
        ("ls > lucid; pip install -c lucid scipy", "ls > lucid; pip install -c lucid scipy"),
        ("> lucid", "> lucid"),
    ],
)
def test_lucidx_is_installed_instead_of_lucid(line, text):
    assert revised(line, lucid="lucidx").text == text
