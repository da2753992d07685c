"""The model stands twice in one graph: a caricature pulls an image towards a photo's activations."""
import numpy as np
import tensorflow as tf

import lucid.modelzoo.vision_models as models
import lucid.optvis.param as param
import lucid.optvis.render as render

model = models.EfficientNetLite0()
model.load_graphdef()
photo = np.random.RandomState(3).rand(24, 24, 3).astype(np.float32)

with tf.Graph().as_default() as graph, tf.Session() as sess:
    t_photo = tf.constant(photo)
    t_image = param.image(24)
    T1 = render.import_model(model, t_photo, t_photo, scope="photo")
    T2 = render.import_model(model, t_image, t_image, scope="image")
    a, b = T1("block1a/output"), T2("block1a/output")
    assert a.name.startswith("photo/") and b.name.startswith("image/")
    loss = tf.reduce_mean(tf.squared_difference(a, b))
    train_op = tf.train.AdamOptimizer(.1).minimize(loss)
    tf.global_variables_initializer().run()
    losses = [sess.run([loss, train_op])[0] for _ in range(4)]

assert losses[-1] < losses[0]
