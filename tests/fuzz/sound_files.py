"""Files that lucidx reads well: what the fuzzer starts from."""

import functools
import json

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from torch_files import legacy_file, small_checkpoint, zip_file

import lucidx
from lucidx.modelzoo import graphs, util

tf1 = tf.compat.v1


def weights(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def mobile():
    """Convolutions, batch norms and pooling, with a residual connection and a dense head."""
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    x = tf.nn.conv2d(x, weights(3, 3, 3, 4), 2, "SAME", name="conv")
    x, *_ = tf1.nn.fused_batch_norm(
        x, np.ones(4, "f"), weights(4), np.zeros(4, "f"), np.ones(4, "f"), is_training=False
    )
    skipped = tf.nn.relu6(x, name="relu6")
    x = tf.nn.depthwise_conv2d(skipped, weights(3, 3, 4, 1), [1, 1, 1, 1], "SAME", name="depth")
    x = tf.add(tf.nn.bias_add(x, weights(4)), skipped, name="skip")
    x = tf.nn.max_pool2d(x, 2, 2, "VALID", name="pool")
    x = tf.reshape(x, [-1, 2 * 2 * 4], name="flat")
    x = tf.nn.bias_add(tf.matmul(x, weights(16, 5)), weights(5), name="scores")
    tf.nn.softmax(x, name="probabilities")


def inception():
    """A block of towers, normalization over channels, padding, and channels first at the end."""
    x = tf1.placeholder(tf.float32, [None, None, None, 3], name="input")
    x = tf.nn.lrn(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), name="norm")
    towers = [tf.nn.relu(tf.nn.conv2d(x, weights(1, 1, 3, n), 1, "SAME")) for n in (1, 2)]
    towers.append(tf.nn.avg_pool2d(tf.nn.elu(x), 3, 1, "SAME"))
    x = tf.concat(towers, -1, name="mixed")
    x = tf.nn.leaky_relu(tf.transpose(x, [0, 3, 1, 2]), name="leaky")
    x = tf.nn.bias_add(x, weights(6), data_format="NC..", name="bias")
    tf.squeeze(tf.reduce_mean(x, [2, 3], keepdims=True), [2, 3], name="pooled")


def reshaping():
    """Operations that cut, repeat, look up and resize."""
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    shape = tf.shape(x)
    big = tf1.image.resize_bilinear(x, shape[1:3] * 2, name="resized")
    near = tf1.image.resize_nearest_neighbor(x, [16, 16])
    x = tf.add(big, near, name="sum")
    x = tf.concat(tf.split(x, [1, 2], -1)[::-1], -1)
    x = tf.nn.relu(tf.tile(x[:, ::2, 1:-1], [1, 1, 1, 2]), name="tiled")
    x = tf.nn.depth_to_space(tf.nn.space_to_depth(x, 2), 2, name="there_and_back")
    x = tf.nn.relu(tf.gather(x, [0, 2, 1], axis=3) + tf.fill([3], 0.5), name="picked")
    top = tf.nn.top_k(tf.reduce_max(x, [1, 2]), 2)
    places = tf.one_hot(top.indices, 3) + tf.cast(tf.range(0, 3, 1), tf.float32)
    x = tf.add(tf.stack(tf.unstack(places, axis=1), axis=1), top.values[..., None], name="places")
    tf.nn.tanh(tf.einsum("nij,jk->nik", x, weights(3, 4)), name="einsum")


def transposed():
    """Operations that decoders and attention use."""
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    batch = tf.shape(x)[0]
    x = tf.nn.conv2d_transpose(x, weights(3, 3, 2, 3), [batch, 16, 16, 2], 2, name="deconv")
    x = tf.nn.conv2d(x, weights(3, 3, 2, 2), 1, "VALID", dilations=2, name="dilated")
    x = tf.nn.softplus(tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), name="to_batch")
    x = tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]])
    x = tf.image.extract_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME")
    x = tf.nn.selu(tf.reshape(x, [batch, -1, 8]), name="patches")
    attention = tf.nn.softmax(tf.matmul(x, x, transpose_b=True), name="attention")
    x = tf.add(tf.matmul(attention, x), tf.cumsum(x, 1), name="mixture")
    x = tf.where(x > 0, x, tf.reverse(x, [1]))
    tf.nn.relu(tf.clip_by_value(tf.pow(x, 2.0), 0.0, 9.0), name="squares")


