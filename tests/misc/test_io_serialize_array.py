import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.io.serialize_array import (
    JS_ARRAY_TYPES,
    _normalize_array,
    array_to_jsbuffer,
    serialize_array,
)

GRID = np.array([[-1, 0, 0.5], [1, 2, 0.25]])


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("domain", "pixels"),
    [
        ((0, 1), [[0, 0, 127], [255, 255, 63]]),
        ((-1, 1), [[0, 127, 191], [255, 255, 159]]),
        (None, [[0, 85, 127], [170, 255, 106]]),
    ],
)
def test_floats_are_mapped_from_the_domain_clipped_and_truncated(domain, pixels):
    np.testing.assert_array_equal(_normalize_array(GRID, domain), pixels)


def test_the_array_itself_is_not_modified():
    array = GRID.copy()
    serialize_array(array, domain=None)
    np.testing.assert_array_equal(array, GRID)


def test_integers_are_pixels_already():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(_normalize_array(pixels), pixels)
    np.testing.assert_array_equal(
        _normalize_array(pixels.astype(int) * 2), (2 * pixels.astype(int)).clip(0, 255)
    )
    np.testing.assert_array_equal(_normalize_array(pixels, domain=(10, 20)), pixels.clip(10, 20))


def test_a_mask_is_black_and_white():
    np.testing.assert_array_equal(_normalize_array(np.eye(2, dtype=bool)), [[255, 0], [0, 255]])


def test_half_floats_keep_their_precision():
    levels = np.linspace(0, 1, 256).reshape(16, 16)
    single = _normalize_array(levels.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(_normalize_array(levels.astype(np.float16)), single)


def test_a_constant_array_without_domain_is_black():
    assert not _normalize_array(np.full((2, 2), 7.0), domain=None).any()


@pytest.mark.parametrize(
    ("shape", "kept"),
    [
        ((1, 4, 5, 3), (4, 5, 3)),
        ((1, 1, 4, 5, 1), (4, 5)),
        ((4, 5, 1), (4, 5)),
        ((1, 14, 14), (14, 14)),
        ((4, 1, 3), (4, 1, 3)),
        ((1, 1, 3), (1, 1, 3)),
        ((1, 4, 5, 6), (4, 5, 6)),
    ],
)
def test_only_axes_around_the_picture_are_dropped(shape, kept):
    assert _normalize_array(np.zeros(shape)).shape == kept


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.array([[0.5, np.nan]]), InvalidValueError, "50.0% of the values are NaN"),
        (np.zeros((0, 3)), InvalidValueError, "nothing"),
        (np.zeros((2, 4, 4, 3)), InvalidValueError, "contact_sheet"),
        (np.zeros((4, 4, 6)), InvalidValueError, "collapse_channels"),
        (np.zeros(4), InvalidValueError, "shape is \\[4\\]"),
        (np.zeros((2, 2), complex), InvalidTypeError, "complex"),
        (np.array([["a"]]), InvalidTypeError, "real numbers"),
        (np.array([[0, np.inf]]), InvalidValueError, r"50.0% .* are inf.*domain=\(0, 1\)"),
        ([[1], [1, 2]], InvalidTypeError, "list, is not an array"),
    ],
)
def test_what_is_not_a_picture_is_refused(array, error, message):
    with pytest.raises(error, match=message):
        serialize_array(array, domain=None)


def test_a_reversed_domain_is_refused():
    with pytest.raises(InvalidValueError, match="lesser first"):
        serialize_array(GRID, domain=(1, 0))


@pytest.mark.parametrize("domain", [1, "ab", (0, 1, 2), (None, 1), ([0, 0], 1)])
@pytest.mark.parametrize("dtype", [float, int])
def test_a_domain_is_two_numbers(domain, dtype):
    with pytest.raises(InvalidTypeError, match="domain is two numbers"):
        serialize_array(GRID.astype(dtype), domain=domain)


def test_infinite_values_are_cut_at_the_domain():
    pixels = _normalize_array(np.array([[-np.inf, 0.5, np.inf]]))
    np.testing.assert_array_equal(pixels, [[0, 127, 255]])


def test_messages_say_where_what_helps_is():
    import lucidx.misc.io

    with pytest.raises(InvalidValueError, match=r"lucidx\.misc\.io\.contact_sheet\(\)"):
        serialize_array(np.zeros((2, 4, 4, 3)))
    assert lucidx.misc.io.contact_sheet(np.zeros((2, 4, 4, 3))).ndim == 3


@settings(deadline=None, max_examples=30)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.uint8]),
        st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4)),
        elements={"min_value": 0, "max_value": 1},
    )
)
def test_a_png_of_any_channels_and_size_holds_the_normalized_pixels(array):
    pixels = decoded(serialize_array(array))
    np.testing.assert_array_equal(pixels, _normalize_array(array))


@pytest.mark.parametrize("fmt", ["jpeg", "jpg", "JPEG", "webp"])
def test_lossy_formats_are_close(fmt):
    ramp = np.linspace(0, 1, 32 * 32).reshape(32, 32, 1).repeat(3, -1)
    pixels = decoded(serialize_array(ramp, fmt=fmt, quality=95))
    assert np.abs(pixels - 255 * ramp).max() < 6


def test_a_format_that_cannot_hold_the_picture_is_refused():
    with pytest.raises(InvalidValueError, match=r"RGBA picture of 3x2 pixels .* JPEG"):
        serialize_array(np.zeros((2, 3, 4)), fmt="jpeg")
    with pytest.raises(InvalidValueError, match="'eps'; there are png"):
        serialize_array(np.zeros((2, 3)), fmt="eps")


@pytest.mark.parametrize("dtype", JS_ARRAY_TYPES)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_jsbuffer_holds_little_endian_values_of_the_matching_type(dtype, byteorder):
    array = np.array([0, 1, 100]).astype(np.dtype(dtype).newbyteorder(byteorder))
    code = array_to_jsbuffer(array)
    assert f"new {dtype.capitalize()}Array(" in code
    data = base64.b64decode(re.search(r'atob\("(.*?)"\)', code)[1])
    np.testing.assert_array_equal(np.frombuffer(data, np.dtype(dtype).newbyteorder("<")), array)


def test_a_jsbuffer_of_a_list_holds_its_numbers():
    assert array_to_jsbuffer([0.5, 2]) == array_to_jsbuffer(np.array([0.5, 2]))


@pytest.mark.parametrize(
    "array", [np.zeros(3, np.int64), np.zeros((2, 2)), [True], ["a"], [[1], []]]
)
def test_a_jsbuffer_of_another_kind_is_refused(array):
    with pytest.raises(InvalidTypeError, match=r"one axis, of float32|not an array"):
        array_to_jsbuffer(array)
