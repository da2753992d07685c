"""Images with other channels than red, green and blue, for a model loaded from a graph."""
import os
import tempfile

import numpy as np
import tensorflow as tf

from lucid.modelzoo.vision_base import Model
from lucid.optvis import objectives, param, render

path = os.path.join(tempfile.mkdtemp(), "tiny.pb")
with tf.Graph().as_default(), tf.Session() as sess:
    images = tf.placeholder(tf.float32, [None, 10, 10, 5], name="images")
    kernel = tf.get_variable("kernel", [3, 3, 5, 4])
    tf.nn.relu(tf.nn.conv2d(images, kernel, [1, 1, 1, 1], "SAME"), name="acts")
    sess.run(tf.global_variables_initializer())
    Model.save(path, image_shape=[10, 10, 5], input_name="images", output_names=["acts"],
               image_value_range=[0, 1])

model = Model.load(path)
obj = objectives.deepdream("acts") + objectives.channel("acts", 2)
imgs = render.render_vis(model, obj, lambda: param.image(10, channels=5), transforms=[],
                         thresholds=(2,), verbose=False)
assert imgs[0].shape == (1, 10, 10, 5)
