import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lucidx.errors import CorruptFileError, InvalidTypeError, InvalidValueError
from lucidx.interfaces.photos import read

GREEN = np.zeros([60, 90, 3], np.uint8)
GREEN[..., 1] = 255


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (GREEN, (0, 1, 0)),
        (GREEN / 255, (0, 1, 0)),
        (GREEN.astype(np.uint16) * 257, (0, 1, 0)),
        (GREEN[..., 1], (1, 1, 1)),
        (GREEN[..., 1:2].astype(np.float16) / 255, (1, 1, 1)),
        (np.dstack([GREEN, np.zeros([60, 90], np.uint8)]), (1, 1, 1)),
        (np.dstack([GREEN, np.full([60, 90], 255, np.uint8)]), (0, 1, 0)),
        (GREEN[:1, :1], (0, 1, 0)),
        (np.tile(GREEN, (40, 1, 1)), (0, 1, 0)),
    ],
    ids="uint8 float uint16 grey grey16 transparent opaque tiny tall".split(),
)
def test_arrays_of_any_kind_become_what_the_model_takes(model, array, expected):
    photo = read(array, model)
    assert photo.image.shape == (32, 32, 3)
    assert photo.image.dtype == np.float32
    np.testing.assert_allclose(photo.image, np.broadcast_to(expected, [32, 32, 3]), atol=1e-6)
    assert photo.shown.dtype == np.uint8
    assert photo.shown.shape == (560, 560, 3)


def test_a_photo_is_cropped_about_its_middle(model):
    wide = np.zeros([50, 150, 3])
    wide[:, 50:100] = 1
    assert read(wide, model).image.min() > 0.9


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "I;16", "CMYK", "1"])
def test_files_of_any_mode_are_read(model, tmp_path, mode):
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    pixels = Image.fromarray(np.linspace(0, 255, 80 * 50).reshape(50, 80).astype(np.uint8))
    if mode == "I;16":
        pixels = Image.fromarray(np.linspace(0, 65535, 4000).reshape(50, 80).astype(np.uint16))
    else:
        pixels = pixels.convert(mode)
    pixels.save(path)
    photo = read(path, model)
    assert photo.name == path.name
    assert photo.image[0].mean() < 0.5 < photo.image[-1].mean()


HUGE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 10**6, 10**6, 8, 2, 0, 0, 0)
HUGE += struct.pack(">I", zlib.crc32(HUGE[12:]))


@pytest.mark.parametrize("content", [b"", HUGE[:8], b"GIF89a" + bytes(40), HUGE])
def test_a_damaged_file_is_refused(model, tmp_path, content):
    path = tmp_path / "damaged.png"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"damaged\.png"):
        read(path, model)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros([4, 4, 2]),
        np.zeros([2, 4, 4, 3]),
        np.zeros([0, 4, 3]),
        np.full([4, 4, 3], 255.0),
        np.full([4, 4, 3], np.nan),
    ],
)
def test_what_is_no_photo_is_refused(model, array):
    with pytest.raises(InvalidValueError, match="photo"):
        read(array, model)


@pytest.mark.parametrize("thing", [np.zeros([4, 4, 3], complex), np.zeros([4, 4], np.int64), None])
def test_other_things_are_refused(model, thing):
    with pytest.raises(InvalidTypeError, match="photo"):
        read(thing, model)
