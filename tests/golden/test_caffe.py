import numpy as np
import pytest
import tensorflow as tf

from lucidx.errors import WeightsNotFoundError
from lucidx.modelzoo import vision_models
from lucidx.optvis import render

RELATIVE_ERROR = 1e-5
ESPRESSO = 967
tf1 = tf.compat.v1


def test_inception_v1_caffe_computes_what_caffe_computed(caffe_record):
    with np.load(caffe_record) as archive:
        recorded = dict(archive)
    data = recorded.pop("data")[None]
    layers = [name for name in recorded if not name.endswith("__mean_std")]
    acts = activations(vision_models.InceptionV1_caffe(), data, layers)
    for name in layers:
        assert relative_error(sampled(acts[name]), recorded[name]) < RELATIVE_ERROR, name
        if f"{name}__mean_std" in recorded:
            mean_std = [acts[name].mean(dtype=float), acts[name].std(dtype=float)]
            assert relative_error(mean_std, recorded[f"{name}__mean_std"]) < RELATIVE_ERROR, name
    assert acts["prob"].argmax() == ESPRESSO


def activations(model, data, layers):
    try:
        nodes = {node.name for node in model.graph_def.node}
    except WeightsNotFoundError as error:
        pytest.skip(str(error))
    with tf.Graph().as_default(), tf1.Session() as session:
        T = render.import_model(model, None, input_map={model.input_name: tf.constant(data)})
        # A layer of Caffe's with an activation in place is a node below a scope of its name here.
        tensors = {name: T(name if name in nodes else f"{name}/{name}")[0] for name in layers}
        return session.run(tensors)


def sampled(acts):
    """Every so many rows, columns and channels, as the record keeps them; vectors are whole."""
    if acts.ndim == 1:
        return acts
    return acts[::4, ::4, ::3] if acts.shape[0] > 30 else acts[::2, ::2, ::2]


def relative_error(actual, recorded):
    return np.linalg.norm(actual - recorded) / np.linalg.norm(recorded)
