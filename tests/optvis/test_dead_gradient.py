"""The warning that no gradient reaches an image says what applies."""

import pytest
import tensorflow as tf

from lucidx.errors import DiagnosisWarning
from lucidx.optvis import render


def warning(model, **options):
    off = lambda T: tf.reduce_mean(tf.nn.relu(T("second") - 1e6))
    with pytest.warns(DiagnosisWarning, match="dead_gradient") as caught:
        render.render_vis(model, off, thresholds=[1], verbose=False, seed=0, **options)
    (found,) = [str(w.message) for w in caught if "dead_gradient" in str(w.message)]
    return found


def test_redirected_gradients_are_advised_where_they_are_off(tiny):
    assert "pass relu_gradient_override=True" in warning(tiny, relu_gradient_override=False)
    redirected = warning(tiny)
    assert "has not helped" in redirected and "relu_gradient_override" not in redirected


def test_saturation_is_explained_where_a_network_has_relu6(tiny):
    assert "ReLU6" not in warning(tiny)
    for node in tiny.graph_def.node:
        if node.op == "Relu":
            node.op = "Relu6"
    assert "saturated, as a ReLU6 is from 6 on" in warning(tiny)
