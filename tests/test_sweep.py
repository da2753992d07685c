"""Sweeps of small models, drawn in this process unless it matters where."""

import csv
import dataclasses
import json
import resource
import shutil

import filelock
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images
from small_classifier import write

import lucidx
from lucidx.errors import (
    ChangedFileError,
    CorruptFileError,
    DiagnosisWarning,
    InvalidTypeError,
    InvalidValueError,
    UnknownLayerError,
)
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import ascent, param, transform
from lucidx.optvis.render import render_vis
from lucidx.sweep import drawing, gallery, plan, store, sweep

SETTINGS = {"layers": "high", "size": 16, "steps": 20, "batch": 3, "engine": "sequential"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return lucidx.load(write(str(tmp_path_factory.mktemp("model") / "small.pb")))


@pytest.fixture(scope="module")
def finished(model, tmp_path_factory):
    """A sweep that nothing has disturbed; not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "sweep"
    return sweep(model, out, **SETTINGS)


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished.path, tmp_path / "sweep")


def contents(out):
    """All files that depend on the plan only."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "done" not in path.parts and path.name != ".lock"
    }


def rows(out):
    with open(out / "index.csv", newline="") as file:
        return list(csv.DictReader(file))


def pixels(path):
    return np.asarray(Image.open(path))


def graph_model(build, size=16, depth=3, **options):
    """Model of a graph that has no file, with layers that are made of the images `t`."""
    with tf.Graph().as_default() as graph:
        build(tf.compat.v1.placeholder(tf.float32, [None, size, size, depth], "images"))
    return Model.from_graphdef(
        graph.as_graph_def(), "images", (0, 1), (size, size, depth), **options
    )


def test_every_channel_has_a_picture_a_row_and_a_place_in_its_sprite(finished):
    found = rows(finished.path)
    assert [(row["layer"], int(row["channel"])) for row in found] == [("high", c) for c in range(8)]
    assert not finished.failed
    for row, picture in zip(found, finished.pictures, strict=True):
        assert row["file"] == picture.file and float(row["objective"]) == picture.objective
        drawn = pixels(finished.path / row["file"])
        assert drawn.shape == (16, 16, 3)
        x, y = int(row["x"]), int(row["y"])
        sheet = pixels(finished.path / row["sprite"])
        np.testing.assert_array_equal(sheet[y : y + 16, x : x + 16], drawn)


def test_the_objective_is_the_mean_activation_of_the_picture_in_the_file(finished, model):
    for row in rows(finished.path)[::3]:
        image = pixels(finished.path / row["file"])[None]
        acts = model.activations(image, row["layer"])
        mean = acts[..., int(row["channel"])].mean()
        assert float(row["objective"]) == pytest.approx(mean, rel=1e-4)


def test_pictures_are_as_exciting_as_those_of_render_vis(finished, model):
    for picture in finished.pictures[3::4]:
        image = render_vis(
            model,
            f"{picture.layer}:{picture.channel}",
            lambda: param.image(16),
            transforms=[*transform.standard_transforms, transform.crop_or_pad_to(16, 16)],
            thresholds=(19,),
            verbose=False,
            seed=1,
        )[-1]
        usual = model.activations(image, picture.layer)[..., picture.channel].mean()
        assert picture.objective > 0.9 * usual


def test_what_is_whole_is_not_drawn_again(copied, model):
    before = {path: path.stat().st_mtime_ns for path in (copied / "images").rglob("*.png")}
    again = sweep(model, copied, **SETTINGS)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(again.pictures) == 8


def test_a_model_in_another_object_is_the_same_model(copied, model):
    assert len(sweep(lucidx.load(model.model_path), copied, **SETTINGS).pictures)


def _before_the_record(out):
    (out / "done/high-0001.json").unlink()
    (out / "images/high/5.png").unlink()


def _while_writing_a_picture(out):
    _before_the_record(out)
    content = (out / "images/high/4.png").read_bytes()
    (out / "images/high/4.png").unlink()
    (out / "images/high/.4.png.0123.part.png").write_bytes(content[:50])


def _before_the_first_batch(out):
    for name in ("images", "done", "sprites"):
        shutil.rmtree(out / name)
    (out / ".index.csv.0123.part.csv").write_bytes(b"layer,")


