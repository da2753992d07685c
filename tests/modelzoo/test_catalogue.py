"""The models that come by name: what is said of them, their labels, and how they are found."""

import re
import subprocess
import sys

import numpy as np
import pytest

import lucidx
from lucidx.errors import UnknownModelError
from lucidx.modelzoo import manifests, nets_factory, vision_models
from lucidx.modelzoo.vision_base import Layer, Model

# As in Lucid's zoo.
LAYERS = {
    "InceptionV1": (
        "conv2d0:64 conv2d1:64 conv2d2:192 mixed3a:256 mixed3b:480 mixed4a:508 mixed4b:512 "
        "mixed4c:512 mixed4d:528 mixed4e:832 mixed5a:832 mixed5b:1024 head0_bottleneck:128 "
        "nn0:1024 softmax0:1008 head1_bottleneck:128 nn1:1024 softmax1:1008 softmax2:1008"
    ),
    "InceptionV1_caffe": (
        "conv1_7x7_s2/conv1_7x7_s2:64 conv2_3x3_reduce/conv2_3x3_reduce:64 "
        "conv2_3x3/conv2_3x3:192 inception_3a_output:256 inception_3b_output:480 "
        "inception_4a_output:512 inception_4b_output:512 inception_4c_output:512 "
        "inception_4d_output:528 inception_4e_output:832 inception_5a_output:832 "
        "inception_5b_output:1024 prob:1000"
    ),
}
DENSE = {"nn0", "nn1", "softmax0", "softmax1", "softmax2", "prob"}
ATTRIBUTES = {
    "InceptionV1": {
        "model_path": "gs://modelzoo/vision/other_models/InceptionV1.pb",
        "labels_path": "gs://modelzoo/labels/ImageNet_alternate.txt",
        "synsets_path": "gs://modelzoo/labels/ImageNet_alternate_synsets.txt",
        "dataset": "ImageNet",
        "image_shape": [224, 224, 3],
        "image_value_range": (-117, 138),
        "is_BGR": False,
        "input_name": "input",
        "model_name": "InceptionV1",
    },
    "InceptionV1_caffe": {
        "model_path": "gs://modelzoo/vision/caffe_models/InceptionV1.pb",
        "labels_path": "gs://modelzoo/labels/ImageNet_standard.txt",
        "synsets_path": "gs://modelzoo/labels/ImageNet_standard_synsets.txt",
        "dataset": "ImageNet",
        "image_shape": [224, 224, 3],
        "image_value_range": ((-103.939, -116.779, -123.68), (151.061, 138.221, 131.32)),
        "is_BGR": True,
        "input_name": "data",
        "model_name": "InceptionV1_caffe",
    },
}
# The fields that modelzoo/README.md describes.
FIELDS = set(
    """name description dataset licence citation image_shape image_value_range is_BGR input_name
    labels synsets model_path labels_path synsets_path post_import default_objective sources
    layers""".split()
)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_class_of_a_model_of_lucid_has_lucids_attributes(name):
    cls = getattr(vision_models, name)
    assert {key: getattr(cls, key) for key in ATTRIBUTES[name]} == ATTRIBUTES[name]


@pytest.mark.parametrize("name", LAYERS)
def test_a_model_of_lucid_has_lucids_layers(name):
    layers = getattr(vision_models, name).layers
    assert " ".join(f"{layer.name}:{layer.depth}" for layer in layers) == LAYERS[name]
    for layer in layers:
        assert layer.tags == {"dense" if layer.name in DENSE else "conv"}
    assert repr(layers[-1]) == (
        f"Layer (belonging to {name}) <{layers[-1].name}: {layers[-1].depth}> ([{{'dense'}}])"
    )


@pytest.mark.parametrize("fixture", ["efficientnet", "inception_v1", "inception_v1_caffe"])
def test_the_depth_of_a_layer_is_the_number_of_channels_of_its_activations(fixture, request):
    model = request.getfixturevalue(fixture)
    photo = np.full((224, 224, 3), 0.5, np.float32)
    activations = model.activations(photo, [layer.name for layer in model.layers])
    for layer in model.layers:
        assert activations[layer.name].shape[-1] == layer.depth
        assert activations[layer.name].ndim == {"conv": 3, "dense": 1}[min(layer.tags)]


