"""Overlays: simplified views of graphs, and what they are made of."""

import time

import pytest
import tensorflow as tf

from lucidx.errors import InvalidTypeError, UnknownLayerError
from lucidx.misc.graph_analysis import filter_overlay, parse_overlay
from lucidx.misc.graph_analysis.overlay_graph import OverlayGraph, OverlayStructure
from lucidx.misc.graph_analysis.property_inference import as_tensor, infer_data_format

tf1 = tf.compat.v1


def conv(x, name, relu=True):
    weights = tf.ones([1, 1, x.shape[-1], 4])
    y = tf.nn.conv2d(x, weights, 1, "SAME", name=f"{name}_conv")
    return tf.nn.relu(y, name) if relu else y


def block(x, name):
    ways = [conv(x, f"{name}_a"), conv(conv(x, f"{name}_b1"), f"{name}_b2")]
    return tf.concat(ways, -1, name)


@pytest.fixture
def graph():
    """Two convolutions, a block, a head at its end, a sum around a convolution, and the end."""
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [1, 8, 8, 3], "image")
        x = conv(conv(x, "first"), "second")
        x = block(x, "block")
        tf.nn.softmax(conv(x, "head", relu=False), name="aside")
        x = tf1.raw_ops.Add(x=x[..., :4], y=conv(x, "inner"), name="sum")
        tf.nn.softmax(tf.nn.relu(x, "late"), name="end")
    return graph


@pytest.fixture
def overlay(graph):
    return filter_overlay.is_dynamic(filter_overlay.ops_whitelist(OverlayGraph(graph)))


def names(nodes):
    return [node.name.removesuffix(":0") for node in nodes]


def test_an_overlay_shows_all_tensors_of_a_graph(graph):
    overlay = OverlayGraph(graph)
    assert [n.name for n in overlay.nodes] == [
        t.name for op in graph.get_operations() for t in op.outputs
    ]
    node = overlay["first:0"]
    assert node is overlay[node] is overlay[graph.get_tensor_by_name("first:0")]
    assert node in overlay and "nothing:0" not in overlay
    assert repr(node) == "<first:0: Relu>"
    assert overlay.get_tf_node("first:0") is node.tf_node is as_tensor(node)
    assert as_tensor(node.tf_node.op) is node.tf_node


def test_nodes_are_joined_through_what_is_not_shown(overlay):
    assert names(overlay["sum:0"].inputs) == ["block", "inner"]
    assert names(overlay["block:0"].consumers) == ["head_conv", "inner_conv", "sum"]
    assert names(overlay["second:0"].extended_inputs) == [
        *("image", "first_conv", "first", "second_conv"),
    ]
    assert names(overlay["late:0"].extended_consumers) == ["end"]


def test_what_is_filtered_may_part_what_it_was_between(overlay):
    keep = ["image:0", "second:0", "end:0"]
    assert names(overlay.filter(keep)["end:0"].inputs) == ["second"]
    parted = overlay.filter(keep, pass_through=False)
    assert not parted["end:0"].inputs
    assert not parted.filter(["image:0", "end:0"])["end:0"].inputs


def test_shapes_are_cut():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 3], "x")
        tf.reshape(tf.ones([6]), tf.shape(x), "y")
    overlay = filter_overlay.cut_shapes(OverlayGraph(graph))
    assert not any(node.op == "Shape" for node in overlay.nodes)
    assert "x:0" not in [node.name for node in overlay["y:0"].extended_inputs]


def test_where_branches_fork_and_meet(overlay):
    assert overlay["block:0"].gcd.name == "second:0"
    assert overlay["second:0"].lcm.name == "block:0"
    assert overlay.gcd(["inner:0", "block:0"]).name == "block:0"
    assert overlay.lcm(["inner:0", "aside:0"]) is None
    assert overlay.gcd([]) is overlay["image:0"].gcd is None
    backwards = list(reversed(overlay.nodes))
    assert overlay.sorted(backwards) == overlay.nodes


def test_chains_of_operations_are_collapsed_into_their_last(overlay):
    collapsed = filter_overlay.collapse_sequence(overlay, ["Conv2D", "Relu"])
    assert "first_conv:0" not in collapsed and "head_conv:0" in collapsed
    structure = collapsed["first:0"].sub_structure
    assert structure.structure_type == "Sequence" and names(structure.children)[-1] == "first"
    assert "first_conv:0" in structure and "second:0" not in structure
    kept = collapsed.filter(["first:0"])
    assert kept["first:0"].sub_structure is structure
    assert overlay["first:0"].sub_structure is None


