"""A score of a network and its gradient at one layer, traced once for scores of the same form.

The gradient is the partial derivative with respect to the layer's tensor; see `feeding` for what
passes around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from lucidx.attribution.feeding import (
    INPUT,
    as_layer,
    batches,
    channels_last,
    check_between,
    check_layer,
    fed_spec,
    how_to_read,
    import_part,
    maxpool_gradients,
)
from lucidx.attribution.scores import T, as_score
from lucidx.basis import layer_name
from lucidx.errors import InvalidTypeError, InvalidValueError
from lucidx.modelzoo import graphs, model_io
from lucidx.modelzoo.vision_base import Model
from lucidx.optvis import ascent
from lucidx.optvis.expressions import as_expression
from lucidx.optvis.overrides import gradient_override_map


class Evaluation(NamedTuple):
    """Scores of a batch of N images.

    Attributes
    ----------
    scores : `[N]` float32.
    activations : of the layer, `[N, h, w, C]` float32, `[N, C]` for dense layers.
    gradients : of each score with respect to its image's activations, in their shape; None if not
        asked for.
    """

    scores: np.ndarray
    activations: np.ndarray
    gradients: np.ndarray | None


class Scorer:
    """A score of a model, to be evaluated and differentiated at one layer.

    Attributes
    ----------
    model, layer : the layer's name, or `"input"`.
    description : of the score, for people.
    """

    def __init__(self, model: Model, score: Any, layer: Any, maxpool: str = "exact"):
        self.model, self.layer = model, layer_name(layer)
        objective, self.description = as_score(model, score)
        self._overrides = maxpool_gradients(maxpool)
        self._skeleton = model_io.skeleton(model)
        self._expression = as_expression(objective)
        with model_io.eagerly():
            self._values = ascent.as_inputs(self._expression.values)
        specs = [tf.TensorSpec.from_tensor(value) for value in self._values]
        self._objective = objective
        key = self._expression.key
        key = key and ("score", key, *specs, self.layer)
        find = self._layers_read
        self._reads = find() if key is None else self._skeleton.fact(key, find)
        self._key = key and (*key, maxpool)
        self._traced: dict[Any, Callable[..., Any]] = {}

    def _layers_read(self) -> list[str]:
        check_layer(self.model, self.layer)
        one = tf.TensorSpec([1, None, None, self.model.image_shape[-1]], tf.float32)
        with model_io.eagerly():
            layers = ascent.layers_read(self.model, self._objective, one)
        if self.layer != INPUT:
            check_between(self.model, self.layer, layers, f"the score {self.description!r}")
        return layers

    def __call__(
        self,
        images: np.ndarray,
        activations: np.ndarray | None = None,
        *,
        gradients: bool = True,
    ) -> Evaluation:
        """Evaluate a batch.

        Parameters
        ----------
        images : `[N, H, W, C]` float32 in 0..1; for fed activations also one image for all.
        activations : to feed to the layer, `[N, h, w, C]` or `[N, C]`; by default those of the
            images.
        gradients : whether to compute them.

        Raises
        ------
        InvalidValueError : the network cannot take images, or activations, of this size; or a score
            is not finite.
        """
        if self.layer == INPUT and activations is not None:
            images, activations = activations, None
        arrays = [images] if activations is None else [images, activations]
        shape = tuple(len(array) for array in arrays)
        with model_io.eagerly():
            try:
                run = self._function(shape, gradients)
                tensors = [tf.constant(array, tf.float32) for array in arrays]
                result = [np.asarray(t) for t in run(*tensors, *self._values)]
            except tf.errors.OpError as error:
                self._layers_read()  # tells what is wrong with numbers in the score, if they are
                raise InvalidValueError(
                    f"{self.model.name} cannot compute {self.description!r} from images of shape "
                    f"{images.shape[1:]}: {model_io.reason_of(error)}{self._other_size(images)}"
                ) from error
        scores = result[0]
        if not np.isfinite(scores).all():
            raise InvalidValueError(f"The score {self.description!r} is not finite: {scores}.")
        return Evaluation(scores, result[1], result[2] if gradients else None)

    def _other_size(self, images: np.ndarray) -> str:
        height, width, _ = self.model.image_shape
        if None in (height, width) or images.shape[1:3] == (height, width):
            return ""
        made_for = f"It is made for images of height {height} and width {width}."
        return f". {made_for} {how_to_read(self.model)}"

    def stream(
        self,
        image: np.ndarray,
        points: Iterable[np.ndarray],
        count: int,
        batch_size: int,
        gradients: bool,
    ) -> Iterator[tuple[float, np.ndarray | None]]:
        """Score, and gradient if asked for, of one image with each of `count` activations."""
        for filled, kept in batches(points, count, batch_size):
            scores, _, slopes = self(image[np.newaxis], filled, gradients=gradients)
            for n in range(kept):
                yield float(scores[n]), slopes[n] if gradients else None

    def _function(self, shape: tuple[int, ...], gradients: bool) -> Callable[..., Any]:
        own = (shape, gradients)
        if own not in self._traced:
            key = self._key and (*self._key, *own)
            self._traced[own] = self._skeleton.function(key, lambda: self._trace(shape, gradients))
        return self._traced[own]

    def _trace(self, shape: tuple[int, ...], gradients: bool) -> Callable[..., Any]:
        specs = [tf.TensorSpec([shape[0], None, None, self.model.image_shape[-1]], tf.float32)]
        if len(shape) == 2:
            specs.append(fed_spec(self.model, self.layer, shape[1]))
        specs += [tf.TensorSpec.from_tensor(value) for value in self._values]
        expression, arrays = self._expression, len(shape)

        def score(*tensors: tf.Tensor) -> list[tf.Tensor]:
            images, T_layers, at = self._import(*tensors[:arrays])
            values = tensors[arrays:]
            size = shape[-1]
            scores = [
                _number(expression.build(self._of_image(n, size, images, T_layers), values))
                for n in range(size)
            ]
            result = [tf.stack(scores), self._shown(at)]
            if gradients:
                (slope,) = tf.gradients(tf.add_n(scores), at)
                if slope is None:
                    raise InvalidValueError(
                        f"No gradient reaches {self.layer!r} from the score {self.description!r}. "
                        "A score must be differentiable; method='ablation' needs no gradient."
                    )
                result.append(self._shown(tf.convert_to_tensor(slope)))
            return result

        return tf.function(score, autograph=False).get_concrete_function(*specs)

    def _import(
        self, images: tf.Tensor, fed: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, graphs.T, tf.Tensor]:
        if fed is not None and images.shape[0] == 1:
            images = tf.tile(images, [fed.shape[0], 1, 1, 1])
        given = {} if fed is None else {self.layer: as_layer(self.model, self.layer, fed)}
        layers = self._reads if self.layer == INPUT else [*self._reads, self.layer]
        with gradient_override_map(self._overrides):
            T = import_part(self.model, layers, images, given)
        return images, T, images if self.layer == INPUT else T(self.layer)

    def _shown(self, t: tf.Tensor) -> tf.Tensor:
        t = tf.cast(t, tf.float32)
        return t if self.layer == INPUT else channels_last(self.model, self.layer, t)

    def _of_image(self, n: int, size: int, images: tf.Tensor, T_layers: graphs.T) -> T:
        """T of one image of the batch, so that its score depends on nothing else."""

        def T_of_batch(layer: str) -> tf.Tensor:
            t = T_layers(layer)
            known = self._skeleton.layer(layer_name(layer)).shape
            if not known.rank or known[0] is not None:  # no batch axis: weights, say
                return t
            # Networks that end in a reshape fold positions into the batch for larger images.
            return tf.ensure_shape(t, [size, *t.shape.as_list()[1:]])[n : n + 1]

        return ascent.with_input(T_of_batch, images[n : n + 1], self.model)


def _number(value: Any) -> tf.Tensor:
    value = tf.convert_to_tensor(value, dtype_hint=tf.float32)
    if not value.dtype.is_floating:
        raise InvalidTypeError(f"The score is {value.dtype.name}, not a float.")
    return tf.reduce_sum(tf.cast(value, tf.float32))
