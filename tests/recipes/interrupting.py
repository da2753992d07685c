"""Ctrl-C in the middle of a run."""

import _thread

import tensorflow as tf


def after(evaluations, objective):
    """The objective; as it is evaluated for the given number of times, somebody presses Ctrl-C."""
    left = [evaluations]

    def press():
        left[0] -= 1
        if left[0] == 0:
            _thread.interrupt_main()

    def interrupting(T):
        value = objective(T)
        with tf.control_dependencies([tf.numpy_function(lambda: press() or 0, [], tf.int64)]):
            return tf.identity(value)

    return interrupting
