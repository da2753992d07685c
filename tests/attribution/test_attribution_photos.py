"""What attribution says of photos that people can judge."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lucidx.attribution import attribute
from lucidx.attribution.drawing import heat_maps
from lucidx.errors import InvalidValueError
from lucidx.modelzoo.pictures import read_image


def picture(name):
    """A sample picture: they lie beside the directory of models, if there are any."""
    for models in filter(None, os.environ.get("LUCIDX_MODELS", "").split(os.pathsep)):
        path = Path(models).resolve().parent / "images" / name
        if path.exists():
            return read_image(path, (224, 224, 3))
    pytest.skip(f"there is no {name} in a directory images beside those of LUCIDX_MODELS")


def centre_column(spatial):
    mass = np.maximum(spatial, 0).sum(0)
    return (mass * np.arange(len(mass))).sum() / mass.sum()


def test_the_dog_is_where_the_dog_is_and_the_cat_where_the_cat_is(inception_v1):
    photo = picture("dog_cat.jpg")
    dog, cat = (
        centre_column(attribute(inception_v1, photo, label, "mixed4d").spatial())
        for label in ("golden retriever", "tiger cat")
    )
    assert cat - dog > 1.4


@pytest.mark.slow
@pytest.mark.parametrize("name, label", [
    ("dog_cat.jpg", "golden retriever"), ("dog_cat.jpg", "tiger cat"), ("espresso.jpg", "espresso"),
])  # fmt: skip
def test_paths_are_complete_at_the_input_and_any_hidden_layer(inception_v1, name, label):
    photo = picture(name)
    positions = [layer.name for layer in inception_v1.layers if layer.name.startswith(("c", "m"))]
    for layer in ("input", *positions, "mixed4b_3x3_bottleneck", "localresponsenorm1", "avgpool0"):
        found = attribute(inception_v1, photo, label, layer, "path", steps=50)
        assert abs(found.relative_gap) < 0.02, (layer, found.relative_gap)


def test_heat_maps_are_teal_for_and_orange_against(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    (drawn,) = heat_maps([found], noise[0])
    assert drawn.shape == (8, 8, 3)
    assert 0 <= drawn.min() <= drawn.max() <= 1
    spatial = found.spatial()
    warmth = (drawn[..., 0] - drawn[..., 2]).reshape(4, 2, 4, 2).mean((1, 3))
    assert warmth[np.unravel_index(spatial.argmax(), spatial.shape)] < -0.1
    assert warmth[np.unravel_index(spatial.argmin(), spatial.shape)] > 0.1


def test_speckle_of_single_pixels_is_averaged(small):
    """Neighbours that alternate say nothing; a part that argues for the score as a whole does."""
    values = np.indices((112, 168)).sum(0) % 2 * 2.0 - 1
    values[:56, :84] += 0.2
    values = np.float32(values[..., np.newaxis])
    found = attribute(small, np.zeros([8, 8, 3], np.float32), "dog", "input")
    found = replace(found, values=values, activations=values)
    (drawn,) = heat_maps([found], np.ones([112, 168, 3], np.float32))
    teal = drawn[..., 2] - drawn[..., 0]
    assert teal[8:48, 8:76].min() > 0.3
    assert np.abs(teal[64:]).max() < 0.1


def test_what_has_no_positions_cannot_be_drawn(small, noise):
    with pytest.raises(InvalidValueError, match="no positions"):
        heat_maps([attribute(small, noise[0], "dog", "mean")], noise[0])
    with pytest.raises(InvalidValueError, match="A picture is"):
        heat_maps([attribute(small, noise[0], "dog", "late")], noise)