@pytest.mark.parametrize(
    "moment", [_before_the_record, _while_writing_a_picture, _before_the_first_batch]
)
def test_what_a_kill_leaves_becomes_what_an_undisturbed_run_makes(moment, finished, copied, model):
    for name in ("index.csv", "index.html"):
        (copied / name).unlink()
    moment(copied)
    sweep(model, copied, **SETTINGS)
    assert contents(copied) == contents(finished.path)


@pytest.mark.parametrize(
    ("file", "damage"), [("images/high/2.png", b"half"), ("done/high-0000.json", b"")]
)
def test_what_was_damaged_is_drawn_again(file, damage, finished, copied, model):
    (copied / file).write_bytes(damage)
    sweep(model, copied, **SETTINGS)
    assert contents(copied) == contents(finished.path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps": 21}, "a sweep with steps 20; it is 21 now"),
        ({"seed": 1}, "a sweep with seed 0; it is 1 now"),
        ({"channels": [1]}, "a sweep with channels all; it is 1 now"),
        ({"layers": "high,low"}, "a sweep with layers high; it is high, low now"),
        ({"batch": 4}, "a sweep with batch 3; it is 4 now"),
    ],
)
def test_other_settings_are_refused(changed, said, finished, model):
    with pytest.raises(InvalidValueError, match=said):
        sweep(model, finished.path, **{**SETTINGS, **changed})


def test_another_model_is_refused(finished, tmp_path):
    other = lucidx.load(write(str(tmp_path / "other.pb"), size=16))
    with pytest.raises(InvalidValueError, match=r"a sweep of the model small .*; it is small"):
        sweep(other, finished.path, **SETTINGS)


def test_a_directory_with_other_files_is_refused(model, tmp_path):
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(InvalidValueError, match=r"holds other files \(thesis\.txt\)"):
        sweep(model, tmp_path, **SETTINGS)


def test_a_second_process_is_refused(copied, model):
    with (
        filelock.FileLock(copied / ".lock"),
        pytest.raises(InvalidValueError, match="Another process is sweeping into"),
    ):
        sweep(model, copied, **SETTINGS)


def _outside(content):
    content["layers"][0]["directory"] = "../../outside"


def _more_channels(content):
    content["layers"][0]["channels"].append(3)


def _no_channels(content):
    content["layers"][0]["channels"] = "all"


@pytest.mark.parametrize("change", [_outside, _more_channels, _no_channels])
def test_a_changed_plan_is_refused(change, copied, model):
    content = json.loads((copied / "sweep.json").read_bytes())
    change(content)
    (copied / "sweep.json").write_text(json.dumps(content))
    with pytest.raises(CorruptFileError, match=r"sweep\.json is damaged"):
        sweep(model, copied, **SETTINGS)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"layers": 3}', "[" * 10**5])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(CorruptFileError):
        plan.from_json(text, "sweep.json")


def planned(model, layers, channels="all"):
    settings = plan.settings_of(model, layers, channels, None, None, 16, 1, 0, 2)
    return plan.make(model, settings)


@pytest.mark.parametrize(
    ("layers", "drawn"),
    [
        ("h*,low", ["high", "low"]),
        (["mean", "mean"], ["mean"]),
        ("images", ["images"]),  # not listed, but there
    ],
)
def test_layers_are_named_by_lists_and_patterns(layers, drawn, model):
    assert [layer.layer for layer in planned(model, layers).layers] == drawn


def test_all_layers_are_those_that_are_listed(model):
    layers = planned(model, "all").layers
    assert [(layer.layer, len(layer.channels)) for layer in layers] == [
        (layer.name, layer.depth) for layer in model.layers
    ]


def test_a_layer_and_channels_can_be_given_as_what_they_are(model):
    (layer,) = planned(model, model.get_layer("high"), np.array([2, 0, 2])).layers
    assert layer.layer == "high" and layer.channels == (2, 0)
    assert planned(model, "high", "2, 0").layers == (layer,)


def test_batches_are_a_part_of_the_plan(model):
    batches = planned(model, "low,high", [3, 1, 0]).batches
    assert [(batch.name, batch.channels) for batch in batches] == [
        ("low-0000", (3, 1)),
        ("low-0001", (0,)),
        ("high-0000", (3, 1)),
        ("high-0001", (0,)),
    ]


