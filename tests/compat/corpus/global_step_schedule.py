"""A weight that grows over the run, read off the global step."""
import tensorflow as tf

import lucid.modelzoo.vision_models as models
import lucid.optvis.objectives as objectives
import lucid.optvis.param as param
import lucid.optvis.render as render
import lucid.optvis.transform as transform

model = models.EfficientNetLite0()
model.load_graphdef()
seen = []


@objectives.wrap_objective
def alpha_schedule(until=4):
    def inner(T):
        step = tf.to_float(tf.train.get_or_create_global_step())
        weight = tf.cond(step < until, lambda: step / until, lambda: tf.constant(1.0))
        seen.append(weight)
        return -weight * tf.reduce_mean(T("input")[..., 3])
    return inner


obj = objectives.channel("block2a/expand", 1) + alpha_schedule(until=2)
with tf.Graph().as_default(), tf.Session() as sess:
    T = render.make_vis_T(model, obj, lambda: param.image(16, alpha=True),
                          transforms=[transform.collapse_alpha_random()])
    tf.global_variables_initializer().run()
    weights = []
    for _ in range(4):
        weights.append(sess.run(seen[0]))
        T("vis_op").run()

assert weights == [0, .5, 1, 1]
