"""TensorFlow 1's names: which TensorFlow 2 has, has under another name, or keeps in compat.v1."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Collection
from typing import Literal, NamedTuple

Standing = Literal["same", "differ", "renamed", "only_v1", "module", "contrib", "unknown"]

FLAGS = "app.flags"  # a module that does not list what it has
# Modules of its insides that programs used, without what TensorFlow 1 had there: the public ones.
PUBLIC = re.compile(r"^python\.framework\.graph_util(_impl)?(?=\.|$)")


class Name(NamedTuple):
    """What a dotted name of TensorFlow 1 became.

    Attributes
    ----------
    standing : "same", in TensorFlow 2 under the same name; "differ", there too, with other
        parameters or another meaning; "renamed"; "only_v1", in `tf.compat.v1` alone; "module";
        "contrib", gone; "unknown", not TensorFlow's.
    length : how many of the parts of the dotted name are the name; the rest are its attributes.
    now : its dotted name in TensorFlow 2, without "tf.".
    """

    standing: Standing
    length: int
    now: str


def find(dotted: str) -> Name:
    """What became of a name, such as "train.AdamOptimizer" or "GraphKeys.LOSSES".

    Parameters
    ----------
    dotted : the name without "tf.", perhaps with attributes.
    """
    if (name := public(dotted)) != dotted:
        found = find(name)
        return found._replace(length=found.length + dotted.count(".") - name.count("."))
    parts = dotted.split(".")
    if parts[0] == "contrib":
        return Name("contrib", len(parts), dotted)
    if parts[0] in ("compat", "keras", "python", "estimator") or any(
        part.startswith("__") for part in parts
    ):
        return Name("same", len(parts), dotted)
    if f"{dotted}.".startswith(f"{FLAGS}."):
        return Name("only_v1", 2, f"compat.v1.{FLAGS}")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        standing = _standings().get(name)
        if standing == "module" and length < len(parts):
            break
        if standing is not None:
            return Name(standing, length, _successor(name, standing))
    return Name("unknown", len(parts), dotted)


def public(dotted: str) -> str:
    """Public name of what a program may have from TensorFlow's insides, if that is no more there.

    Parameters
    ----------
    dotted : such as "python.framework.graph_util.convert_variables_to_constants".
    """
    return PUBLIC.sub("graph_util", dotted)


def means_the_same(dotted: str, positional: int, keywords: Collection[str]) -> bool:
    """Whether TensorFlow 2 understands a call of a name that differs as TensorFlow 1 did.

    Parameters
    ----------
    dotted : a name whose standing is "differ".
    positional : number of the call's positional arguments.
    keywords : names of its keyword arguments.
    """
    known, *same = _data()["differ"][dotted].split()
    return positional <= int(known) and set(keywords) <= set(same)


def module_in_version1(dotted: str) -> str | None:
    """Dotted name of the module that has all that a module of TensorFlow 1 had, if there is one.

    Parameters
    ----------
    dotted : of the module, without "tensorflow."; "" for TensorFlow itself.
    """
    if dotted in ("", "compat.v1"):
        return "tensorflow.compat.v1"
    standing = find(dotted).standing
    return f"tensorflow.compat.v1.{dotted}" if standing == "module" else None


def general(dotted: str) -> str:
    """Whole name of what a program may have from `tensorflow.compat.v1`, as TensorFlow 1 had it."""
    return re.sub(r"^tensorflow\.compat\.v1(?=\.|$)", "tensorflow", dotted)


def _successor(name: str, standing: Standing) -> str:
    if standing == "renamed":
        return _data()["renamed"][name]
    return f"compat.v1.{name}" if standing in ("only_v1", "module") else name


@functools.cache
def _standings() -> dict[str, Standing]:
    data = _data()
    words = {"module": "modules", "same": "same", "only_v1": "only_v1"}
    found = {name: standing for standing, key in words.items() for name in data[key].split()}
    found |= dict.fromkeys(data["only_v2"].split(), "same")
    found |= dict.fromkeys(data["differ"], "differ")
    return found | dict.fromkeys(data["renamed"], "renamed")


@functools.cache
def _data() -> dict:
    """What docs/tensorflow_names.py wrote."""
    file = importlib.resources.files(__package__) / "tensorflow_names.json"
    return json.loads(file.read_text("utf-8"))
