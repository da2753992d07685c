"""Python 2: a training script in the manner of papers' repositories."""
import os, sys, math, random, string, tempfile
import cPickle as pickle
import ConfigParser, Queue, StringIO, threading
from collections import defaultdict, Iterable, OrderedDict
from itertools import izip, imap, ifilter, izip_longest, chain
import numpy as np
import tensorflow as tf
from lucid.misc.io import load, save
FLAGS = tf.app.flags.FLAGS
tf.app.flags.DEFINE_integer("steps", 3, "Steps.")
tf.app.flags.DEFINE_string("dir", os.path.join(tempfile.mkdtemp(), "out"), "Where to.")
class Meter(object):
    """Means."""
    def __init__(self): self.sums = defaultdict(lambda: [0, 0])
    def add(self, **values):
        for k, v in values.iteritems():
            self.sums[k][0] += v; self.sums[k][1] += 1
    def __nonzero__(self): return len(self.sums) > 0
    def __iter__(self): return self
    def next(self):
        if not self.sums: raise StopIteration
        k = self.sums.keys()[0]
        s, n = self.sums.pop(k)
        return k, s / n
def batches(data, size):
    groups = [iter(data)] * size
    for group in izip_longest(*groups):
        yield filter(lambda x: x is not None, group)
def net(x, n_hidden=4, reuse=None):
    with tf.variable_scope("net", reuse=reuse):
        b, w, c = x.get_shape().as_list()[0], x.shape[1], x.shape[2]
        x = tf.reshape(x, [-1, w.value * c.value])
        x = tf.layers.dense(x, n_hidden, activation=tf.nn.relu, name="fc1")
        x = tf.contrib.layers.fully_connected(x, 2, activation_fn=None, scope="fc2")
    return x
def main(_):
    if not tf.gfile.Exists(FLAGS.dir): tf.gfile.MakeDirs(FLAGS.dir)
    rng = np.random.RandomState(0)
    xs = rng.rand(10, 3, 2).astype("float32"); ys = rng.randint(2, size=10)
    with open(os.path.join(FLAGS.dir, "data.pkl"), "w") as f: pickle.dump((xs, ys), f)
    with open(os.path.join(FLAGS.dir, "data.pkl")) as f: xs, ys = pickle.load(f)
    t_x = tf.placeholder(tf.float32, [None, 3, 2], "x"); t_y = tf.placeholder(tf.int64, [None], "y")
    logits = net(t_x)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=t_y))
    acc = tf.reduce_mean(tf.to_float(tf.equal(tf.argmax(logits, dimension=1), t_y)))
    step = tf.Variable(0, trainable=False, name="step")
    rate = tf.train.exponential_decay(.1, step, 2, .9, staircase=True)
    train = tf.train.MomentumOptimizer(rate, .9).minimize(loss, global_step=step)
    tf.summary.scalar("loss", loss)
    merged, saver = tf.summary.merge_all(), tf.train.Saver(max_to_keep=1)
    n_params = sum(reduce(lambda a, b: a * b, [d.value for d in v.get_shape()], 1) for v in tf.trainable_variables())
    print >>sys.stderr, "%d parameters" % n_params,
    print >>sys.stderr
    meter = Meter()
    config = tf.ConfigProto(allow_soft_placement=True)
    with tf.Session(config=config) as sess:
        sess.run(tf.global_variables_initializer())
        writer = tf.summary.FileWriter(FLAGS.dir, sess.graph)
        order = range(len(xs)); random.shuffle(order)
        for i in xrange(FLAGS.steps):
            for chunk in batches(order, 4):
                try:
                    _, l, s = sess.run([train, loss, merged], {t_x: xs[chunk], t_y: ys[chunk]})
                    if math.isnan(l): raise ValueError, "diverged at %d" % i
                except (ValueError, tf.errors.InvalidArgumentError), e:
                    print "stopped:", e
                    raise
                writer.add_summary(s, i)
                meter.add(loss=l, count=len(chunk))
        path = saver.save(sess, os.path.join(FLAGS.dir, "model.ckpt"), global_step=step)
        final = sess.run(acc, {t_x: xs, t_y: ys})
    save({"accuracy": float(final)}, os.path.join(FLAGS.dir, "result.json"))
    assert load(os.path.join(FLAGS.dir, "result.json")).keys() == ["accuracy"]
    assert meter
    for k, v in sorted(meter, cmp=lambda (a, _), (b, __): cmp(a, b)): print k.ljust(8), v
    assert not meter
    table = string.maketrans("ab", "AB")
    assert "cab".translate(table) == "cAB"
    text = StringIO.StringIO()
    print >>text, u"acc %.2f" % final,
    assert text.getvalue().startswith("acc")
    cfg = ConfigParser.ConfigParser(); cfg.add_section("a"); cfg.set("a", "n", "3")
    assert cfg.getint("a", "n") * 1L == 3
    q = Queue.Queue(); q.put(0777)
    assert q.get() == 511 and isinstance([], Iterable) and not isinstance(3, (str, unicode))
    assert path.split("-")[-1] == str(FLAGS.steps * 3) and os.path.exists(path + ".index")
    assert zip(*[(1, 2), (3, 4)])[0] == (1, 3) and map(None, [1], [2, 3]) == [(1, 2), (None, 3)]
if __name__ == "__main__":
    try: tf.app.run()
    except SystemExit, e: assert not e.code
