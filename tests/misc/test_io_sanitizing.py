import pytest

from lucidx.misc.io.sanitizing import one_line, sanitize


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("mixed4a", "mixed4a"),
        ("conv1_7x7_s2/conv1_7x7_s2", "conv1_7x7_s2_conv1_7x7_s2"),
        ("a/b/c:0", "a_b_c:0"),
        ("", ""),
    ],
)
def test_slashes_become_underscores(name, clean):
    assert sanitize(name) == clean


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\nb\tc", "a b c"), ("  a \r\n b ", "a b"), ("\x1b[31mred\x07", "[31mred"), (7, "7")],
)
def test_one_line_has_no_breaks_and_no_control_characters(text, line):
    assert one_line(text) == line
