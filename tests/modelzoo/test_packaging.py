"""The catalogue lives beside the package in the source tree, and inside it once installed."""

import importlib.util
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from lucidx.modelzoo import manifests

MISSING = [tool for tool in ("pip", "setuptools", "wheel") if not importlib.util.find_spec(tool)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"building needs {', '.join(MISSING)}"),
]

TREE = Path(__file__).parents[2]
SOURCES = ["lucidx", "modelzoo", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"]

# Started without the site-packages of this environment, in which lucidx may be installed too. Their
# directory comes last, and as a plain directory, for the dependencies.
LOOK = """
import json, site, sys
site.addsitedir(sys.argv[1])
sys.path.append(sys.argv[2])
import lucidx
from lucidx.modelzoo import manifests, vision_models
inception = vision_models.InceptionV1()
print(json.dumps([
    lucidx.__file__,
    manifests.names(),
    manifests.label_files(),
    inception.get_layer("mixed4a").depth,
    inception.labels[1],
    len(inception.synset_ids),
]))
"""


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(*arguments, cwd):
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command, *rest = arguments
    run(sys.executable, "-m", "pip", command, *options, *rest, cwd=cwd)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The source tree without what earlier builds have left in it."""
    copy = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        source = TREE / name
        if not source.exists():
            pytest.skip(f"{source} is not here: this is not a source tree")
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    return copy


@pytest.fixture(scope="module")
def unpacked_sdist(tree, tmp_path_factory):
    where = tmp_path_factory.mktemp("sdist")
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", build, where, cwd=tree)
    (archive,) = where.glob("*.tar.gz")
    shutil.unpack_archive(archive, where / "unpacked", filter="data")
    (unpacked,) = (where / "unpacked").iterdir()
    return unpacked


def look(installed, tmp_path):
    """What an interpreter that runs elsewhere finds in the installed package."""
    dependencies = sysconfig.get_path("purelib")
    return json.loads(run(sys.executable, "-S", "-c", LOOK, installed, dependencies, cwd=tmp_path))


def assert_all_there(found, where):
    file, names, label_files, depth, label, synsets = found
    assert Path(file).resolve().is_relative_to(where.resolve())
    assert names == list(manifests.names())
    assert label_files == list(manifests.label_files())
    assert (depth, label, synsets) == (508, "kit fox", 1001)


@pytest.mark.parametrize("source", ["tree", "unpacked_sdist"])
def test_a_wheel_has_the_catalogue(source, request, tmp_path):
    tree = request.getfixturevalue(source)
    pip("wheel", "--wheel-dir", tmp_path / "wheel", ".", cwd=tree)
    (wheel,) = (tmp_path / "wheel").glob("lucidx-*.whl")
    pip("install", "--target", tmp_path / "installed", wheel, cwd=tmp_path)
    assert_all_there(look(tmp_path / "installed", tmp_path), tmp_path / "installed")
    # Nothing beside the package: `modelzoo` would be in the way of others of that name.
    assert {path.name.split("-")[0] for path in (tmp_path / "installed").iterdir()} <= {
        "bin",
        "lucidx",
    }
    assert (tmp_path / "installed" / "lucidx" / "py.typed").exists()


def test_an_editable_install_reads_the_catalogue_of_the_source_tree(tree, tmp_path):
    pip("install", "--target", tmp_path / "installed", "--editable", tree, cwd=tmp_path)
    assert_all_there(look(tmp_path / "installed", tmp_path), tree)
