"""Caricatures: what a layer makes of an image, exaggerated."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lucidx.arguments import whole
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.misc.io import io_scope, load, save, show
from lucidx.misc.io.sanitizing import sanitize
from lucidx.modelzoo.serialized import SerializedModel
from lucidx.modelzoo.vision_base import Layer, Model
from lucidx.optvis import transform
from lucidx.optvis.expressions import T
from lucidx.optvis.objectives import Objective, wrap_objective
from lucidx.optvis.objectives_util import dimension, static_index
from lucidx.optvis.render import render_vis
from lucidx.recipes.image_activations import names_of
from lucidx.recipes.images import as_model_takes, to_optimise

# Noise may be a tenth as like the photo as the photo itself, and float32 holds 0.1 ** 32 and its
# gradient, not 0.1 ** 40.
_HIGHEST_POWER = 32


@wrap_objective(traced=())
def dot_compare(layer: str, batch: int = 1, cossim_pow: float = 0) -> Objective:
    """Likeness of an image of the batch to the first one, as a layer sees them.

    Dot product of the two activations, times a power of `max(0.1, dot / |activation|)`. Only the
    norm of the optimised image's activations is divided by, so it is not quite the cosine.

    Parameters
    ----------
    layer : name of a layer.
    batch : which image of the batch to make alike.
    cossim_pow : the power.
    """
    return _likeness(layer, batch, cossim_pow, 1.0)


@wrap_objective(traced=())
def _dot_compare_in(layer: str, batch: int, cossim_pow: float, unit: float) -> Objective:
    """`dot_compare`, with the likeness in another unit: float32 cannot hold high powers."""
    return _likeness(layer, batch, cossim_pow, unit)


def _likeness(layer: str, batch: int, cossim_pow: float, unit: float) -> Callable[[T], tf.Tensor]:
    def inner(T: T) -> tf.Tensor:
        acts = T(layer)
        n = static_index(batch, dimension(acts, 0), f"The batch of {layer!r}", "images")
        original, image = acts[0], acts[n]
        dot = tf.reduce_sum(original * image)
        likeness = dot / (1e-6 + tf.sqrt(tf.reduce_sum(image**2)))
        return dot * (tf.maximum(0.1, likeness) / unit) ** cossim_pow

    return inner


def caricature(
    img: np.ndarray,
    model: Model,
    layer: str | Layer | Sequence[str | Layer],
    n_steps: int = 512,
    cossim_pow: float | Sequence[float] = 0.0,
    verbose: bool = True,
    *,
    seed: int | None = None,
    progress: bool | None = None,
) -> np.ndarray:
    """Exaggerate what layers see in a photo.

    For each layer an image is made, from noise, whose activations have the largest dot product with
    those of the photo, both under the same random transforms. Nothing keeps it from having more of
    a feature than the photo has. It began as feature inversion ("Understanding Deep Image
    Representations by Inverting Them", Mahendran and Vedaldi, 2015), and the maximised dot product
    is from "Feature Visualization" (Distill, 2017).

    Parameters
    ----------
    img : the photo, `[H, W, C]`, floats in 0..1 or uint8; resized to what the model takes.
    model : what to look at; of any proportions and number of channels.
    layer : a layer, or several.
    n_steps : updates of Adam with learning rate 0.05.
    cossim_pow : see `dot_compare`; one power from 0 to 32, or several. With 1 or more the image
        agrees with the photo rather than surpasses it.
    verbose : show the images under the names of their layers.
    seed : decides everything random.
    progress : whether to show a progress bar; by default in terminals and notebooks.

    Returns
    -------
    float32 `[1 + L, H, W, C]` in 0..1: the photo as the model takes it, then one image per layer;
    of several powers, for the first power one image per layer, then for the next. When interrupted
    (Ctrl-C), as they are by then.

    Raises
    ------
    UnknownLayerError : the model has no such layer.
    InvalidValueError, InvalidTypeError : an argument cannot work.
    NonFiniteLossError : the objective became NaN or infinite.
    """
    names = names_of(layer, "layer")
    pairs = [(name, power) for power in _powers(cossim_pow) for name in names]
    photo = as_model_takes(model, img)
    seen = model.activations(photo[np.newaxis], names)
    height, width, _ = photo.shape
    norms = {name: max(1.0, float(np.linalg.norm(acts))) for name, acts in seen.items()}

    def images() -> tf.Tensor:
        drawn = to_optimise(model, width, height, len(pairs))
        return tf.concat([tf.constant(photo)[tf.newaxis], drawn], 0)

    (result,) = render_vis(
        model,
        Objective.sum(
            _dot_compare_in(name, n, power, norms[name]) for n, (name, power) in enumerate(pairs, 1)
        ),
        images,
        transforms=[*transform.standard_transforms, transform.crop_or_pad_to(height, width)],
        thresholds=[whole("n_steps", n_steps) - 1],
        verbose=False,
        relu_gradient_override=False,
        seed=seed,
        progress=progress,
    )
    if verbose:
        show(result[1:], labels=[name for name, _ in pairs])
    return result


def feature_inversion(*args: Any, **kwargs: Any) -> np.ndarray:
    """`caricature`, by the name it had before."""
    return caricature(*args, **kwargs)


def make_caricature(
    image_url: str, saved_model_folder_url: str, to: str, *args: Any, **kwargs: Any
) -> dict[str, Any]:
    """Caricatures of all layers of a saved model, in files.

    Writes `input.jpg`, one `.jpg` for each layer named after it (with `_` for `/`), and
    `results.json`.

    Parameters
    ----------
    image_url : path or address of the photo; transparency is left out.
    saved_model_folder_url : directory with a model and its `manifest.json`.
    to : directory to write to.
    *args, **kwargs : for `caricature`, from `n_steps` on.

    Returns
    -------
    What is in `results.json`: "type", "input_image", the file of the photo, and "values", for each
    layer "type", "url" and "shape" of its image.

    Raises
    ------
    LucidxError : the photo or the model cannot be read, or as `caricature`.
    """
    with warnings.catch_warnings():
        # The way to load a directory that this recipe is defined by.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = SerializedModel.from_directory(saved_model_folder_url)
    photo = load(image_url)
    if photo.ndim == 3 and photo.shape[-1] == 4:
        photo = photo[..., :3]
    names = model.layer_names
    photo, *images = caricature(photo, model, names, *args, **{"verbose": False, **kwargs})
    with io_scope(to):
        written = save(photo, "input.jpg", domain=(0, 1))
        values = [
            save(image, f"{sanitize(name)}.jpg", domain=(0, 1))
            for name, image in zip(names, images, strict=True)
        ]
        results = {"type": "caricature", "input_image": written["url"], "values": values}
        save(results, "results.json")
    return results


def _powers(cossim_pow: float | Sequence[float]) -> list[float]:
    powers = np.atleast_1d(cossim_pow)
    if powers.ndim != 1 or not powers.size or powers.dtype.kind not in "iuf":
        raise InvalidTypeError(f"cossim_pow is a number or a list of them; got {cossim_pow!r}.")
    if not ((powers >= 0) & (powers <= _HIGHEST_POWER)).all():
        raise InvalidValueError(
            f"cossim_pow is from 0 to {_HIGHEST_POWER}; got {cossim_pow!r}. Higher powers of how "
            "alike noise and the photo are, as float32, leave no gradient to follow."
        )
    return powers.tolist()
