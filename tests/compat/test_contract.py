"""What the original's own tests asserted of the rest, by lucidx's own name and through compat.

Every test runs twice: with `lucidx` and TensorFlow 2's `tf.compat.v1`, and with `lucid` and the
TensorFlow 1 that compat shows.
"""

import io
import os
import types
import warnings

import numpy as np
import pytest

# Small modules


def test_pytest_is_no_notebook(library):
    assert library("misc.environment").is_notebook_environment() is False


def test_the_channel_reducer_reduces_the_last_axis(library):
    array = np.stack([np.eye(10)] * 10, axis=-1)
    reduced = library("misc.channel_reducer").ChannelReducer(2, init="nndsvd").fit_transform(array)
    assert reduced.shape == (10, 10, 2)
    assert reduced[..., 1].sum() == pytest.approx(0, abs=1e-5)


def test_resizing_to_the_same_size_does_nothing(library):
    nd = library("misc.ndimage_utils")
    image = np.random.default_rng(0).random((12, 16, 3))
    assert nd.resize(image, (6, 8)).shape == (6, 8, 3)
    assert nd.resize(image, (12, 16)) is image


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_compositing_reaches_every_corner(library, corner):
    nd = library("misc.ndimage_utils")
    out = nd.composite(
        np.zeros((32, 32, 3)), np.ones((8, 8, 3)), foreground_position=tuple(map(float, corner))
    )
    row, column = (-1 if end else 0 for end in corner)
    assert out.shape == (32, 32, 3)
    assert out[row, column].min() > 0.99 and out[16, 16].max() == 0


# Meshes and OpenGL

OBJ = """
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vn 0 0 1
vn 0 1 0
f 1/1/1 2/2/1 3/3/1 4/1/1
f 2//2 3//2 4//2
f 1 2 3
"""


def test_faces_in_three_styles_have_the_vertices_they_name(library):
    mesh = library("misc.gl.meshutil").load_obj(io.StringIO(OBJ))
    # A corner that names something else is another vertex; a square is two triangles.
    assert mesh["position"].shape == mesh["normal"].shape == (10, 3)
    assert mesh["uv"].shape == (10, 2)
    assert mesh["face"].tolist() == [0, 1, 2, 0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert mesh["position"][[0, 7]].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert mesh["normal"][[0, 4, 7]].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_a_normalized_mesh_lies_within_one(library):
    meshutil = library("misc.gl.meshutil")
    mesh = meshutil.load_obj(io.StringIO(OBJ))
    position = meshutil.normalize_mesh(mesh)["position"]
    assert (position.min(0).tolist(), position.max(0).tolist()) == ([-1, -1, 0], [1, 1, 0])


def test_matrices_of_cameras_are_the_originals(library):
    meshutil = library("misc.gl.meshutil")
    wanted = [[0.5, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1.002, -1], [0, 0, -0.2002, 0]]
    np.testing.assert_allclose(meshutil.perspective(90, 2, 0.1, 100), wanted, atol=1e-5)
    view = meshutil.lookat([0, 0, 3])
    np.testing.assert_allclose(view, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -3], [0, 0, 0, 1]])
    ahead = meshutil.homotrans(view, [[0, 0, 3], [0, 0, 0]])
    np.testing.assert_allclose(ahead, [[0, 0, 0], [0, 0, -3]])
    np.random.seed(0)  # noqa: NPY002
    drawn = meshutil.homotrans(meshutil.sample_view(2, 5), [0, 0, 0])
    assert np.allclose(drawn[:2], 0, atol=1e-5) and -5 <= drawn[2] <= -2


@pytest.fixture
def opengl(library):
    """OpenGL, drawing on 100 x 100 pixels."""
    context = library("misc.gl.glcontext")  # which PyOpenGL has to come after
    pytest.importorskip("OpenGL", reason="needs PyOpenGL: pip install 'lucidx[gl]'")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        context.create_opengl_context((100, 100))
    missing = [str(each.message) for each in caught if each.category is context.NoOpenGLWarning]
    if missing:
        pytest.skip(missing[0])
    from OpenGL import GL

    return GL


def test_opengl_draws_a_triangle_with_coloured_corners(opengl):
    opengl.glClearColor(0, 0, 0, 1)
    opengl.glClear(opengl.GL_COLOR_BUFFER_BIT)
    opengl.glBegin(opengl.GL_TRIANGLES)
    for x, y, color in [(-1, -1, (1, 0, 0)), (1, -1, (0, 1, 0)), (-1, 1, (0, 0, 1))]:
        opengl.glColor3f(*color)
        opengl.glVertex2f(x, y)
    opengl.glEnd()
    data = opengl.glReadPixels(0, 0, 100, 100, opengl.GL_RGB, opengl.GL_UNSIGNED_BYTE)
    pixels = np.frombuffer(data, np.uint8).reshape(100, 100, 3)  # from the lowest row up
    for row, column, color in [(0, 0, 0), (0, 98, 1), (98, 0, 2)]:
        assert pixels[row, column].argmax() == color and pixels[row, column].max() > 245
    assert not pixels[-1, -1].any()


