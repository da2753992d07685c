"""Pictures in files as what a model takes."""

import numpy as np
import pytest
from named_pipes import pipe
from PIL import Image

from lucidx.cli.recipes.photos import read_photo
from lucidx.errors import CorruptFileError, InvalidValueError
from lucidx.misc.io import load
from lucidx.modelzoo.pictures import find_images, read_image


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


# Finding


def test_directories_stand_for_the_pictures_in_them(tmp_path):
    names = ["b/2.JPG", "b/10.png", "a/deep/x.webp", "c.jpeg"]
    touch(*(tmp_path / name for name in names))
    touch(tmp_path / "b/notes.txt", tmp_path / "b/.hidden.png", tmp_path / ".cache/1.png")
    expected = ["a/deep/x.webp", "b/10.png", "b/2.JPG", "c.jpeg"]
    assert find_images([tmp_path]) == [str(tmp_path / name) for name in expected]


def test_files_are_taken_as_given_and_each_once(tmp_path):
    touch(tmp_path / "b.png", tmp_path / "a.png", tmp_path / "c.tiff")
    given = [tmp_path / "c.tiff", str(tmp_path / "b.png"), tmp_path]
    found = find_images(given)
    assert [name[-5:] for name in found] == [".tiff", "b.png", "a.png"]


def test_arrays_are_looked_for_where_pictures_cannot_do(tmp_path):
    touch(tmp_path / "a.npy", tmp_path / "b.png")
    assert len(find_images([tmp_path], channels=3)) == 1
    assert len(find_images([tmp_path], channels=1)) == 1
    assert len(find_images([tmp_path], channels=5)) == 2


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidValueError, match=r"no file or directory .*photos"):
        find_images([tmp_path / "photos"])
    for nothing in ([tmp_path], []):
        with pytest.raises(InvalidValueError, match=r"no pictures \(.png, .jpg"):
            find_images(nothing)


def test_pipes_in_a_directory_are_left_out_since_they_would_be_waited_for(tmp_path):
    touch(tmp_path / "b.png")
    with pipe(tmp_path / "a.png"):
        assert find_images([tmp_path]) == [str(tmp_path / "b.png")]
        assert find_images([tmp_path / "a.png"]) == [str(tmp_path / "a.png")]


# Reading


@pytest.fixture
def wide(tmp_path):
    """A picture of 40x20: a red third, a green middle of 20x20 in two halves, a red rest."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :10] = pixels[:, 30:] = (255, 0, 0)
    pixels[:10, 10:30] = (0, 255, 0)
    pixels[10:, 10:30] = (0, 0, 255)
    path = tmp_path / "wide.png"
    Image.fromarray(pixels).save(path)
    return path


def test_a_picture_of_the_right_size_is_what_load_gives(wide):
    image = read_image(wide, (20, 40, 3))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, load(wide))


def test_a_picture_is_cropped_about_its_centre(wide):
    np.testing.assert_array_equal(read_image(wide, (20, 20, 3)), load(wide)[:, 10:30])
    tall = read_image(wide, (20, 10, 3))
    np.testing.assert_array_equal(tall, load(wide)[:, 15:25])


def test_a_photo_is_turned_as_its_camera_was_held(wide, tmp_path):
    picture, exif = Image.open(wide), Image.Exif()
    exif[0x0112] = 6  # orientation: what is stored is to be turned clockwise
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "held.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "held.png", (20, 40, 3)), load(wide))
    np.testing.assert_array_equal(read_photo(str(tmp_path / "held.png")), load(wide))
    assert load(tmp_path / "held.png").shape == (40, 20, 3)


def test_a_cropped_picture_is_resized(wide):
    small = read_image(wide, (10, 10, 3))
    assert small.shape == (10, 10, 3)
    np.testing.assert_allclose(small[0, 3:-3], np.tile([0, 1, 0], (4, 1)), atol=0.02)
    assert read_image(wide, (80, 30, 3)).shape == (80, 30, 3)


def test_a_picture_in_colour_can_be_had_in_grey(wide):
    grey = read_image(wide, (20, 40, 1))
    np.testing.assert_allclose(grey, load(wide) @ [[0.299], [0.587], [0.114]], atol=0.005)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_can_be_had_in_colour_and_in_grey(tmp_path, mode):
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    levels = np.linspace(0, 255, 48).reshape(6, 8).astype(np.uint8)
    if mode == "I;16":
        picture = Image.fromarray(levels * np.uint16(257))
    elif mode == "P":
        picture = Image.fromarray(levels).quantize()
    else:
        picture = Image.fromarray(levels).convert("RGB").convert(mode)
    picture.save(path)
    for channels in (1, 3):
        image = read_image(path, (6, 8, channels))
        assert image.shape == (6, 8, channels)
        assert image.dtype == np.float32
        if mode != "1":
            expected = np.repeat(levels[..., None] / 255, channels, -1)
            np.testing.assert_allclose(image, expected, atol=0.08)


def test_transparent_parts_are_white(tmp_path):
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:2, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "x.png")
    image = read_image(tmp_path / "x.png", (4, 4, 3))
    assert (image[:2] == 0).all()
    assert (image[2:] == 1).all()
    np.testing.assert_array_equal(read_image(tmp_path / "x.png", (4, 4, 4)), pixels / 255)


def test_an_array_can_have_any_number_of_channels(tmp_path):
    array = np.random.default_rng(0).uniform(size=(8, 12, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", array)
    np.testing.assert_allclose(read_image(tmp_path / "x.npy", (8, 12, 5)), array)
    np.testing.assert_allclose(read_image(tmp_path / "x.npy", (8, 8, 5)), array[:, 2:10])
    np.save(tmp_path / "x.npy", np.full((8, 8, 2), 51, np.uint8))
    np.testing.assert_allclose(read_image(tmp_path / "x.npy", (2, 2, 2)), 0.2, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((8, 8)), r"not an image \[H, W, C\]"),
        (np.zeros((0, 8, 5)), r"not an image \[H, W, C\]"),
        (np.full((8, 8, 5), 200.0), r"floats in 0\.\.1, or uint8"),
        (np.full((8, 8, 5), np.nan), r"floats in 0\.\.1, or uint8"),
        (np.zeros((8, 8, 5), int), r"floats in 0\.\.1, or uint8"),
        (np.zeros((8, 8, 4)), "has 4 channels; the model takes 5"),
    ],
)
def test_an_array_that_is_no_image_is_refused(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(InvalidValueError, match=f"x.npy.*{message}"):
        read_image(tmp_path / "x.npy", (8, 8, 5))


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp", "x.npy"])
def test_a_truncated_file_is_refused_by_name(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    if name.endswith(".npy"):
        np.save(tmp_path / name, noise)
    else:
        Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    for size in (0, 10, len(whole) // 2):
        (tmp_path / name).write_bytes(whole[:size])
        with pytest.raises(CorruptFileError, match=name):
            read_image(tmp_path / name, (8, 8, 3))


def test_a_file_that_is_gone_is_refused_by_name(tmp_path):
    for name in ("gone.png", "gone.npy"):
        with pytest.raises(CorruptFileError, match=name):
            read_image(tmp_path / name, (8, 8, 3))
