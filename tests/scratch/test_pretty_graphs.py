"""Drawings of networks."""

import re
import xml.etree.ElementTree

import pytest
import tensorflow as tf

from lucidx.errors import InvalidValueError, UnknownLayerError
from lucidx.modelzoo.vision_base import Model
from lucidx.scratch.pretty_graphs import format_graph, visualizations
from lucidx.scratch.pretty_graphs import graph as graphs

tf1 = tf.compat.v1


def drawn(edges):
    """Graph of `{name: (op, inputs)}`."""
    graph = graphs.Graph()
    for name, (op, inputs) in edges.items():
        graph.add_node(graphs.Node(name, op, graph))
        for source in inputs:
            graph.add_edge(source, name)
    return graph


@pytest.fixture
def graph():
    return drawn(
        {
            "in/x": ("Placeholder", []),
            "in/a": ("Conv2D", ["in/x"]),
            "in/a_relu": ("Relu", ["in/a"]),
            "in/b": ("Conv2D", ["in/x"]),
            "in/shape": ("Shape", ["in/x"]),
            "in/c": ("ConcatV2", ["in/a_relu", "in/b"]),
            "in/r": ("Reshape", ["in/c", "in/shape"]),
            "in/end": ("Softmax", ["in/r"]),
            "const": ("Const", []),
        }
    )


@pytest.fixture
def model():
    def conv(x, name):
        return tf.nn.relu(tf.nn.conv2d(x, tf.ones([1, 1, x.shape[-1], 4]), 1, "SAME"), name)

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], "image")
        a = conv(x, "first")
        b = tf.concat([conv(a, "left"), conv(conv(a, "up"), "right")], -1, "both")
        tf.nn.softmax(tf.reduce_mean(b, [1, 2]), name="end")
    return Model.from_graphdef(
        graph.as_graph_def(), "image", image_value_range=(0, 1), name="Small"
    )


@pytest.fixture
def shown(monkeypatch):
    pages = []
    monkeypatch.setattr(visualizations, "_display_html", pages.append)
    return pages


def test_graphs_of_graphdefs_have_its_operations_and_data():
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [4], "x")
        a, b = tf.split(x, 2, name="s")
        with tf.control_dependencies([x]):
            tf.add(a, b, "y")
    found = graphs.Graph.from_graphdef(graph.as_graph_def())
    assert [n.name for n in found["y"].inputs] == ["s"]
    assert [n.name for n in found["s"].consumers] == ["y"]
    assert repr(found["y"]) == "<y: AddV2>"


def test_filtering_joins_or_parts(graph):
    kept = graphs.filter_graph(graph, ["in/x", "in/end"])
    assert [n.name for n in kept["in/end"].inputs] == ["in/x"]
    assert not graphs.filter_graph(graph, ["in/x", "in/end"], pass_through=False)["in/end"].inputs
    assert [n.name for n in graphs.filter_graph_cut_shapes(graph)["in/r"].inputs] == ["in/c"]
    assert "const" not in graphs.filter_graph_dynamic(graph).name_map
    assert set(graphs.filter_graph_ops(graph, ["Relu"]).name_map) == {"in/a_relu"}
    collapsed = graphs.filter_graph_collapse_sequence(graph, ["Conv2D", "Relu"])
    assert [n.name for n in collapsed["in/a_relu"].inputs] == ["in/x"]
    assert "in/b" in collapsed.name_map


def test_names_are_clipped_for_people_only(graph):
    clipped = graphs.clip_node_names(graph, "in/")
    assert clipped["in/a"].pretty_name == "a" and graph["in/a"].pretty_name == "in/a"
    copy = clipped["in/a"].copy()
    assert copy is not clipped["in/a"] and copy.pretty_name == "a"


def test_blocks_end_where_their_branches_meet(graph):
    assert graphs.find_groups(graph) == {"in/c": ["in/a", "in/a_relu", "in/b", "in/c"]}


def test_graphviz_is_printed(graph, capsys):
    graph.graphviz(graphs.find_groups(graph))
    assert '"in/x" -> "in/a";' in capsys.readouterr().out


def test_what_is_not_there_and_what_is_there_twice_is_named(graph):
    with pytest.raises(UnknownLayerError, match="in/a"):
        graph["in_a"]
    with pytest.raises(InvalidValueError, match="already"):
        graph.add_node(graph["in/a"].copy())


def test_no_two_nodes_are_drawn_over_each_other(model):
    rendered = format_graph.complete_render_model_graph(model)
    width, height = rendered["shape"]
    boxes = rendered["node_boxes"]
    assert set(boxes) == {"image", "first", "left", "up", "right", "both", "end"}
    for name, (left, top, right, bottom) in boxes.items():
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        for other, box in boxes.items():
            apart = left >= box[2] or right <= box[0] or top >= box[3] or bottom <= box[1]
            assert apart or other == name
    assert boxes["image"][2] <= boxes["first"][0] and boxes["both"][2] <= boxes["end"][0]
    assert boxes["left"][3] <= boxes["right"][1]


