"""Pictures of meshes, by OpenGL where there is one and without."""

import subprocess
import sys

import numpy as np
import pytest

from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.gl import glcontext, meshutil
from lucidx.misc.gl.glrenderer import MeshRenderer, Shader

SIZE = (40, 30)
AHEAD = meshutil.lookat([0, 0, 5])


@pytest.fixture(scope="module")
def context():
    """An OpenGL context of 64 x 48 pixels."""
    pytest.importorskip("OpenGL", reason="needs PyOpenGL: pip install 'lucidx[gl]'")
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        glcontext.create_opengl_context((64, 48))
    missing = [str(w.message) for w in caught if w.category is glcontext.NoOpenGLWarning]
    if missing:
        pytest.skip(missing[0])


def make(by, request, size=SIZE):
    if by == "opengl":
        request.getfixturevalue("context")
        renderer = MeshRenderer(size)
        assert renderer.shader is not None
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(glcontext, "has_context", lambda: False)
            renderer = MeshRenderer(size)
    renderer.fovy = 40
    return renderer


@pytest.fixture(params=["numpy", "opengl"])
def renderer(request):
    return make(request.param, request)


TRIANGLE = np.array([[-1, -1, 0], [1, -1, 0], [-1, 1, 0]], float)


def test_colors_are_interpolated_between_the_corners(renderer):
    picture = renderer.render_mesh(TRIANGLE, np.eye(3), modelview=AHEAD)
    assert picture.shape == (30, 40, 4) and picture.dtype == np.float32
    covered = picture[..., 3] == 1
    assert 0 < covered.sum() < covered.size / 2
    assert np.allclose(picture[..., :3].sum(-1), picture[..., 3], atol=1e-5)
    rows, columns = np.nonzero(covered)
    lower_left = picture[rows.max(), columns.min()]
    upper_left = picture[rows.min(), columns.min()]
    assert lower_left[0] > 0.8 and upper_left[2] > 0.8
    assert picture[rows.max(), columns.max()][1] > 0.8


def test_nearer_surfaces_hide_farther_ones_whatever_their_order(renderer):
    near = TRIANGLE + np.array([0, 0, 0.5])
    uv = np.repeat([[0.25], [0.75]], 3, axis=0)
    for position, values in (((TRIANGLE, near), uv), ((near, TRIANGLE), uv[::-1])):
        picture = renderer.render_mesh(np.concatenate(position), values, modelview=AHEAD)
        assert picture[20, 15, 0] == pytest.approx(0.75)


def test_both_sides_are_seen_and_the_background_is_as_told(renderer):
    for face in ([0, 1, 2], [0, 2, 1]):
        picture = renderer.render_mesh(
            TRIANGLE, np.ones((3, 2)), face, clear_color=[0.5, -2, 7, 0.25], modelview=AHEAD
        )
        assert np.allclose(picture[20, 15], [1, 1, 0, 1])
        assert np.allclose(picture[0, -1], [0.5, -2, 7, 0.25])


def test_interpolation_is_in_perspective(renderer):
    floor = np.array([[-1, -1, 2], [1, -1, 2], [-1, -1, -40], [1, -1, -40]], float)
    v = np.array([[0.0], [0], [1], [1]])
    picture = renderer.render_mesh(floor, v, [0, 1, 2, 2, 1, 3], modelview=AHEAD)
    column = picture[:, 20]
    row = 20
    height = 2 * (1 - (row + 0.5) / 30) - 1
    distance = 1 / (-height * np.tan(np.radians(20)))
    assert column[row, 0] == pytest.approx((distance - 3) / 42, abs=1e-4)


def test_things_behind_the_eye_and_beyond_the_planes_are_not_seen(renderer):
    for z in (6, 4.995, -200):
        moved = TRIANGLE * 100 + np.array([0, 0, z])
        assert not renderer.render_mesh(moved, np.ones((3, 2)), modelview=AHEAD).any()
    around = np.array([[-1, -1, 9], [1, -1, 9], [0, -1, -9]], float)
    seen = renderer.render_mesh(around, np.ones((3, 2)), modelview=AHEAD)[..., 3]
    assert seen[-1].sum() > 0 and not seen[:15].any()


def test_a_loaded_mesh_is_passed_with_all_it_has(renderer):
    mesh = {"position": TRIANGLE, "uv": np.ones((3, 2)), "face": np.arange(3), "normal": TRIANGLE}
    assert renderer.render_mesh(modelview=AHEAD, **mesh).any()


