"""What a network's layers see in one image."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from lucidx.basis import layer_name
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.recipes.images import as_model_takes


def image_activations(
    model: Model,
    image: np.ndarray,
    layer_names: str | Layer | Sequence[str | Layer] | None = None,
) -> dict[str, np.ndarray]:
    """Activations of layers for an image.

    Parameters
    ----------
    model : what to evaluate.
    image : `[H, W, C]`, floats in 0..1 or uint8; resized to what the model takes.
    layer_names : a layer, or several; by default those of the model that are tagged "conv".

    Returns
    -------
    For each layer, by name, float32 `[h, w, c]` (`[c]` for a layer without positions).

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : not an image for this model, or no layers.
    """
    photo = as_model_takes(model, image)
    if layer_names is None:
        layer_names = [layer for layer in model.layers if "conv" in layer.tags]
        if not layer_names:
            raise InvalidValueError(
                f"There are no layers to evaluate: none of {model.name} is tagged 'conv'. Name "
                "some, as layer_names=[...]."
            )
    return model.activations(photo, names_of(layer_names, "layer_names"))


def names_of(layers: str | Layer | Sequence[str | Layer], argument: str) -> list[str]:
    """Names of a layer, or of several.

    Parameters
    ----------
    layers : the layers, or their names.
    argument : what the recipe calls them.

    Raises
    ------
    InvalidTypeError : something is no layer.
    InvalidValueError : there are none.
    """
    one = isinstance(layers, str) or hasattr(layers, "name")
    try:
        names = [layer_name(layer) for layer in ([layers] if one else layers)]
    except TypeError as error:
        raise InvalidTypeError(
            f"{argument} is a layer or a list of them; got {layers!r}."
        ) from error
    if not names:
        raise InvalidValueError(f"There are no layers in {argument}: name at least one.")
    return names


def manifest_image_activations(model: Model, image: np.ndarray, **kwargs: Any) -> dict[str, Any]:
    """`image_activations` with a description, as Lucid's servers returned it.

    Parameters
    ----------
    model, image, **kwargs : as in `image_activations`.

    Returns
    -------
    "type" (`"image-activations"`), "took" (seconds), and "values": for each layer "type"
    (`"activations"`), "value" (the array), "shape" and "layer_name".

    Raises
    ------
    As `image_activations`.
    """
    start = time.perf_counter()
    activations = image_activations(model, image, **kwargs)
    values = [
        {"type": "activations", "value": value, "shape": value.shape, "layer_name": name}
        for name, value in activations.items()
    ]
    return {
        "type": "image-activations",
        "took": time.perf_counter() - start,
        "values": values,
    }
