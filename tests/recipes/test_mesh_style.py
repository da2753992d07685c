import interrupting
import meshes
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_images
from tiny_network import make_model

from lucidx.errors import InvalidTypeError, InvalidValueError, UnknownLayerError
from lucidx.misc.gl import meshutil
from lucidx.misc.gl.glrenderer import MeshRenderer
from lucidx.optvis import objectives
from lucidx.recipes.mesh_style import (
    mesh_document,
    mesh_feature,
    mesh_style_transfer,
    mesh_texture,
    painted,
    turntable,
)
from lucidx.recipes.style_transfer import styles_of

SIDES = [[3, 2, 10], [-9, 5, 1], [2, -8, -7]]  # none of which the recipe drew
STYLE_LAYERS = ["block2b/expand", "block3a/depthwise", "input"]
CONTENT_LAYER = "block3b/expand"
QUICK = {"size": 32, "steps": 3, "progress": False}


def seen(mesh, texture, side=224, fovy=10):
    """Pictures of the mesh from some sides."""
    renderer = MeshRenderer((side, side))
    renderer.fovy = fovy
    shape = meshutil.normalize_mesh(mesh)
    views = [renderer.render_mesh(**shape, modelview=meshutil.lookat(eye)) for eye in SIDES]
    return painted(tf.constant(texture, tf.float32), tf.constant(np.stack(views))).numpy()


def apart(a, b):
    return np.abs(a - b).mean() / np.abs(b).mean()


def style_apart(model, texture, mesh, style, layers):
    """Mean relative distance of Gram matrices, of parts of the mesh without background."""
    targets = styles_of(model, style, layers)
    views = seen(mesh, texture, fovy=10)[:, 132:196, 80:144]
    grams = [styles_of(model, np.ascontiguousarray(view), layers) for view in views]
    return np.mean([apart(gram[name], targets[name]) for gram in grams for name in layers])


@pytest.fixture(scope="module")
def torus():
    return meshes.torus()


@pytest.fixture(scope="module")
def pictures():
    china, flower = (np.float32(image / 255) for image in load_sample_images().images)
    return china[24:408:6, 40:520:6], flower[60:360:3, 150:450:3]


@pytest.fixture
def plain():
    """One colour, which is not that of the background."""
    return np.broadcast_to(np.float32([0.6, 0.48, 0.42]), (24, 24, 3))


def test_a_feature_rises_on_each_side(tiny, torus):
    noise, made = (
        mesh_feature(tiny, torus, "high:3", **{**QUICK, "steps": steps}) for steps in (1, 30)
    )
    before, after = (tiny.activations(seen(torus, t, 24), "high") for t in (noise, made))
    rise = after[..., 3].mean((1, 2)) - before[..., 3].mean((1, 2))
    assert rise.min() > 0.3 * before.std()


@pytest.mark.slow
def test_a_network_sees_its_feature_from_all_sides(efficientnet, torus):
    layer, channel = "block5c/output", 3
    noise, made = (
        mesh_feature(efficientnet, torus, f"{layer}:{channel}", size=128, steps=n, progress=False)
        for n in (1, 18)
    )
    assert made.shape == (128, 128, 3) and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    before, after = (efficientnet.activations(seen(torus, t), layer) for t in (noise, made))
    rise = after[..., channel].mean((1, 2)) - before[..., channel].mean((1, 2))
    assert rise.min() > 0.3 * before.std()


@pytest.mark.slow
def test_a_mesh_gets_the_style_and_keeps_its_content(efficientnet, torus, pictures):
    china, flower = pictures
    options = {"style_layers": STYLE_LAYERS, "steps": 30, "progress": False, "size": 128}
    made, free = (
        mesh_style_transfer(
            efficientnet, torus, china, flower, content_weight=weight,
            content_layers=CONTENT_LAYER, **options,
        )
        for weight in (1, 0)
    )  # fmt: skip
    assert made.shape == (102, 128, 3)
    acts = [
        efficientnet.activations(seen(torus, texture), CONTENT_LAYER)
        for texture in (china, made, free)
    ]
    assert apart(acts[1], acts[0]) < 0.85 * apart(acts[2], acts[0])
    grey = np.full([8, 8, 3], 0.5, np.float32)
    distances = [
        style_apart(efficientnet, texture, torus, flower, STYLE_LAYERS[:2])
        for texture in (grey, made, free)
    ]
    assert distances[2] < distances[1] < 0.9 * distances[0]


def test_the_background_does_not_count_in_the_style(tiny, torus):
    dark = np.full([24, 24, 3], 0.35)  # which before grey only black would make as dark as that
    made = mesh_texture(tiny, torus, dark, layers="input", size=32, steps=250, progress=False)
    np.testing.assert_allclose(made.mean((0, 1)), 0.35, atol=0.03)


def test_without_weight_of_the_style_the_mesh_looks_as_it_did(tiny, torus, photo):
    made = mesh_style_transfer(
        tiny, torus, photo, photo, content_layers="input", style_weight=0, size=32, steps=250,
        progress=False,
    )  # fmt: skip
    assert made.shape == (24, 32, 3)
    before, after, grey = (seen(torus, t, 48) for t in (photo, made, np.full([2, 2, 3], 0.5)))
    assert np.abs(after - before).mean() < 0.3 * np.abs(grey - before).mean()