@pytest.mark.parametrize("name", manifests.names())
def test_a_manifest_has_every_field_and_its_class_is_made_of_it(name):
    manifest = manifests.manifest(name)
    assert set(manifest) == FIELDS
    assert manifest["name"] == name
    for source in manifest["sources"]:
        assert (source["kind"], len(source)) in {("package", 3), ("url", 5)}
    lo, hi = map(np.asarray, manifest["image_value_range"])
    assert lo.shape in ((), (3,)) and (lo < hi).all()
    for kind in ("labels", "synsets"):
        assert manifest[kind] is None or manifest[kind] in manifests.label_files()
    names = [layer["name"] for layer in manifest["layers"]]
    assert len(set(names)) == len(names) > 0
    assert manifest["default_objective"] is None or (
        manifest["default_objective"].split(":")[0] in names
    )
    cls = getattr(vision_models, name)
    assert issubclass(cls, Model)
    assert [layer.name for layer in cls().layers] == names
    assert {layer.model_class for layer in cls.layers} == {cls}
    assert {layer.model_name for layer in cls.layers} == {name}


def test_labels_are_in_the_order_of_the_outputs():
    alternate = vision_models.InceptionV1().labels
    standard = vision_models.InceptionV1_caffe().labels
    assert (len(alternate), len(standard)) == (1001, 1000)
    assert alternate[:3] == ["dummy", "kit fox", "English setter"]
    assert standard[:3] == ["tench", "goldfish", "great white shark"]
    assert standard == vision_models.EfficientNetLite0().labels


def test_synset_ids_go_with_the_labels():
    inception = vision_models.InceptionV1()
    caffe = vision_models.InceptionV1_caffe()
    of_label = dict(zip(inception.labels, inception.synset_ids, strict=True))
    assert of_label["kit fox"] == "n02119789"
    assert caffe.synset_ids[caffe.labels.index("kit fox")] == "n02119789"
    assert all(re.fullmatch(r"n\d{8}", synset) for synset in caffe.synset_ids)


def test_models_are_found_by_name():
    model = nets_factory.get_model("InceptionV1")
    assert isinstance(model, vision_models.InceptionV1)
    assert nets_factory.get_model("InceptionV1") is not model


@pytest.mark.parametrize("get", [nets_factory.get_model, lucidx.load, manifests.manifest])
@pytest.mark.parametrize("asked", ["InceptionV1_cafe", "inceptionv1_caffe", "caffe"])
def test_an_unknown_name_is_answered_with_close_ones(get, asked):
    with pytest.raises(UnknownModelError, match="Did you mean 'InceptionV1_caffe'") as caught:
        get(asked)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("asked", ["", "ResNet-152", None, 3])
def test_an_unknown_name_without_close_ones_is_answered_with_the_first(asked):
    with pytest.raises(UnknownModelError, match="There are 'EfficientNetLite0'"):
        nets_factory.get_model(asked)


def test_models_map_has_the_class_of_every_model():
    assert set(nets_factory.models_map) == set(manifests.names())
    assert len(nets_factory.models_map) == len(manifests.names())
    assert nets_factory.models_map["InceptionV1"] is vision_models.InceptionV1
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


def test_lucids_import_paths_give_the_same_classes():
    from lucidx.modelzoo import caffe_models, other_models
    from lucidx.modelzoo.caffe_models.InceptionV1 import InceptionV1_caffe
    from lucidx.modelzoo.other_models.InceptionV1 import InceptionV1

    assert InceptionV1 is other_models.InceptionV1 is vision_models.InceptionV1
    assert InceptionV1_caffe is caffe_models.InceptionV1_caffe is vision_models.InceptionV1_caffe


@pytest.mark.parametrize(
    "use",
    [
        "import lucidx",
        "import lucidx.modelzoo.vision_models as v; v.InceptionV1().get_layer('mixed4a')",
        "from lucidx.modelzoo.vision_models import *; InceptionV1().labels[1]",
        "from lucidx.modelzoo.nets_factory import get_model; get_model('EfficientNetLite0')",
    ],
)
def test_looking_models_up_does_not_wait_for_tensorflow(use):
    check = f"""
import sys, time
{use}
assert not {{"tensorflow", "keras", "torch"}} & set(sys.modules)
print(time.process_time())
"""
    run = [sys.executable, "-c", check]
    seconds = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert seconds < 2
