"""The models that come by name: what is said of them, their labels, and how they are found."""

import importlib
import importlib.util
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import lucidx
from lucidx.errors import UnknownModelError
from lucidx.modelzoo import manifests, nets_factory, vision_models
from lucidx.modelzoo.vision_base import Layer, Model

HERE = Path(__file__).parent
TREE = HERE.parents[1]
LUCID_MODELS = json.loads((HERE / "lucid_zoo.json").read_text("utf-8"))["models"]
OF_LUCID = {model["name"]: model for model in LUCID_MODELS}
SCHEMA = json.loads((HERE / "manifest.schema.json").read_text("utf-8"))

ATTRIBUTES = """model_path labels_path synsets_path dataset image_shape image_value_range is_BGR
input_name model_name""".split()
# Where lucidx says more than Lucid, on purpose. (Lucid's class has no dataset at all.)
BETTER = {"Clip_ResNet50_4x": {"dataset": "WebImageText"}}
# Lucid's files, where they are not the ones that go with the outputs, or Lucid names none.
RIGHT_SYNSETS = {
    "ResnetV1_50_slim": "ImageNet_standard_synsets.txt",
    "ResnetV1_101_slim": "ImageNet_standard_synsets.txt",
    "ResnetV1_152_slim": "ImageNet_standard_synsets.txt",
    "NasnetLarge_slim": "ImageNet_standard_with_dummy_synsets.txt",
}
# Outputs that no class belongs to have no line in the file of labels.
UNUSED_OUTPUTS = {"InceptionV1": 7, "InceptionV1_adv_finetuned": 7}

with_labels = [name for name in manifests.names() if manifests.manifest(name)["labels"]]


def as_in_lucid(value):
    """JSON has no tuples; Lucid's value ranges are."""
    return tuple(map(as_in_lucid, value)) if isinstance(value, list) else value


@pytest.mark.parametrize("name", OF_LUCID)
def test_the_class_of_a_model_of_lucid_has_lucids_attributes(name):
    lucid = OF_LUCID[name]
    expected = {attribute: lucid[attribute] for attribute in ATTRIBUTES}
    expected["image_value_range"] = as_in_lucid(lucid["image_value_range"])
    cls = getattr(vision_models, name)
    assert {a: getattr(cls, a) for a in ATTRIBUTES} == expected | BETTER.get(name, {})
    assert [base.__name__ for base in cls.__bases__] == lucid["bases"]
    assert cls().name == str(cls()) == name


@pytest.mark.parametrize("name", OF_LUCID)
def test_a_model_of_lucid_has_lucids_layers(name):
    cls = getattr(vision_models, name)
    layers = [f"{layer.name}:{layer.depth}:{'+'.join(sorted(layer.tags))}" for layer in cls.layers]
    assert " ".join(layers) == OF_LUCID[name]["layers"]


def test_every_model_of_lucid_is_here_and_one_more():
    assert len(OF_LUCID) == 31
    assert sum(model["layers"].count(" ") + 1 for model in LUCID_MODELS if model["layers"]) == 649
    assert set(manifests.names()) - set(OF_LUCID) == {"EfficientNetLite0"}


@pytest.mark.parametrize("name", manifests.names())
def test_the_layers_of_a_model_are_its_own(name):
    cls = getattr(vision_models, name)
    assert issubclass(cls, Model)
    assert {layer.model_class for layer in cls.layers} <= {cls}
    assert {layer.model_name for layer in cls.layers} <= {name}


def test_a_layer_shows_its_model_name_depth_and_tags():
    last = vision_models.InceptionV1_adv_finetuned.layers[-1]
    assert repr(last) == (
        "Layer (belonging to InceptionV1_adv_finetuned) <softmax2: 1008> ([{'dense'}])"
    )


def test_a_fine_tuned_model_is_of_the_class_it_was_made_from():
    tuned = vision_models.InceptionV1_adv_finetuned()
    assert isinstance(tuned, vision_models.InceptionV1)
    assert tuned != vision_models.InceptionV1()
    assert tuned.labels == vision_models.InceptionV1().labels


