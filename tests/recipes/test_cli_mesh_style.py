"""`lucidx recipe mesh`."""

import meshes
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_sample_images

from lucidx.cli import main

FEATURE = "block3b/output:3"
QUICK = ("--size", 40, "--steps", 1)


def run(*arguments, cwd):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(main, ["recipe", "mesh", *map(str, arguments)])


def refused(*arguments, cwd):
    """What is said, when it is refused with exit code 2."""
    done = run(*arguments, cwd=cwd)
    assert done.exit_code == 2, done.output
    return done.output.strip().splitlines()[-1]


@pytest.fixture
def files(tmp_path):
    """A ring, far from where a camera expects it, a texture of it and a picture with a style."""
    ring = meshes.torus()
    meshes.save_obj({**ring, "position": 30 * ring["position"] + 50}, tmp_path / "ring.obj")
    for name, photo in zip(("own.png", "flower.jpg"), load_sample_images().images, strict=True):
        Image.fromarray(photo[:200, :240]).save(tmp_path / name)
    return tmp_path


def test_a_feature_becomes_a_texture_and_a_page(files):
    done = run("ring.obj", FEATURE, *QUICK, cwd=files)
    assert done.exit_code == 0, done.output
    assert done.output == "mesh.png\nmesh.html\n"
    with Image.open(files / "mesh.png") as texture:
        assert texture.size == (40, 40)
    page = (files / "mesh.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and "<title>ring.obj</title>" in page
    assert "http" not in page.replace("http-equiv", "")


def test_with_its_own_texture_a_mesh_gets_a_style_and_turns(files):
    given = ("--texture", "own.png", "--style", "flower.jpg", "--style-weight", 2)
    layers = ("--style-layers", "block1a/output,input", "--content-layers", "block1a/output")
    outputs = ("-o", "new.jpg", "-o", "turning.gif", "--frames", 3)
    done = run("ring.obj", *given, *layers, *QUICK, *outputs, cwd=files)
    assert done.exit_code == 0, done.output
    with Image.open(files / "new.jpg") as texture:
        assert texture.size == (40, 33)
    with Image.open(files / "turning.gif") as turning:
        assert turning.n_frames == 3
        assert np.asarray(turning.convert("L"))[0, 0] > 250


def test_a_style_alone_becomes_a_texture(files):
    options = ("--style-layers", "block1a/output", "--style-size", 64, "-o", "t.webp")
    done = run("ring.obj", "--style", "flower.jpg", *options, *QUICK, cwd=files)
    assert done.exit_code == 0, done.output
    with Image.open(files / "t.webp") as texture:
        assert texture.size == (40, 40)


def test_bad_requests_are_refused_in_one_line(files):
    flat = meshes.square()
    meshes.save_obj({**flat, "uv": 0 * flat["uv"]}, files / "flat.obj")
    (files / "bare.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    (files / "broken.obj").write_text("v 0 0\nf 1 2 x\n")
    style = ("--style", "flower.jpg")
    assert "OBJECTIVE" in refused("ring.obj", cwd=files)
    assert "OBJECTIVE" in refused("ring.obj", FEATURE, *style, cwd=files)
    assert "--texture goes with" in refused("ring.obj", FEATURE, "--texture", "own.png", cwd=files)
    assert "--style-size goes" in refused("ring.obj", FEATURE, "--style-size", 64, cwd=files)
    both = refused("ring.obj", *style, "--content-weight", 1, cwd=files)
    assert both == "Error: --content-weight goes with --texture."
    assert "no 'uv'" in refused("bare.obj", FEATURE, cwd=files)
    assert "unwrap" in refused("flat.obj", FEATURE, cwd=files)
    assert "Line 2" in refused("broken.obj", FEATURE, cwd=files)
    assert "not a mesh" in refused("own.png", FEATURE, cwd=files)
    assert "missing.obj" in refused("missing.obj", FEATURE, cwd=files)
    assert "block3b/output" in refused("ring.obj", "block3b/outptu:3", cwd=files)
    assert ".html" in refused("ring.obj", FEATURE, "-o", "mesh.obj", cwd=files)
    assert not list(files.glob("mesh.*"))