def test_meshes_that_do_not_fit_together_are_refused(renderer):
    uv = np.ones((3, 2))
    for position, values, face in (
        (TRIANGLE[:, :2], uv, None),
        (TRIANGLE, uv[:2], None),
        (TRIANGLE, np.ones((3, 5)), None),
        (TRIANGLE, uv, [0, 1]),
        (TRIANGLE, uv, [0, 1, 3]),
        (TRIANGLE, uv, [0, 1, -1]),
        (TRIANGLE, uv, [0.0, 1, 2]),
        (TRIANGLE * np.nan, uv, None),
        (TRIANGLE, uv * np.inf, None),
    ):
        with pytest.raises(InvalidValueError):
            renderer.render_mesh(position, values, face)
    with pytest.raises(InvalidTypeError, match="'position' of a mesh is numbers"):
        renderer.render_mesh(TRIANGLE.astype(str), uv)
    for wrong in (np.eye(3), np.full((4, 4), np.nan)):
        with pytest.raises(InvalidValueError, match=r"modelview is finite numbers \[4, 4\]"):
            renderer.render_mesh(TRIANGLE, uv, modelview=wrong)
    with pytest.raises(InvalidValueError, match=r"clear_color is finite numbers \[4\]"):
        renderer.render_mesh(TRIANGLE, uv, clear_color=(0, 1))
    with pytest.raises(InvalidTypeError, match="clear_color is numbers"):
        renderer.render_mesh(TRIANGLE, uv, clear_color="red")
    with pytest.raises(InvalidValueError, match="at least one pixel"):
        MeshRenderer((0, 3))


@pytest.mark.parametrize("eye", [[1, 2, 6], [0.1, 0.1, 0.1]])
def test_numpy_draws_what_opengl_draws(request, eye):
    rng = np.random.default_rng(0)
    position, uv = rng.normal(0, 0.4, (90, 3)), rng.random((90, 3))
    pictures = [
        make(by, request).render_mesh(position, uv, modelview=meshutil.lookat(eye))
        for by in ("opengl", "numpy")
    ]
    differ = np.abs(pictures[0] - pictures[1]).max(-1) > 1e-3
    assert pictures[0][..., 3].sum() > 50 and differ.mean() < 0.002


def test_opengl_can_be_used_directly(context):
    from OpenGL import GL as gl

    gl.glClearColor(0.2, 0.4, 0.6, 1)
    gl.glClear(gl.GL_COLOR_BUFFER_BIT)
    pixels = np.frombuffer(gl.glReadPixels(0, 0, 64, 48, gl.GL_RGB, gl.GL_UNSIGNED_BYTE), np.uint8)
    assert np.array_equal(pixels.reshape(-1, 3), np.tile([51, 102, 153], (64 * 48, 1)))


def test_shaders_are_bound_and_errors_in_them_told(context):
    with pytest.raises(InvalidValueError, match="syntax error"):
        Shader("#version 330\nvoid main() { nonsense }", "#version 330\nvoid main() {}")
    vertex = "#version 330\nuniform vec4 at;\nvoid main() { gl_Position = at; }"
    shader = Shader(vertex, "#version 330\nout vec4 c;\nvoid main() { c = vec4(1); }")
    assert shader["at"] >= 0 and shader["nothing"] == -1
    with shader as bound:
        assert bound is shader


WITHOUT = """
import sys, warnings
sys.modules["OpenGL"] = None
from lucidx.misc.gl import glcontext, glrenderer
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    glcontext.create_opengl_context()
assert "lucidx[gl]" in str(caught[-1].message), caught
picture = glrenderer.MeshRenderer((8, 6)).render_mesh(
    [[-9, -9, -9], [9, -9, -9], [0, 9, -9]], [[1, 1]] * 3
)
assert picture[..., 3].all()
"""


def test_without_pyopengl_meshes_are_rendered_all_the_same():
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


WITH_TENSORFLOW = """
{first}
from lucidx.misc.gl import glcontext, glrenderer
glcontext.create_opengl_context()
assert glrenderer.MeshRenderer((8, 6)).render_mesh(
    [[-9, -9, -9], [9, -9, -9], [0, 9, -9]], [[1, 1]] * 3
).any()
import tensorflow as tf
print(tf.reduce_sum(tf.ones(3)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["", "import tensorflow", "import OpenGL.GL"])
@pytest.mark.parametrize("platform", ["egl", "osmesa"])
def test_opengl_and_tensorflow_get_along_until_the_end(context, monkeypatch, platform, first):
    import ctypes.util

    if not ctypes.util.find_library({"egl": "EGL", "osmesa": "OSMesa"}[platform]):
        pytest.skip(f"There is no library of {platform}.")
    if platform == "osmesa" and "OpenGL" in first:
        pytest.skip("OSMesa is loaded by PyOpenGL before lucidx can tell it how.")
    monkeypatch.setenv("PYOPENGL_PLATFORM", platform)
    subprocess.run([sys.executable, "-c", WITH_TENSORFLOW.format(first=first)], check=True)