def test_drawings_say_what_they_show_and_are_sound_svg(model):
    rendered = format_graph.complete_render_model_graph(model)
    root = xml.etree.ElementTree.fromstring(f"<svg>{rendered['svg_inner']}</svg>")
    assert {g.get("data-tf-name") for g in root.iter("g")} >= set(rendered["node_boxes"])
    groups = [r.get("data-group-tf-name") for r in root.iter("rect")]
    assert [group for group in groups if group] == ["both"]


def test_drawings_leave_the_list_of_operations_as_it_is(model):
    before = list(graphs.standard_include_ops)
    drawn = format_graph.complete_render_model_graph(model, custom_ops=["Mean"])
    assert len(drawn["node_boxes"]) == 8 and graphs.standard_include_ops == before


def test_googlenet_is_drawn_as_lucid_drew_it(inception_v1_caffe):
    rendered = format_graph.complete_render_model_graph(inception_v1_caffe)
    assert rendered["shape"] == [750, 92] and len(rendered["node_boxes"]) == 82


def test_residual_networks_are_drawn_with_their_sums_and_without_their_biases(efficientnet, shown):
    drawn = format_graph.complete_render_model_graph(efficientnet)
    ops = re.findall('data-tf-op="(.*?)"', drawn["svg_inner"])
    assert ops.count("AddV2") == 9
    visualizations.display_model(efficientnet)
    assert shown[0].count("<circle") == 9


def test_ways_may_meet_in_operations_that_the_user_names(shown):
    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, [None, 8, 8, 3], "image")
        a = tf.nn.relu(x, "a")
        b = tf.multiply(tf.nn.relu(a, "b"), tf.nn.softmax(a, name="c"), "meet")
        d = tf.multiply(tf.nn.relu(b, "d"), tf.nn.softmax(b, name="e"), "meet_again")
        tf.nn.relu(tf.multiply(a, d), "end")
    model = Model.from_graphdef(graph.as_graph_def(), "image", image_value_range=(0, 1), name="SE")
    with pytest.raises(InvalidValueError, match=r"entangled.*custom_ops=\['Mul'\]"):
        visualizations.display_model(model)
    visualizations.display_model(model, custom_ops=["Mul"])
    visualizations.model_align_display(model, model, {}, custom_ops=iter(["Mul"]))
    assert [page.count('data-tf-op="Mul"') for page in shown] == [3, 6]


def test_heads_are_drawn_below_the_way(inception_v1):
    boxes = format_graph.complete_render_model_graph(inception_v1)["node_boxes"]
    assert boxes["softmax2"][0] == max(box[0] for box in boxes.values())


def test_entangled_networks_are_refused():
    entangled = drawn(
        {
            "x": ("Placeholder", []),
            "a": ("Conv2D", ["x"]),
            "b": ("Conv2D", ["x"]),
            "c": ("Add", ["a", "b"]),
            "d": ("Mul", ["a", "c"]),
            "e": ("Add", ["d", "b"]),
        }
    )
    with pytest.raises(InvalidValueError, match="entangled"):
        format_graph.parse_graph(entangled)


def test_alignment():
    assert [format_graph.alignment_func(n)(10, 4) for n in ("start", "middle", "end")] == [0, 3, 6]
    with pytest.raises(InvalidValueError, match="start"):
        format_graph.alignment_func("left")
    inner = format_graph.one_fragement("<rect/>", (20, 20), inner_shape=(10, 10))
    assert "translate(5 5)" in inner.shift((1, 2)).render() and inner.shift((1, 2)).box[:2] == (
        1,
        2,
    )
    padded = format_graph.FragmentContainer([inner], (20, 20)).pad((3, 1))
    assert padded.shape == (26, 22) and padded.box == (3, 1, 23, 21)


def test_models_are_displayed_without_loading_anything(model, shown):
    visualizations.display_model(model, {"first": "the </script> first"})
    visualizations.model_align_display(model, model, {("first", "up"): 0.5})
    visualizations.display_tooltips_name(".node", "data-name")
    visualizations.vpad(40)
    pages = "".join(shown)
    assert "data-tf-name" in shown[0] and 'stroke-opacity="0.5"' in pages and "height:40px" in pages
    assert not re.search(r"src=|https?://(?!www\.w3\.org)", pages)
    assert len(re.findall("</script>", pages)) == 2


def test_lines_go_between_nodes_that_are_drawn(model, shown):
    with pytest.raises(UnknownLayerError, match="first"):
        visualizations.model_align_display(model, model, {("first", "frist"): 1})
    assert visualizations.p((1, 2.5), 3) == "1 5.5"
