"""Where commands write: never over what they were given."""

import numpy as np
import pytest
from command import refused
from PIL import Image

CHANNEL = "block2a/output:3"


@pytest.fixture
def given(tmp_path):
    """A picture alone, and one in a directory."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for name in ("own.png", "photos/more/a.png"):
        Image.fromarray(np.zeros([40, 40, 3], np.uint8)).save(tmp_path / name)
    np.savez(tmp_path / "acts.npz", activations=np.ones([9, 40]))
    return tmp_path


@pytest.mark.parametrize(
    ("command", "output"),
    [
        (("recipe", "mesh", "own.png", CHANNEL), "own.png"),
        (("recipe", "mesh", "photos/more/a.png", "--style", "own.png"), "own.png"),
        (("recipe", "mesh", "photos/more/a.png", "--texture", "own.png"), "own.png"),
        (("recipe", "maco", CHANNEL, "--like", "own.png"), "own.png"),
        (("recipe", "maco", CHANNEL, "--like", "photos"), "photos/more/a.png"),
        (("recipe", "maco", CHANNEL, "--like", "photos/.."), "own.png"),
        (("recipe", "circuit", "stem", CHANNEL, "--photos", "photos"), "photos/more/a.png"),
        (("recipe", "cppn", "--from", "acts.npz"), "acts.npz"),
        (("groups", "own.png"), "own.png"),
        (("groups", "own.png", "photos"), "photos/more/a.png"),
        (("attribute", "own.png"), "own.png"),
        (("atlas", "EfficientNetLite0", "block2a/output", "photos"), "photos/more/a.png"),
    ],
)  # fmt: skip
def test_what_is_given_is_not_written_over(given, command, output):
    before = (given / output).read_bytes()
    line = refused(*command, "-o", output, cwd=given)
    assert f"{output!r} is what was given, or a picture in it. -o names another place." in line
    assert (given / output).read_bytes() == before


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_links_to_what_is_given_are_seen_through(given, link):
    getattr(given / "photos" / "link.png", link)(given / "own.png")
    before = (given / "own.png").read_bytes()
    for output in ("own.png", "photos/link.png"):
        assert "is what was given" in refused("groups", "photos", "-o", output, cwd=given)
    assert (given / "own.png").read_bytes() == before


def test_beside_the_pictures_of_a_directory_there_is_room(given):
    (given / "photos" / "groups.json").write_text("{}")
    for output in ("photos/groups.json", "photos/new.png"):
        line = refused("groups", "photos", "--model", "nothing", "-o", output, cwd=given)
        assert "nothing" in line and "given" not in line