def test_batches_of_a_layer_are_about_equal():
    layer = plan.LayerPlan("high", "high", 16, 16, tuple(range(17)))
    settings = {"batch": 16}
    made = plan.Plan({}, settings, (layer,)).batches
    assert [len(batch.channels) for batch in made] == [9, 8]
    assert {batch.filled for batch in made} == {9}


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"layers": "hihg"}, UnknownLayerError, "high"),
        ({"layers": "x*"}, InvalidValueError, r"No layer of small is like 'x\*'"),
        ({"layers": ""}, InvalidValueError, "No layer is named"),
        ({"layers": 3}, InvalidTypeError, "Layers are named"),
        ({"channels": 8}, InvalidValueError, r"has 8 channels \(0 to 7\); asked for 8"),
        ({"channels": "few"}, InvalidValueError, "Channels are 'all'"),
        ({"channels": "top:0"}, InvalidValueError, "Channels are 'all'"),
        ({"channels": []}, InvalidValueError, "No channels are named"),
        ({"channels": 1.5}, InvalidTypeError, "a whole number"),
        ({"channels": -1}, InvalidValueError, "at least 0"),
        ({"channels": "top:2"}, InvalidValueError, "say which, as images"),
        ({"images": "/"}, InvalidValueError, "Pictures are for channels such as 'top:8'"),
        ({"size": 3}, InvalidValueError, "size is at least 16"),
        ({"steps": 0}, InvalidValueError, "steps is at least 1"),
        ({"seed": 2**63}, InvalidValueError, "less than"),
        ({"batch": 0}, InvalidValueError, "batch is at least 1"),
        ({"engine": "lokky"}, InvalidValueError, "loky"),
    ],
)
def test_impossible_requests_are_refused_and_leave_nothing(wrong, error, said, model, tmp_path):
    out = tmp_path / "sweep"
    with pytest.raises(error, match=said):
        sweep(model, out, **{**SETTINGS, **wrong})
    assert not out.exists() or not [path for path in out.iterdir() if path.name != ".lock"]