@pytest.mark.parametrize("by", ["opengl", "numpy"])
def test_a_renderer_interpolates_colors_that_add_up_to_alpha(library, request, monkeypatch, by):
    if by == "opengl":
        request.getfixturevalue("opengl")
    else:
        monkeypatch.setattr(library("misc.gl.glcontext"), "has_context", lambda: False)
    renderer = library("misc.gl.glrenderer").MeshRenderer((64, 48))
    renderer.fovy = 90
    corners = np.array([[-1, -1, 0], [1, -1, 0], [0, 1, 0]], np.float32)
    view = library("misc.gl.meshutil").lookat([0, 0, 1.5])
    image = renderer.render_mesh(corners, np.eye(3, dtype=np.float32), modelview=view)
    assert image.shape == (48, 64, 4)
    assert set(np.unique(image[..., 3])) == {0, 1}
    np.testing.assert_allclose(image[..., :3].sum(-1), image[..., 3], atol=1e-5)
    rows, columns = np.nonzero(image[..., 3])
    assert image[rows.min(), columns[rows.argmin()], :3].argmax() == 2


# The model zoo


def test_layers_before_the_relu_are_there(library, tf, session, inception_v1):
    image = tf.zeros([1, 64, 64, 3])
    T = library("optvis.render").import_model(inception_v1, image, image)
    blocks = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    shapes = {(T(f"mixed{b}").shape[-1], T(f"mixed{b}_pre_relu").shape[-1]) for b in blocks}
    assert all(before == after for before, after in shapes)


def test_models_are_made_by_name(library):
    nets = library("modelzoo.nets_factory")
    models = library("modelzoo.vision_models")
    assert isinstance(nets.get_model("InceptionV1"), models.InceptionV1)
    assert len(nets.models_map) >= 31
    with pytest.raises(ValueError, match="InceptionV1"):
        nets.get_model("InceptionV")
    for name in ("IMAGENET_MEAN", "absolute_import"):
        assert name not in dir(models)


@pytest.fixture
def saved(library, tf, tmp_path):
    """Path of a model saved from a session, and the graph."""
    Model = library("modelzoo.vision_base").Model
    path = str(tmp_path / "model.pb")
    with tf.Graph().as_default() as graph, tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, 7, 9, 3], "input_image")
        kernel = tf.get_variable("kernel", [3, 3, 3, 4])
        logits = tf.reduce_mean(tf.nn.conv2d(images, kernel, 1, "SAME"), [1, 2])
        tf.nn.softmax(logits, name="probabilities")
        session.run(tf.global_variables_initializer())
        Model.save(path, "input_image", ["probabilities"], [7, 9, 3], [0, 1])
    return types.SimpleNamespace(path=path, graph_def=graph.as_graph_def())


def test_a_saved_model_is_loaded(library, saved):
    model = library("modelzoo.vision_base").Model.load(saved.path)
    assert tuple(model.image_shape) == (7, 9, 3) and model.input_name == "input_image"
    with library("misc.io").io_scope(os.path.dirname(saved.path)):
        assert library("modelzoo.vision_base").Model.load("model.pb") == model
    shown = repr(model.graph_def)
    assert all(f"size: {size}" in shown for size in (7, 9, 3))


def test_save_arguments_are_suggested(library, saved, capsys):
    suggested = library("modelzoo.vision_base").Model.suggest_save_args(saved.graph_def)
    assert suggested["input_name"] == "input_image"
    assert list(suggested["image_shape"]) == [7, 9, 3]
    assert suggested["output_names"] == ["probabilities"]
    said = capsys.readouterr().out
    assert all(name in said for name in suggested)


def test_suggested_arguments_can_be_used_to_save(library, tf, tmp_path):
    Model = library("modelzoo.vision_base").Model
    path = str(tmp_path / "again.pb")
    with tf.Graph().as_default(), tf.Session():
        images = tf.placeholder(tf.float32, [None, 7, 9, 3], "input_image")
        tf.nn.softmax(tf.reduce_mean(images, [1, 2]), name="probabilities")
        suggested = Model.suggest_save_args()
        suggested["image_value_range"] = [0, 1]
        Model.save(path, **suggested)
    model = Model.load(path)
    assert (model.input_name, list(model.image_shape)) == ("input_image", [7, 9, 3])


def test_suggestions_look_behind_bytes(library, tf):
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, 8, 8, 3], "bytes")
        floats = tf.truediv(tf.cast(images, tf.int32), tf.constant(255), name="divide")
        tf.nn.softmax(tf.reduce_mean(floats, [1, 2]), name="probabilities")
    suggested = library("modelzoo.vision_base").Model.suggest_save_args(graph.as_graph_def())
    assert suggested["input_name"].startswith("divide")
    assert suggested["image_value_range"] == (0, 1)


# The placeholders of the real networks leave the size open, so its suggestion is a warning.
@pytest.mark.parametrize("name", ["inception_v1", "inception_v1_caffe", "efficientnet"])
def test_suggestions_know_existing_graphs(library, request, name):
    model = request.getfixturevalue(name)
    with pytest.warns(UserWarning, match="shape"):
        suggested = library("modelzoo.vision_base").Model.suggest_save_args(model.graph_def)
    assert suggested["input_name"] == model.input_name
    assert suggested["image_shape"] is None
    ops = {node.name: node.op for node in model.graph_def.node}
    assert {ops[name] for name in suggested["output_names"]} == {"Softmax"}


def test_suggestions_know_the_shape_of_a_model_that_says_it(library, saved):
    model = library("modelzoo.vision_base").Model.load(saved.path)
    suggested = type(model).suggest_save_args(model.graph_def)
    assert suggested["input_name"] == model.input_name
    assert list(suggested["image_shape"]) == list(model.image_shape)


# Recipes


def test_interpolations_have_a_basis(library, tf, session):
    params = library("recipes.image_interpolation_params")
    assert params.multi_interpolation_basis() is not None