@pytest.mark.parametrize("fixture", ["efficientnet", "inception_v1", "inception_v1_caffe"])
def test_the_depth_of_a_layer_is_the_number_of_channels_of_its_activations(fixture, request):
    model = request.getfixturevalue(fixture)
    photo = np.full((224, 224, 3), 0.5, np.float32)
    activations = model.activations(photo, [layer.name for layer in model.layers])
    for layer in model.layers:
        assert activations[layer.name].shape[-1] == layer.depth
        assert activations[layer.name].ndim == {"conv": 3, "dense": 1}[min(layer.tags)]


# The form of manifests


def complaints(manifest):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return ["/".join(map(str, error.absolute_path)) for error in validator.iter_errors(manifest)]


@pytest.mark.parametrize("name", manifests.names())
def test_a_manifest_has_the_form_that_the_schema_describes(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert complaints(manifests.manifest(name)) == []


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", "no spaces"),
        ("description", ""),
        ("description", "long " * 30 + "line"),
        ("licence", None),
        ("image_shape", [224, 224]),
        ("image_shape", [224, 224, 3, 1]),
        ("image_shape", [0, 224, 3]),
        ("image_value_range", [0]),
        ("image_value_range", [0, [1, 1, 1]]),
        ("image_value_range", "-1..1"),
        ("is_BGR", "yes"),
        ("input_name", "input:0"),
        ("labels", "../secrets.txt"),
        ("model_path", "/home/me/model.pb"),
        ("post_import", "os.system"),
        ("default_objective", "mixed4a"),
        ("sources", []),
        ("layers", {}),
        ("colour", "blue"),
    ],
)
def test_a_manifest_of_another_form_is_refused(field, value):
    manifest = manifests.manifest("InceptionV1") | {field: value}
    assert {path.split("/")[0] for path in complaints(manifest)} == {
        field if field in SCHEMA["properties"] else ""
    }


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://example.org/model.pb"},
        {"url": "file:///etc/passwd"},
        {"url": "https://example.org/a model.pb"},
        {"sha256": "unknown"},
        {"sha256": "D" * 64},
        {"member": "/etc/passwd.pb"},
        {"member": None},  # there is a member_sha256
        {"kind": "torrent"},
        {"size": 1},
    ],
)
def test_a_source_of_another_form_is_refused(change):
    manifest = manifests.manifest("InceptionV1")
    assert complaints(manifest) == []
    manifest["sources"][0] |= change
    assert complaints(manifest) == ["sources/0"]


@pytest.mark.parametrize(
    "change", [{"depth": 0}, {"depth": "64"}, {"tags": []}, {"tags": ["convolution"]}, {"size": 1}]
)
def test_a_layer_of_another_form_is_refused(change):
    manifest = manifests.manifest("InceptionV1")
    manifest["layers"][3] |= change
    assert {"/".join(path.split("/")[:2]) for path in complaints(manifest)} == {"layers/3"}


@pytest.mark.parametrize("field", SCHEMA["properties"])
def test_a_manifest_must_have_every_field(field):
    manifest = manifests.manifest("InceptionV1")
    del manifest[field]
    assert complaints(manifest) == [""]


@pytest.mark.parametrize("name", manifests.names())
def test_a_manifest_is_consistent(name):
    manifest = manifests.manifest(name)
    assert manifest["name"] == name
    assert manifest["base"] is None or manifest["base"] in manifests.names()
    lo, hi = map(np.asarray, manifest["image_value_range"])
    assert lo.shape == hi.shape and lo.shape in ((), (manifest["image_shape"][2],))
    assert (lo < hi).all()
    names = [layer["name"] for layer in manifest["layers"]]
    assert len(set(names)) == len(names)
    if manifest["default_objective"]:
        layer, channel = manifest["default_objective"].rsplit(":", 1)
        assert int(channel) < {each["name"]: each["depth"] for each in manifest["layers"]}[layer]
    # The address where Lucid has it is among the sources, unless Lucid does not.
    urls = [source["url"] for source in manifest["sources"] if source["kind"] == "url"]
    assert manifest["model_path"] in urls or name not in OF_LUCID
    assert "weights: " in manifest["citation"] or name not in OF_LUCID


