"""What attribution says of photos that people can judge."""

import os
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


def test_heat_maps_are_orange_for_and_blue_against(small, noise):
    found = attribute(small, noise[0], "dog", "late")
    (drawn,) = heat_maps([found], noise[0])
    assert drawn.shape == (8, 8, 3)
    assert 0 <= drawn.min() <= drawn.max() <= 1
    spatial = found.spatial()
    warmth = (drawn[..., 0] - drawn[..., 2]).reshape(4, 2, 4, 2).mean((1, 3))
    assert warmth[np.unravel_index(spatial.argmax(), spatial.shape)] > 0.1
    assert warmth[np.unravel_index(spatial.argmin(), spatial.shape)] < -0.1


def test_what_has_no_positions_cannot_be_drawn(small, noise):
    with pytest.raises(InvalidValueError, match="no positions"):
        heat_maps([attribute(small, noise[0], "dog", "mean")], noise[0])
    with pytest.raises(InvalidValueError, match="A picture is"):
        heat_maps([attribute(small, noise[0], "dog", "late")], noise)
