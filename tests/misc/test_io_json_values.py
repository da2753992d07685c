"""Values as JSON, in files and in scripts of pages: the same everywhere."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.interfaces.page import as_script_json
from lucidx.misc.io.json_values import ClarityJSONEncoder, plain, script_json

ENCODERS = {
    "files": lambda value: json.dumps(value, cls=ClarityJSONEncoder),
    "scripts": script_json,
    "pages": as_script_json,
}


class Layer:
    def to_json(self):
        return {"name": np.str_("mixed4a")}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_values_of_numpy_and_python_are_written(encode):
    value = {np.int64(7): {np.float32(0.5)}, "b": (np.bool_(True), None), "layer": [Layer()]}
    assert json.loads(encode(value)) == {
        "7": [0.5],
        "b": [True, None],
        "layer": [{"name": "mixed4a"}],
    }


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_what_json_cannot_hold_is_refused(encode):
    for value, message in (([1j], "complex"), ([object()], "object"), ({(1, 2): 3}, "tuple")):
        with pytest.raises(InvalidTypeError, match=f"type {message}"):
            encode(value)
    endless = {}
    endless["again"] = [endless]
    with pytest.raises(InvalidValueError, match="contains itself"):
        encode(endless)


def test_arrays_are_lists():
    array = np.arange(4.0).reshape(2, 2)
    assert plain({"a": array, "b": np.array([{1}], object)}) == {"a": array.tolist(), "b": [[1]]}


def test_what_is_given_is_not_changed():
    value = {"a": [np.float32(1), (2,)]}
    plain(value)
    assert value == {"a": [1, (2,)]} and isinstance(value["a"][0], np.float32)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=9,
)


@settings(deadline=None, max_examples=50)
@given(JSON | st.sampled_from(["</script>", "<!--", "\u2028", "&lt;"]))
def test_any_json_survives_in_a_script_that_it_cannot_end(value):
    text = script_json(value)
    assert json.loads(text) == value
    assert text.isascii() and not set("<>&") & set(text)


def test_values_of_ones_own_are_encoded_first():
    doubled = lambda value: 2 * value if isinstance(value, int) else value
    assert script_json({"a": [1, {2}]}, doubled) == '{"a": [2, [4]]}'