def test_changing_a_manifest_changes_only_that_copy():
    manifests.manifest("InceptionV1")["layers"].clear()
    manifests.manifest("InceptionV1")["labels"] = "mine.txt"
    vision_models.InceptionV1().catalogue_entry["sources"].clear()
    again = manifests.manifest("InceptionV1")
    assert (len(again["layers"]), len(again["sources"])) == (19, 2)
    assert again["labels"] == "ImageNet_alternate.txt"


# Labels


@pytest.mark.parametrize("name", with_labels)
def test_there_is_a_label_for_every_output_and_a_synset_for_every_label(name):
    manifest = manifests.manifest(name)
    labels, synsets = (manifests.lines(manifest[kind]) for kind in ("labels", "synsets"))
    outputs = manifest["layers"][-1]
    assert outputs["tags"] == ["dense"]
    assert len(labels) + UNUSED_OUTPUTS.get(name, 0) == outputs["depth"]
    assert len(synsets) == len(labels)
    assert all(re.fullmatch(r"n\d{8}|dummy", synset) for synset in synsets)
    assert [i for i, label in enumerate(labels) if label == "dummy"] == [
        i for i, synset in enumerate(synsets) if synset == "dummy"
    ]


@pytest.mark.parametrize("name", with_labels)
def test_the_labels_and_synsets_of_a_model_are_those_of_its_outputs(name):
    manifest, model = manifests.manifest(name), getattr(vision_models, name)()
    assert model.labels == list(manifests.lines(manifest["labels"]))
    assert model.synset_ids == list(manifests.lines(manifest["synsets"]))


@pytest.mark.parametrize("name", OF_LUCID)
def test_the_files_of_labels_are_lucids_where_lucid_has_the_right_ones(name):
    manifest, lucid = manifests.manifest(name), OF_LUCID[name]
    if not manifest["labels"]:
        assert (lucid["labels_path"] or "Places").count("Places")
        assert manifest["synsets"] is None
        return
    assert lucid["labels_path"].endswith("/" + manifest["labels"])
    right = RIGHT_SYNSETS.get(name) or lucid["synsets_path"].rpartition("/")[2]
    assert manifest["synsets"] == right
    assert name not in RIGHT_SYNSETS or not (lucid["synsets_path"] or "").endswith("/" + right)


def test_labels_are_in_the_order_of_the_outputs():
    alternate = vision_models.InceptionV1().labels
    standard = vision_models.InceptionV1_caffe().labels
    with_dummy = vision_models.InceptionV3_slim().labels
    assert (len(alternate), len(standard), len(with_dummy)) == (1001, 1000, 1001)
    assert alternate[:3] == ["dummy", "kit fox", "English setter"]
    assert standard[:3] == ["tench", "goldfish", "great white shark"]
    assert with_dummy == ["dummy", *standard]
    assert standard == vision_models.EfficientNetLite0().labels


def test_a_label_has_the_same_synset_in_every_order():
    standard, alternate, with_dummy = (
        dict(zip(model.labels, model.synset_ids, strict=True))
        for model in (
            vision_models.InceptionV1_caffe(),
            vision_models.InceptionV1(),
            vision_models.InceptionV3_slim(),
        )
    )
    assert standard["kit fox"] == "n02119789"
    assert with_dummy == standard | {"dummy": "dummy"}
    shared = standard.keys() & alternate.keys()
    assert len(shared) == 994
    assert {label for label in shared if standard[label] != alternate[label]} == set()


# By name


@pytest.mark.parametrize("name", manifests.names())
def test_models_are_found_by_name(name):
    model = nets_factory.get_model(name)
    assert type(model) is getattr(vision_models, name) is nets_factory.models_map[name]
    assert nets_factory.get_model(name) is not model


@pytest.mark.parametrize("get", [nets_factory.get_model, lucidx.load, manifests.manifest])
@pytest.mark.parametrize(
    "asked, answer",
    [
        ("InceptionV1_cafe", "InceptionV1_caffe"),
        ("inceptionv1_caffe", "InceptionV1_caffe"),
        ("ResNet_V2_50", "ResnetV2_50_slim"),
        ("caffe", "AlexNet_caffe_Places365"),
    ],
)
def test_an_unknown_name_is_answered_with_close_ones(get, asked, answer):
    with pytest.raises(UnknownModelError, match=f"Did you mean .*'{answer}'") as caught:
        get(asked)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("asked", ["", "DenseNet", None, []])
