"""The model as a frozen graph: its nodes, labels and layers."""
import tensorflow as tf

import lucid.modelzoo.vision_models as models

model = models.EfficientNetLite0()
model.load_graphdef()
assert isinstance(model.graph_def, tf.GraphDef)
assert len(model.graph_def.node) > 100
assert model.labels[1] == "goldfish"
assert model.image_shape[0] == 224
names = [layer.name for layer in model.layers]
assert "block2a/expand" in names

with tf.Graph().as_default() as graph:
    t_input = tf.placeholder(tf.float32, [None, None, None, 3])
    T = model.import_graph(t_input, scope="net", forget_xy_shape=True)
    ops = graph.get_operations()
    assert any(op.name.startswith("net/") for op in ops)
    assert T("logits").shape[1].value == 1000
    assert T("logits").get_shape().as_list() == [None, 1000]