def test_the_most_active_channels_are_those_of_the_pictures(model, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    small = [Image.fromarray(image).resize((24, 24)) for image in load_sample_images().images]
    for n, image in enumerate(small):
        image.save(photos / f"{n}.png")
    (photos / "broken.png").write_bytes(b"broken")
    settings = {**SETTINGS, "steps": 1, "channels": "top:3", "images": photos}
    with pytest.warns(DiagnosisWarning, match="1 of 3 pictures cannot be read"):
        swept = sweep(model, tmp_path / "sweep", **settings)
    acts = model.activations(np.stack([np.asarray(image) for image in small]), "high")
    expected = np.argsort(-acts.mean((0, 1, 2)))[:3]
    assert [picture.channel for picture in swept.pictures] == expected.tolist()
    small[0].save(photos / "third.png")
    with pytest.raises(InvalidValueError, match="images"):
        sweep(model, tmp_path / "sweep", **settings)


def odd_channels(images):
    """Layer "odd": a channel that works, one that is dead, one that is nothing but NaN."""
    brightness = tf.reduce_mean(images, -1, keepdims=True)
    dead, nan = tf.nn.relu(brightness * 0 - 1), tf.sqrt(brightness - 10)
    tf.concat([brightness, dead, nan], -1, "odd")


def test_a_batch_that_fails_does_not_stop_the_others(tmp_path):
    odd = graph_model(odd_channels, name="odd one")
    settings = {**SETTINGS, "batch": 1, "layers": "odd"}
    for _ in range(2):  # it is tried again
        swept = sweep(odd, tmp_path / "sweep", **settings)
        assert [picture.channel for picture in swept.pictures] == [0, 1]
        assert [picture.dead for picture in swept.pictures] == [False, True]
        assert list(swept.failed) == ["odd-0002"] and "not finite" in swept.failed["odd-0002"]
        page = (swept.path / "index.html").read_text()
        assert "2 of 3 pictures" in page and "odd-0002" in page and "not finite" in page
        assert json.loads((swept.path / "failed/odd-0002.json").read_bytes())["channels"] == [2]
    # The sprite has white where there is no picture.
    sheet = pixels(swept.path / "sprites/odd.png")
    assert (sheet[16:, :16] == 255).all() and (sheet[:16] < 255).any()


def test_a_layer_that_cannot_be_computed_does_not_stop_the_others(tmp_path):
    def fussy(images):
        tf.identity(images, "good")
        tf.reshape(images, [1, 16, 16, 3], "traced")  # a batch of one only
        one = tf.cast(tf.reduce_max(images) * 0 + 1, tf.int32)
        tf.ensure_shape(tf.reshape(images, [one, 16, 16, 3]), [None, 16, 16, 3], "run")

    model = graph_model(fussy)
    swept = sweep(model, tmp_path / "sweep", **{**SETTINGS, "layers": "traced,run,good"})
    assert [picture.layer for picture in swept.pictures] == ["good"] * 3
    assert list(swept.failed) == ["traced-0000", "run-0000"]
    page = (swept.path / "index.html").read_text()
    for name, reason in swept.failed.items():
        assert len(reason) <= 500 and name in page
    assert swept.failed["traced-0000"].startswith("ValueError: ")


def test_a_model_file_that_was_replaced_is_another_model(tmp_path):
    def as_it_is(images):
        tf.identity(images, "shown")

    def inverted(images):
        tf.subtract(1.0, images, "shown")

    def drawn(build, file, out):
        graph_model(build).export(tmp_path / file)
        settings = {**SETTINGS, "layers": "shown", "channels": 0}
        swept = sweep(Model.load(tmp_path / file), tmp_path / out, **settings)
        return pixels(swept.path / swept.pictures[0].file)

    before = drawn(as_it_is, "model.pb", "before")
    after = drawn(inverted, "model.pb", "after")
    assert (after != before).any()
    np.testing.assert_array_equal(after, drawn(inverted, "elsewhere.pb", "elsewhere"))


def test_sprites_of_large_pictures_are_small(tmp_path):
    def blurred(images):
        tf.nn.avg_pool2d(images, 3, 1, "SAME", name="blurred")

    settings = {**SETTINGS, "layers": "blurred", "size": 300, "steps": 1}
    swept = sweep(graph_model(blurred, None), tmp_path / "sweep", **settings)
    sheet = pixels(swept.path / "sprites/blurred.png")
    assert sheet.shape == (256, 256, 3)
    for row in rows(swept.path):
        x, y, width, height = (int(row[key]) for key in ("x", "y", "width", "height"))
        assert (width, height) == (128, 128)
        cell = sheet[y : y + height, x : x + width].astype(float)
        drawn = pixels(swept.path / row["file"])
        assert drawn.shape == (300, 300, 3)
        np.testing.assert_allclose(cell.mean((0, 1)), drawn.mean((0, 1)), atol=1)
    assert (sheet[128:, 128:] == 255).all()


def test_the_sprite_of_oblong_pictures_keeps_their_shape():
    layer = plan.LayerPlan("wide", "wide", 512, 100, tuple(range(7)))
    boxes = list(store._places(layer).values())
    assert {box[2:] for box in boxes} == {(128, 25)}
    assert boxes[0][:2] == (0, 0) and len(set(boxes)) == 7


def test_the_sprite_of_tens_of_thousands_can_still_be_looked_at():
    for width, height in ((128, 128), (512, 100), (90, 400)):
        layer = plan.LayerPlan("wide", "wide", width, height, tuple(range(20_000)))
        boxes = np.array([*store._places(layer).values()])
        assert 3000 < (boxes[:, :2] + boxes[:, 2:]).max() <= 8192 + 128


def test_index_and_page_do_not_wait_for_sprites(finished, copied, model):
    shutil.rmtree(copied / "sprites")
    (copied / "sprites").touch()  # no sprite can be written
    for name in ("index.csv", "index.html"):
        (copied / name).unlink()
    with pytest.raises(OSError, match="what is done stays"):
        sweep(model, copied, **SETTINGS)
    for name in ("index.csv", "index.html"):
        assert (copied / name).read_bytes() == (finished.path / name).read_bytes()


def test_a_full_disk_keeps_what_is_done(finished, copied, model):
    (copied / "images/high/7.png").unlink()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # writing more is as on a full disk
    try:
        with pytest.raises(OSError, match="what is done stays, and the same sweep goes on"):
            sweep(model, copied, **SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not list(copied.rglob(".*.part*"))
    assert (copied / "images/high/0.png").exists()
    sweep(model, copied, **SETTINGS)
    assert contents(copied) == contents(finished.path)


def test_a_model_without_a_file_gets_one(finished, model, tmp_path):
    copy = Model.from_graphdef(model.graph_def, model.input_name, (-1, 1), model.image_shape)
    assert copy.model_path is None
    for _ in range(2):
        swept = sweep(copy, tmp_path / "sweep", channels=5, **SETTINGS)
    assert (swept.path / "model.pb").exists()
    np.testing.assert_array_equal(
        pixels(swept.path / "images/high/5.png"), pixels(finished.path / "images/high/5.png")
    )


def test_a_layer_for_one_size_is_drawn_in_it(tmp_path):
    def dense(images):
        rows = tf.reshape(images, [-1, 20 * 20 * 3])
        tf.matmul(rows, tf.ones([1200, 2]), name="dense")

    swept = sweep(graph_model(dense, 20), tmp_path / "sweep", **{**SETTINGS, "layers": "dense"})
    assert pixels(swept.path / "images/dense/1.png").shape == (20, 20, 3)


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "shape"), [(1, (16, 16)), (5, (16, 16, 3))])
def test_images_of_any_depth_become_pictures(depth, shape, tmp_path):
    def blurred(images):
        tf.nn.avg_pool2d(images, 3, 1, "SAME", name="blurred")

    settings = {**SETTINGS, "layers": "blurred"}
    swept = sweep(graph_model(blurred, depth=depth), tmp_path / "sweep", **settings)
    assert pixels(swept.path / "images/blurred/0.png").shape == shape