def test_an_unknown_name_without_close_ones_is_answered_with_the_first(asked):
    with pytest.raises(UnknownModelError, match=r"There are 'AlexNet', .*\(32 in all\)"):
        nets_factory.get_model(asked)


def test_models_map_has_the_class_of_every_model():
    assert set(nets_factory.models_map) == set(manifests.names())
    assert len(nets_factory.models_map) == len(manifests.names())
    assert "AlexNet9" not in nets_factory.models_map
    with pytest.raises(KeyError):
        nets_factory.models_map["AlexNet9"]


def test_an_unknown_class_is_answered_with_close_ones():
    with pytest.raises(AttributeError, match="Did you mean 'InceptionV1'"):
        _ = vision_models.InceptionV


def test_a_star_import_gives_models_and_nothing_else():
    namespace = {}
    exec("from lucidx.modelzoo.vision_models import *", namespace)
    assert set(namespace) - {"__builtins__"} == {"Model", *manifests.names()}
    assert set(dir(vision_models)) == {"Layer", "Model", *manifests.names()}
    assert vision_models.Layer is Layer


@pytest.mark.parametrize("name", OF_LUCID)
def test_lucids_import_paths_give_the_same_classes(name):
    module = importlib.import_module(OF_LUCID[name]["module"].replace("lucid", "lucidx", 1))
    package = sys.modules[module.__package__]
    assert getattr(module, name) is getattr(package, name) is getattr(vision_models, name)


def test_importing_a_module_does_not_hide_the_class_of_the_same_name():
    check = """
import lucidx.modelzoo.other_models.AlexNet
import lucidx.modelzoo.other_models.InceptionV1
from lucidx.modelzoo import other_models
other_models.AlexNet().name, other_models.InceptionV1().name
"""
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_model_survives_pickling():
    model = vision_models.VGG19_caffe()
    assert pickle.loads(pickle.dumps(model)) == model
    assert pickle.loads(pickle.dumps(type(model))) is vision_models.VGG19_caffe


# What looking models up costs


@pytest.mark.parametrize(
    "use",
    [
        "import lucidx",
        "import lucidx.modelzoo.vision_models as v; v.InceptionV1().get_layer('mixed4a')",
        "from lucidx.modelzoo.vision_models import *; InceptionV1().labels[1]",
        "from lucidx.modelzoo.nets_factory import get_model; get_model('EfficientNetLite0')",
        "from lucidx.modelzoo.slim_models import *; InceptionResnetV2_slim().layers[-1]",
    ],
)
def test_looking_models_up_does_not_wait_for_tensorflow(use):
    check = f"""
import sys, time
{use}
assert not {{"tensorflow", "keras", "torch"}} & set(sys.modules)
print(time.process_time())
"""
    assert float(run_python(check)) < 2


def test_importing_the_models_is_quick_and_reads_no_manifest():
    check = """
import sys, time
started = time.perf_counter()
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import lucidx.modelzoo.vision_models as models
took = time.perf_counter() - started
assert "tensorflow" not in sys.modules
assert not [path for path in opened if path.endswith((".json", ".txt"))], opened
models.InceptionV1
assert [path for path in opened if path.endswith(".json")]
print(took)
"""
    # 0.12 s is usual; the best of five, for a busy machine.
    assert min(float(run_python(check)) for _ in range(5)) < 0.2


def run_python(code):
    run = [sys.executable, "-c", code]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout


# The table in the README


def test_the_table_of_models_in_the_readme_is_of_this_catalogue():
    spec = importlib.util.spec_from_file_location("model_table", TREE / "docs" / "model_table.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    readme = script.README.read_text("utf-8")
    assert script.written(readme) == readme, "run: python docs/model_table.py --write"
    for name in manifests.names():
        assert f"| [`{name}`]({name}.json) | {manifests.manifest(name)['description']}" in readme
