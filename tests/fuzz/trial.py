"""Use damaged files as a user would, in a process of its own: `python trial.py FIRST LAST`.

For each file, lines of JSON go to standard output: its number and "begun", then "loaded" if it was,
and in the end "done" with what came of it. So whoever reads them knows which file a crash or a hang
belongs to, and whether it is in reading the file or in running what it holds.
"""

import json
import os
import random
import resource
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import mutations
import numpy as np
import sound_files
import tensorflow as tf

from lucidx.errors import LucidxError
from lucidx.modelzoo import model_io
from lucidx.modelzoo.torch_checkpoint import read_checkpoint
from lucidx.modelzoo.vision_base import Model

IMAGE = np.random.default_rng(0).uniform(size=(1, 8, 8, 3)).astype(np.float32)
MEMORY = 8 * 2**30


def damaged_graph(rng):
    """A frozen graph."""
    data = rng.choice([*sound_files.graph_files().values()])
    damage = mutations.damage_bytes if rng.random() < 0.2 else mutations.damage_graph
    return "net.pb", damage(data, rng)


def load_graph(path, rng):
    """A model, and a layer or any other node of it that can be computed, as far as one can tell."""
    model = Model.from_graphdef(path, image_value_range=(0, 1))
    names = [layer.name for layer in model.layers]
    if not names or rng.random() < 0.4:
        names.append(rng.choice(model.graph_def.node).name)
    model_io.evaluator(model, names[-1:])
    return model, names[-1]


def use_graph(loaded, rng):
    """Compute the layer, and a gradient."""
    model, name = loaded
    model.activations(IMAGE, name)
    images = tf.constant(IMAGE)
    with tf.GradientTape() as tape:
        tape.watch(images)
        layer = model.function(name)(images)
    try:
        tape.gradient(layer, images)
    except tf.errors.OpError as error:
        # A user's own tape, whose errors are TensorFlow's.
        raise LucidxError(f"in the tape: {type(error).__name__}") from error


def damaged_checkpoint(rng):
    """A torch checkpoint, in either layout."""
    data = rng.choice(sound_files.CHECKPOINTS)
    damage = mutations.damage_bytes if rng.random() < 0.3 else mutations.damage_checkpoint
    return "weights.pth", damage(data, rng)


def load_checkpoint(path, rng):
    """Its arrays."""
    return read_checkpoint(path)


def use_checkpoint(arrays, rng):
    """Read their numbers."""
    for array in arrays.values():
        array.copy()


def damaged_record(rng):
    """A manifest, or a saved model with the same in it."""
    if rng.random() < 0.5:
        return "manifest.json", mutations.damage_json(sound_files.manifest(), rng)
    record = mutations.damage_json(json.dumps(sound_files.RECORD), rng)
    return "saved.pb", sound_files.saved(record)


def load_record(path, rng):
    """The model that is described."""
    return Model.load(path)


def use_record(model, rng):
    """Look at it, and compute a layer."""
    repr(model), str(model), model.to_json()
    names = [layer.name for layer in model.layers]
    for what in ("labels", "synset_ids"):
        if rng.random() < 0.3:
            getattr(model, what)
    if rng.random() < 0.2:
        channels = model.image_shape[-1] if model.image_shape[-1] in range(9) else 3
        model.activations(IMAGE[..., :1].repeat(channels, -1), names[-1] if names else "conv")


KINDS = {
    "graph": (damaged_graph, load_graph, use_graph),
    "checkpoint": (damaged_checkpoint, load_checkpoint, use_checkpoint),
    "manifest": (damaged_record, load_record, use_record),
}


def kind_of(number):
    """Of twenty files in a row, nine are graphs, seven are checkpoints and four are manifests."""
    place = number % 20
    return "graph" if place < 9 else "checkpoint" if place < 16 else "manifest"


def damaged(number):
    """Name and content of a damaged file, and the random numbers that its use continues with."""
    rng = random.Random(number)
    damage, _, _ = KINDS[kind_of(number)]
    return *damage(rng), rng


def outcome(number, directory, report):
    """What comes of using a file: "accepted", the lucidx error's name, or "FAILED" and why.

    `report` is called with "loaded" in between.
    """
    name, content, rng = damaged(number)
    path = Path(directory, name)
    path.write_bytes(content)
    _, load, use = KINDS[kind_of(number)]
    try:
        loaded = load(path, rng)
        report("loaded")
        use(loaded, rng)
    except LucidxError as error:
        in_tape = str(error).startswith("in the tape")
        return str(error) if in_tape else type(error).__name__
    except BaseException as error:
        places = traceback.extract_tb(error.__traceback__)[::-1]
        where = " < ".join(f"{Path(p.filename).name}:{p.lineno}" for p in places)
        return f"FAILED {type(error).__name__}: {str(error)[:300]} ({where})"
    return "accepted"


def main(first, last):
    """Announce and use each file."""
    # Only the protocol goes to standard output.
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    tf.get_logger().setLevel("ERROR")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "net.pb").write_bytes(sound_files.graph_files()["mobile"])
        Path(directory, "labels.txt").write_text("a\nb\nc\nd\ne\n")
        for number in range(first, last):

            def report(*what, number=number):
                print(json.dumps([number, *what]), file=reports)

            report("begun")
            report("done", outcome(number, directory, report))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
