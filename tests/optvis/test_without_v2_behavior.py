"""Programs that switch TensorFlow 2's behaviour off at their start, as many of Lucid's day do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()

from lucidx.optvis import objectives, overrides, param, render
"""

PARTS = """
from lucidx.misc.gradient_override import use_gradient
from lucidx.optvis.style import StyleLoss, gram_style

A = np.arange(240, dtype=np.float32).reshape(2, 5, 6, 4)

# Objectives, of which some have weights and directions that are tensors.
with tf.Graph().as_default(), tf.Session() as session:
    acts = tf.placeholder(tf.float32, [2, None, None, 4])
    first = tf.nn.bias_add(tf.constant(np.moveaxis(A, -1, 1)), tf.zeros(4), data_format="NCHW")
    T = {"layer": acts, "input": acts, "first": first, "labels": list("abcd")}.__getitem__
    weight = tf.Variable(3.0)
    channel = objectives.channel("layer", 1)
    wanted = {
        channel - 2 * objectives.neuron("layer", -1, x=-1, y=-6): 119 - 2 * 159,
        weight * channel: 3 * 119,
        (1 - channel) / np.float32(2): -59,
        objectives.direction("layer", np.ones(4), 2): 477.8299,
        objectives.direction("layer", tf.ones(4)): 478,
        objectives.tensor_direction("layer", np.ones((3, 2, 4))): 478,
        objectives.class_logit("layer", "b", batch=1): 30 * 179,
        objectives.total_variation("layer", batch=np.int64(0)): 2704,
        objectives.channel("first", 1, batch=1): 179,
    }
    session.run(tf.global_variables_initializer())
    values = session.run([objective(T) for objective in wanted], {acts: A})
    np.testing.assert_allclose([np.sum(v) for v in values], list(wanted.values()), rtol=1e-5)

# Redirected gradients, for 17 updates.
with tf.Graph().as_default(), tf.Session() as session:
    x = tf.get_variable("x", initializer=tf.fill([1, 4], -100.0))
    with overrides.default_overrides():
        y = tf.nn.relu(x)
    step = tf.train.get_or_create_global_step()
    update = tf.train.GradientDescentOptimizer(1.0).minimize(-tf.reduce_sum(y), step)
    session.run(tf.global_variables_initializer())
    for _ in range(20):
        session.run(update)
    np.testing.assert_allclose(session.run(x), -83)

# A function with a gradient of its own.
with tf.Graph().as_default(), tf.Session() as session:
    a = tf.constant(2.0)
    b = use_gradient(lambda op, grad: 42 * grad * op.inputs[0])(lambda t, k: k * t)(a, k=3)
    assert session.run([b, tf.gradients(b, a)[0]]) == [6, 84]

# Style, averaged.
with tf.Graph().as_default(), tf.Session() as session:
    acts = tf.placeholder(tf.float32, A.shape)
    loss = StyleLoss([acts], ema_decay=0.5)
    session.run(tf.global_variables_initializer())
    loss.set_style({acts: A})
    gram = session.run(gram_style(acts), {acts: A})
    np.testing.assert_allclose(session.run(loss.target_vars[0]), gram, rtol=1e-5)
    for part in (0.5, 0.75):
        average = session.run(loss.effective_grams[0], {acts: A})
        np.testing.assert_allclose(average, part * gram, rtol=1e-5)
print("done")
"""

RENDERING = """
from conftest import make_tiny_model

model = make_tiny_model()
(image,) = render.render_vis(
    model, "second:3", lambda: param.image(16), thresholds=(2,), verbose=False, seed=1
)
assert image.shape == (1, 16, 16, 3) and np.isfinite(image).all()
with tf.Graph().as_default(), tf.Session() as session:
    T = render.make_vis_T(model, "second:3", lambda: param.image(16))
    tf.global_variables_initializer().run()
    T("vis_op").run()
    assert np.isfinite(T("loss").eval())
print("done")
"""


@pytest.mark.slow
def test_objectives_overrides_and_style():
    run(PARTS)


@pytest.mark.slow
def test_rendering():
    run(RENDERING)


def run(program):
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-c", START + program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("done"), done.stderr[-3000:]
