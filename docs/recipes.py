"""Makes docs/recipes.jpg, the picture of recipes that README shows, with InceptionV1."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

import lucidx
from lucidx.misc.io import contact_sheet, save
from lucidx.optvis import objectives
from lucidx.recipes.accentuation import accentuate
from lucidx.recipes.cppn import cppn
from lucidx.recipes.cppn_function import draw
from lucidx.recipes.deepdream import deepdream
from lucidx.recipes.maco import maco
from lucidx.recipes.style_transfer import style_transfer
from lucidx.recipes.transparent import over, transparent

SIDE = 224


def square(name: str) -> np.ndarray:
    """A photo of scikit-learn's, its middle, as floats in 0..1."""
    photo = load_sample_image(name)[:, 106:533]
    picture = Image.fromarray(photo).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture) / np.float32(255)


model = lucidx.load("InceptionV1")
china, flower = square("china.jpg"), square("flower.jpg")
beetle = objectives.neuron("mixed4d", 236)
pictures = {
    "deepdream": deepdream(model, china, "mixed4c"),
    "style": style_transfer(model, china, flower, size=SIDE),
    "accentuation": accentuate(model, flower, "mixed4c:20", size=SIDE).image,
    "maco": maco(model, "goldfinch", size=SIDE).images[0],
    "transparent": over(transparent(model, beetle, SIDE).images, [1, 1, 1])[0],
    "cppn": draw(cppn(model, "mixed4a:476"), SIDE),
}
sheet = contact_sheet([image[..., :3] for image in pictures.values()], pictures, columns=3)
save(sheet, Path(__file__).with_name("recipes.jpg"), domain=(0, 1))
