"""Colours mean the same in pictures and on pages, and can be told apart."""

import re
from importlib import resources

import numpy as np
import pytest
from PIL import Image

from lucidx import palette

# How colours look to people who lack one kind of cone (Machado, Oliveira and Fernandes 2009).
SEEN = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colors, seen):
    """CIE L*a*b* `[K, 3]` of sRGB colours as some people see them."""
    srgb = palette.rgb(colors)
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    light = (linear @ np.array(seen).T).clip(0, 1) @ XYZ.T / XYZ.sum(1)
    f = np.where(light > 0.008856, np.cbrt(light), 7.787 * light + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def least_difference(colors, seen):
    found = lab(colors, SEEN[seen])
    distances = np.linalg.norm(found[:, None] - found, axis=-1)
    return distances[~np.eye(len(colors), dtype=bool)].min()


@pytest.mark.parametrize("seen", SEEN)
def test_colours_can_be_told_apart_with_any_usual_kind_of_vision(seen):
    assert least_difference([palette.FOR, palette.AGAINST], seen) > 50
    assert least_difference(palette.GROUPS[:6], seen) > 25  # as many as groups by default
    assert least_difference(palette.GROUPS, seen) > 20


def test_pages_draw_with_these_colours():
    scripts = resources.files("lucidx.interfaces") / "static" / "scripts"
    maps, data = ((scripts / name).read_text("utf-8") for name in ("maps.js", "data.js"))
    named = dict(re.findall(r'\b(FOR|AGAINST) = rgb\("(#\w{6})"\)', maps))
    assert named == {"FOR": palette.FOR, "AGAINST": palette.AGAINST}
    hues = re.search(r"const HUES = \[(.*?)\]", data, re.DOTALL)
    assert tuple(re.findall(r"#\w{6}", hues[1])) == palette.GROUPS


def test_colours_are_shared_where_there_are_more_groups_than_colours():
    number = len(palette.GROUPS)
    assert palette.group_color(number + 1) == palette.group_color(1) == palette.GROUPS[1]


def test_grey_is_how_light_a_picture_is():
    image = np.random.default_rng(0).random((4, 5, 3), np.float32)
    picture = Image.fromarray((255 * image).astype(np.uint8)).convert("L")
    np.testing.assert_allclose(palette.grey(image)[..., 0], np.asarray(picture) / 255, atol=0.01)
    np.testing.assert_array_equal(palette.grey(image[..., :1]), image[..., :1])


def test_a_band_has_its_colours_side_by_side():
    band = palette.band(["#ff0000", "#0000ff"], 6, 2)
    assert band.shape == (2, 6, 3)
    assert (band[:, :3] == [1, 0, 0]).all() and (band[:, 3:] == [0, 0, 1]).all()