def test_names_are_names_of_files_and_text_of_pages(tmp_path):
    hostile = "<script>alert(1)</script>"

    def named(images):
        for name in ("./../up", "a/b", "a.b", "A-B", "a>b"):
            tf.identity(images, name=name)

    strange = graph_model(named, name=hostile)
    names = [node.name for node in strange.graph_def.node if node.op == "Identity"]
    made = planned(strange, names)
    files = [tmp_path / store.image_file(batch, 0) for batch in made.batches[::2]]
    assert len({str(file.resolve()).lower() for file in files}) == len(names) == 5
    assert all(tmp_path / "images" in file.resolve().parents for file in files)
    picture = store.Picture(hostile, 0, "images/a-b/0.png", 1.0, False, "a-b-0000", "0" * 64)
    layer = dataclasses.replace(made.layers[0], layer=hostile)
    hostile_plan = dataclasses.replace(made, layers=(layer,))
    names = {(hostile, 0): hostile}
    page = gallery.html(hostile_plan, [picture], names, {hostile: hostile})
    assert hostile not in page and page.count("&lt;script&gt;alert(1)") >= 4


def test_a_worker_with_another_model_draws_nothing(model, tmp_path):
    job = drawing.Job(tmp_path, model, "0" * 64, 1, 0)
    with pytest.raises(ChangedFileError, match="give all workers the same files"):
        drawing.draw_batch(job, plan.Batch("x-0000", "high", "x", 16, 16, (0,), 1))
    assert not list(tmp_path.iterdir())


def test_a_picture_does_not_depend_on_its_company(finished, model, tmp_path, monkeypatch):
    traces, trace = [], ascent.trace

    def counted(*arguments):
        traces.append(arguments)
        return trace(*arguments)

    monkeypatch.setattr(ascent, "trace", counted)
    for batch, channels in ((1, [2, 5]), (4, [7, 5, 0, 1])):
        settings = {**SETTINGS, "batch": batch, "channels": channels}
        swept = sweep(model, tmp_path / str(batch), **settings)
        np.testing.assert_array_equal(
            pixels(swept.path / "images/high/5.png"), pixels(finished.path / "images/high/5.png")
        )
        # All batches of a layer share one trace with redirected gradients, and one without.
        assert len(traces) == 2
        traces.clear()


def test_layers_follow_each_other(model, tmp_path):
    settings = {**SETTINGS, "layers": ["mean", "low"], "channels": [1, 0], "steps": 1}
    swept = sweep(model, tmp_path / "sweep", **settings)
    names = [("mean", 1), ("mean", 0), ("low", 1), ("low", 0)]
    assert [(picture.layer, picture.channel) for picture in swept.pictures] == names
    assert {file.name for file in (swept.path / "sprites").iterdir()} == {"mean.png", "low.png"}


def test_the_seed_decides_a_picture(finished, model, tmp_path):
    other = sweep(model, tmp_path / "other", channels=5, seed=1, **SETTINGS)
    drawn, expected = (pixels(swept.path / "images/high/5.png") for swept in (other, finished))
    assert (drawn != expected).any()