def old_loop():
    """A loop of separate operations, as TensorFlow 1 wrote them."""
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    v2 = tf1.control_flow_v2_enabled()
    tf1.disable_control_flow_v2()
    try:
        x = tf1.while_loop(
            lambda i, _: i < 3, lambda i, t: (i + 1, tf.nn.relu(t * 0.9)), (tf.constant(0), x)
        )[1]
        x = tf1.cond(tf.reduce_mean(x) > 0, lambda: x + 1.0, lambda: x - 1.0)
    finally:
        (tf1.enable_control_flow_v2 if v2 else tf1.disable_control_flow_v2)()
    tf.nn.relu(x, name="out")


def functions():
    """Functions: called, chosen between, and repeated."""
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")

    @tf.function(autograph=False)
    def block(t):
        return tf.nn.relu(tf.nn.conv2d(t, weights(1, 1, 3, 3), 1, "SAME"))

    @tf.function(autograph=False)
    def network(t):
        t = tf.while_loop(lambda i, _: i < 2, lambda i, t: (i + 1, block(t)), (0, t))[1]
        return tf.cond(tf.reduce_mean(t) > 0.5, lambda: t, lambda: 2.0 * t)

    tf.nn.relu(network(x), name="out")


def recurrent():
    """A loop that collects what it computes in a list."""
    x = tf1.placeholder(tf.float32, [None, 8, 8, 3], name="input")
    rows = tf.transpose(tf.reshape(x, [-1, 8, 24]), [1, 0, 2])

    @tf.function(autograph=False)
    def scan(rows):
        array = tf.TensorArray(tf.float32, 8, element_shape=[None, 4])

        def step(i, state, array):
            state = tf.tanh(tf.matmul(rows[i], weights(24, 4)) + state)
            return i + 1, state, array.write(i, state)

        start = (0, tf.zeros([tf.shape(rows)[1], 4]), array)
        return tf.while_loop(lambda i, *_: i < 8, step, start)[2].stack()

    tf.nn.relu(tf.transpose(scan(rows), [1, 0, 2]), name="out")


GRAPHS = (mobile, inception, reshaping, transposed, old_loop, functions, recurrent)


@functools.cache
def graph_files():
    """The frozen graphs of `GRAPHS`, the same in every process."""
    # In order: what was built before can leave traces in what is built next.
    made = {build.__name__: _graph_bytes(build) for build in GRAPHS}
    return {**made, "efficientnet": _efficientnet().SerializeToString(deterministic=True)}


def _efficientnet():
    """The first blocks of a real network."""
    graph_def = lucidx.load("EfficientNetLite0").graph_def
    sums = [node.name for node in graph_def.node if node.op in ("Add", "AddV2")]
    return graphs.prune(graph_def, sums[:2])


def _graph_bytes(build):
    with tf.Graph().as_default() as graph:
        build()
    graph_def = graph.as_graph_def()
    text = text_format.MessageToString(graph_def)
    for i, name in enumerate(_functions(graph_def)):
        text = text.replace(f'"{name}"', f'"function{i}"')
    canonical = text_format.Parse(text, tf1.GraphDef())
    canonical.library.function.sort(key=lambda function: function.signature.name)
    return canonical.SerializeToString(deterministic=True)


def _functions(graph_def):
    """Names of functions, in the order in which nodes name them."""
    bodies = {f.signature.name: f.node_def for f in graph_def.library.function}
    found, stack = [], list(graph_def.node)[::-1]
    while stack:
        node = stack.pop()
        for _, attr in sorted(node.attr.items()):
            name = attr.func.name
            if name and name not in found:
                found.append(name)
                stack += bodies[name][::-1]
    return found


CHECKPOINTS = tuple(small_checkpoint(layout) for layout in (legacy_file, zip_file))

RECORD = {
    "input_name": "input",
    "image_shape": [8, 8, 3],
    "image_value_range": [[-1, 0, -1], [1, 1, 2.5]],
    "is_BGR": True,
    "labels": list("abcde"),
    "synset_ids": ["n01440764", "n01443537", "n01484850", "n01491361", "n01494475"],
    "layers": [
        {"name": "conv", "depth": 4, "tags": ["conv"]},
        {"name": "scores", "depth": 5, "tags": []},
    ],
    "name": "Mobile",
    "dataset": "none",
}


def manifest():
    """What a manifest says of `net.pb` beside it."""
    paths = {"model_path": "./net.pb", "labels_path": "./labels.txt", "type": "frozen"}
    return json.dumps({**RECORD, **paths, "layers": ["conv", "scores"]})


def saved(record):
    """A model as it is saved: a graph with a record, given as JSON, in it."""
    graph_def = tf1.GraphDef.FromString(graph_files()["mobile"])
    util.infuse_metadata(graph_def, {})
    (node,) = (node for node in graph_def.node if node.name == util.metadata_node_name)
    node.attr["value"].tensor.string_val[:] = [record]
    return graph_def.SerializeToString()