def test_textures_are_upright_on_the_mesh():
    texture = np.random.default_rng(0).uniform(size=[8, 8, 3]).astype(np.float32)
    renderer = MeshRenderer((8, 8))
    renderer.fovy = 2 * np.degrees(np.arctan(0.1))  # just covers the square
    square = meshes.square()
    view = renderer.render_mesh(**square, modelview=meshutil.lookat([0, 0, 10]))
    picture = painted(tf.constant(texture), tf.constant(view[np.newaxis]))
    np.testing.assert_allclose(picture[0], texture, atol=1e-4)


def test_turntables_begin_in_front_and_go_around(torus):
    texture = np.zeros([4, 4, 3], np.float32)
    texture[:, :2] = [1, 0, 0]  # half of the ring
    frames = list(turntable(torus, texture, frames=4, size=40))
    assert len(frames) == 4 and all(frame.shape == (40, 40, 3) for frame in frames)
    assert all(np.all(frame[0, 0] == 1) for frame in frames)
    red = [(frame[..., 0] - frame[..., 1] > 0.9) for frame in frames]
    assert red[1].sum() > 3 * red[3].sum()
    assert red[0][:, 20:].sum() > 3 * red[0][:, :20].sum()
    assert red[2][:, :20].sum() > 3 * red[2][:, 20:].sum()


def test_meshes_of_any_size_and_place_are_the_same(tiny, torus, plain):
    moved = {**torus, "position": 700 * torus["position"] + [10, -5, 3]}
    one, other = (mesh_texture(tiny, mesh, plain, **QUICK) for mesh in (torus, moved))
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_models_of_one_size_and_other_channels(torus):
    model = make_model(24, 24, channels=5, flat=True)
    own = np.random.default_rng(0).uniform(size=[20, 10, 5])
    assert mesh_feature(model, torus, "scores:2", **QUICK).shape == (32, 32, 5)
    assert mesh_style_transfer(model, torus, own, own, **QUICK).shape == (32, 16, 5)


def test_the_same_seed_gives_the_same_texture(tiny, torus):
    first, again, other = (
        mesh_feature(tiny, torus, "high:3", seed=seed, **QUICK) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.001


def test_interrupted_there_is_the_texture_so_far(tiny, torus):
    goal = objectives.channel("high", 3)
    whole = mesh_feature(tiny, torus, goal, **{**QUICK, "steps": 9})
    stopping = interrupting.after(4, goal)
    made = mesh_feature(tiny, torus, stopping, **{**QUICK, "steps": 10**6})
    assert made.shape == (32, 32, 3)
    assert 0 < made.std() < whole.std()


def test_it_works_while_a_graph_is_being_built(tiny, torus, plain):
    outside = mesh_texture(tiny, torus, plain, **QUICK)
    with tf.Graph().as_default():
        np.testing.assert_array_equal(mesh_texture(tiny, torus, plain, **QUICK), outside)


def test_pages_show_the_mesh_in_a_browser(browser, torus, tmp_path):
    texture = np.zeros([4, 4, 3], np.float32)
    texture[..., 0] = 1
    path = tmp_path / "page.html"
    path.write_text(mesh_document(torus, texture, "<b>ring</b>"), encoding="utf-8")
    page = browser.new_page(viewport={"width": 500, "height": 500})
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    page.frame_locator("iframe").locator("html[data-ready]").wait_for(state="attached")
    assert page.title() == "<b>ring</b>"
    assert wrong == []
    page.close()


WITHOUT_UV = {key: meshes.square()[key] for key in ("position", "face")}
WRONG = {
    "no such layer": ({"objective": "hihg:3"}, UnknownLayerError, "high"),
    "no channel": ({"objective": "high:12"}, InvalidValueError, "12"),
    "not a mesh": ({"mesh": "bunny.obj"}, InvalidTypeError, "dict"),
    "not unwrapped": ({"mesh": WITHOUT_UV}, InvalidValueError, "uv"),
    "no room": (
        {"mesh": {**WITHOUT_UV, "uv": np.zeros([4, 2])}},
        InvalidValueError,
        "unwrap",
    ),
    "a point": (
        {"mesh": {**meshes.square(), "position": np.ones([4, 3])}},
        InvalidValueError,
        "one point",
    ),
    "no size": ({"size": 1}, InvalidValueError, "size"),
    "no steps": ({"steps": 0}, InvalidValueError, "steps"),
    "no seed": ({"seed": -1}, InvalidValueError, "seed"),
    "not a model": ({"model": "InceptionV1"}, InvalidTypeError, "lucidx.load"),
}


@pytest.mark.parametrize(("change", "error", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_refused(tiny, torus, change, error, says):
    with pytest.raises(error, match=says):
        mesh_feature(
            **{"model": tiny, "mesh": torus, "objective": objectives.channel("high", 3)}
            | QUICK
            | change
        )


def test_pictures_that_are_none_are_refused(tiny, torus, plain):
    with pytest.raises(InvalidValueError, match=r"0\.\.1"):
        mesh_texture(tiny, torus, 200 * plain, **QUICK)
    with pytest.raises(InvalidValueError, match="style_size"):
        mesh_texture(tiny, torus, plain, style_size=0, **QUICK)
    with pytest.raises(InvalidValueError, match=r"images\[\.\.\., :3\]"):
        mesh_style_transfer(tiny, torus, np.zeros([8, 8, 4]), plain, **QUICK)
    with pytest.raises(InvalidValueError, match="both weights"):
        mesh_style_transfer(
            tiny, torus, plain, plain, content_weight=0, style_weight=0, **QUICK
        )  # fmt: skip