def test_a_network_is_read_as_sequences_and_branches(overlay):
    overlay = filter_overlay.collapse_sequence(overlay, ["Conv2D", "Relu"])
    parsed = parse_overlay.parse_overlay(overlay)

    def brief(part):
        if part is None:
            return "-"
        if part["type"] == "Node":
            return part["name"].removesuffix(":0")
        inner = " ".join(map(brief, part["children"]))
        brackets = "[{}]" if part["type"] == "Branch" else "({})"
        return brackets.format(inner) + ("!" if "subtype" in part else "")

    assert brief(parsed) == (
        "(image first_conv first second_conv second"
        " [(block_a_conv block_a) (block_b1_conv block_b1 block_b2_conv block_b2)] block"
        " [(head_conv aside)]! [- (inner_conv inner)] sum late end)"
    )


def test_entangled_networks_are_not_read():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [1], "x")
        a, b = tf.exp(x), tf.sin(x)
        tf.add(tf.add(a, b) * a, b)
    overlay = filter_overlay.is_dynamic(OverlayGraph(graph))
    assert parse_overlay.parse_overlay(overlay) is None
    empty = overlay.filter([])
    assert parse_overlay.parse_overlay(empty) is None and not parse_overlay.toplevel_group_data(
        empty
    )


def test_sequences_of_sequences_are_one():
    node = {"type": "Node", "name": "a"}
    nested = {"type": "Sequence", "children": [node, {"type": "Sequence", "children": [node]}]}
    assert parse_overlay.flatten_sequences(nested)["children"] == [node, node]


def test_blocks_are_found_from_the_end(overlay):
    groups = parse_overlay.toplevel_group_data(overlay)
    assert list(groups) == ["block:0"]
    block = groups["block:0"]
    assert block["direction"] == "backward"
    assert block["immediate"] == ["block_a:0", "block_b2:0"]
    assert len(block["all"]) == 6 and "second:0" not in block["all"]


def test_splits_begin_blocks():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [2, 4], "x")
        a, b = tf.split(x, 2, 1, name="split")
        tf.concat([tf.exp(a), tf.sin(b)], 1, name="end")
    groups = parse_overlay.toplevel_group_data(filter_overlay.is_dynamic(OverlayGraph(graph)))
    assert groups["x:0"]["direction"] == "forward"
    assert groups["x:0"]["immediate"] == ["split:0", "split:1"]
    assert groups["end:0"]["direction"] == "backward"


def test_graphviz_is_printed_with_groups(overlay, capsys):
    overlay.graphviz(parse_overlay.toplevel_group_data(overlay))
    printed = capsys.readouterr().out
    assert printed.startswith("digraph") and printed.rstrip().endswith("}")
    assert '"image:0" -> "first_conv:0";' in printed and "subgraph cluster_0" in printed


def test_what_is_not_there_is_named(overlay):
    with pytest.raises(UnknownLayerError, match="'first:0'"):
        overlay["frist:0"]
    with pytest.raises(UnknownLayerError, match="no tensor"):
        OverlayGraph(overlay.tf_graph, ["first"])
    with pytest.raises(InvalidTypeError, match="tensor"):
        overlay[overlay.nodes[0].tf_node.op]
    with pytest.raises(InvalidTypeError):
        as_tensor("first:0")


def test_structures_stand_for_nodes_of_any_depth(overlay):
    first, second = overlay["first:0"], overlay["second:0"]
    structure = OverlayStructure("Branch", {"branches": [first, None], "at": second})
    assert structure.children == [first, second]
    collapsed = overlay.collapse_structures({second: structure})
    assert "first:0" not in collapsed and collapsed["second:0"].sub_structure is structure


def test_the_layout_of_a_node_is_told(overlay):
    assert infer_data_format(overlay["first:0"]) == "NHWC"


def test_inception_is_as_it_was_in_lucid(inception_v1_caffe):
    with tf.Graph().as_default() as graph:
        tf1.import_graph_def(inception_v1_caffe.graph_def, name="")
    start = time.perf_counter()
    overlay = OverlayGraph(graph)
    counts = [len(overlay.nodes)]
    overlay = filter_overlay.is_dynamic(filter_overlay.ops_whitelist(overlay))
    counts.append(len(overlay.nodes))
    overlay = filter_overlay.collapse_sequence(overlay, ["Conv2D", "Relu"])
    counts.append(len(overlay.nodes))
    assert counts == [526, 139, 82]
    parsed = parse_overlay.parse_overlay(overlay)
    assert sum(child["type"] == "Branch" for child in parsed["children"]) == 9
    assert len(parse_overlay.toplevel_group_data(overlay)) == 9
    assert time.perf_counter() - start < 5
