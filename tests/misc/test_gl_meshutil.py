"""Mesh files, and matrices that place meshes before a camera."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import CorruptFileError, InvalidValueError
from lucidx.misc.gl import meshutil

SQUARE = """
v 0 0 0
v 0 1 0 # a corner
v 1 1 0
v 1 0 0
vt 0 0
vt 0 1
vt 1 1
vt 1 0
usemtl nothing
f 1/1 2/2 3/3 4/4
"""


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "str"])
def test_meshes_are_read_from_paths_and_files(tmp_path, kind):
    path = tmp_path / "square.obj"
    path.write_text(SQUARE)
    source = {
        "path": path,
        "str": str(path),
        "text": io.StringIO(SQUARE),
        "bytes": io.BytesIO(SQUARE.encode()),
    }[kind]
    mesh = meshutil.load_obj(source)
    assert sorted(mesh) == ["face", "position", "uv"]
    assert mesh["face"].tolist() == [0, 1, 2, 0, 2, 3] and mesh["face"].dtype == np.int32
    assert np.array_equal(mesh["position"][:, :2], mesh["uv"])
    assert mesh["position"].dtype == mesh["uv"].dtype == np.float32


def test_corners_that_agree_are_one_vertex():
    mesh = meshutil.load_obj(io.StringIO(SQUARE + "f 1/1 3/3 4/1"))
    assert len(mesh["position"]) == 5 and mesh["face"].tolist()[6:] == [0, 2, 4]


def test_negative_numbers_count_from_the_end_and_colors_stay():
    text = "v 0 0 0 1 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1"
    mesh = meshutil.load_obj(io.StringIO(text))
    assert mesh["position"].tolist()[:2] == [[0, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    "line",
    ["f 1 2", "f 1 2 9", "f 1 2 -9", "f 0 1 2", "f 1 2 x", "v 1 2 y", "f 1/2/3/4 2 3", "f / 1 2"],
)
def test_damaged_meshes_are_refused(line):
    with pytest.raises(CorruptFileError):
        meshutil.load_obj(io.StringIO(f"{SQUARE}\n{line}"))


@pytest.mark.parametrize("data", ["", "v 0 0 0\n", b"\x00\xff\x89PNG\r\n"])
def test_what_has_no_faces_is_no_mesh(data):
    file = io.BytesIO(data) if isinstance(data, bytes) else io.StringIO(data)
    with pytest.raises(CorruptFileError, match="no faces"):
        meshutil.load_obj(file)


@settings(deadline=None, max_examples=30)
@given(st.text("vtnf 0123456789/-.\n#", max_size=60))
def test_any_text_is_a_mesh_or_a_clear_error(text):
    try:
        mesh = meshutil.load_obj(io.StringIO("v 1 2 3\nv 0 0 1\nv 1 0 0\nf 1 2 3\n" + text))
    except CorruptFileError:
        return
    assert mesh["face"].max() < len(mesh["position"])


def test_a_normalized_mesh_just_fits_and_the_given_one_stays():
    position = np.array([[1.0, 2, 3], [5, 3, 4]])
    mesh = {"position": position, "face": np.arange(3)}
    fitted = meshutil.normalize_mesh(mesh)
    assert np.allclose(fitted["position"], [[-1, -0.25, -0.25], [1, 0.25, 0.25]])
    assert fitted["face"] is mesh["face"] and position[0, 0] == 1


def test_positions_in_integers_become_floats():
    fitted = meshutil.normalize_mesh({"position": np.array([[1, 2, 3], [5, 3, 4]])})
    assert np.allclose(fitted["position"], [[-1, -0.25, -0.25], [1, 0.25, 0.25]])
    single = meshutil.normalize_mesh({"position": np.eye(3, dtype=np.float32)})
    assert single["position"].dtype == np.float32


def test_perspective_is_lucids():
    wanted = [[0.5, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1.002, -1], [0, 0, -0.2002, 0]]
    assert np.allclose(meshutil.perspective(90, 2, 0.1, 100), wanted, atol=1e-6)
    with pytest.raises(InvalidValueError):
        meshutil.frustum(1, 1, 0, 1, 1, 2)


def test_the_camera_is_the_origin_and_its_target_ahead():
    view = meshutil.lookat([0, 0, 3])
    assert np.allclose(view, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3], [0, 0, 0, 1]])
    view = meshutil.lookat([1, 2, 3], [-2, 1, 0])
    assert np.allclose(meshutil.homotrans(view, [1, 2, 3]), 0, atol=1e-6)
    ahead = meshutil.homotrans(view, [[-2.0, 1, 0, 1]])
    assert np.allclose(ahead, [[0, 0, -np.sqrt(19)]], atol=1e-5)
    with pytest.raises(InvalidValueError, match="another `up`"):
        meshutil.lookat([0, 3, 0])


def test_sampled_views_look_at_the_origin_from_the_distances_allowed():
    distances = [-meshutil.homotrans(meshutil.sample_view(2, 5), [0, 0, 0]) for _ in range(20)]
    assert np.allclose(np.array(distances)[:, :2], 0, atol=1e-5)
    depths = np.array(distances)[:, 2]
    assert 2 <= depths.min() < depths.max() <= 5
    assert np.allclose(meshutil.homotrans(meshutil.sample_view(3), [0, 0, 0])[2], -3)


def test_normalizing_along_an_axis():
    v = np.array([[3.0, 4], [0, 0]])
    assert np.allclose(meshutil.normalize(v, axis=1), [[0.6, 0.8], [0, 0]])
    assert meshutil.anorm(v) == 5 and meshutil.anorm(v, 1, True).shape == (2, 1)
