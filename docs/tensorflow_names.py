"""How TensorFlow 1's names stand in TensorFlow 2: the data that `lucidx port` goes by.

    python docs/tensorflow_names.py > lucidx/compat/porting/tensorflow_names.json

Reads the TensorFlow that is installed: `tf.compat.v1` is TensorFlow 1's namespace, `tf`
TensorFlow 2's. Run it again with a newer TensorFlow to see what changed.
"""

import inspect
import json
import types

import tensorflow as tf

# Their signature is the same, or a part of the other; what they do is not.
OTHER_MEANING = {
    "where",  # chose whole rows by a vector; now broadcasts it against the last axis
    "while_loop",  # a single loop variable came back without its list
    "nn.softmax_cross_entropy_with_logits",  # the labels got no gradient
    "nn.embedding_lookup",
    "image.extract_glimpse",
    "image.resize_with_pad",
}
OTHER_MODULES = ("summary.",)  # takes a step now
# New names of parameters that stayed what they were.
RENAMED_PARAMETERS = {
    ("arg", "value"),
    ("box_ind", "box_indices"),
    ("dim", "axis"),
    ("dimension", "axis"),
    ("filter", "filters"),
    ("squeeze_dims", "axis"),
    ("tensor", "input"),
    ("value", "input"),
    ("x", "input"),
    ("input", "x"),
    ("values", "inputs"),
    ("features", "input"),
    ("reduction_indices", "axis"),
}
# Made by a metaclass, which hides its signature.
VARIABLE = "caching_device constraint dtype import_scope initial_value name shape trainable"
BY_HAND = {"Variable": [2, *VARIABLE.split(), "validate_shape", "variable_def"]}
NOT_OURS = {"compat", "keras", "estimator", "raw_ops"}
NEVER = [-1]  # no call means the same
MODULE = object()


def namespace(module, prefix=""):
    """Objects of a public module and its submodules, by dotted name; MODULE for submodules."""
    found = {}
    for name in sorted(vars(module)):
        if name.startswith("_") or (name in NOT_OURS and not prefix):
            continue
        value = getattr(module, name, None)
        if not isinstance(value, types.ModuleType):
            found[prefix + name] = value
        elif inspect.getattr_static(value, "__name__", "").startswith("tensorflow._api"):
            found[prefix + name] = MODULE
            found |= namespace(value, f"{prefix}{name}.")
    return found


def same_call(old, new):
    """How many positional arguments, and which keywords, mean the same to both; None if unknown."""
    try:
        old, new = (list(inspect.signature(f).parameters.values()) for f in (old, new))
    except (TypeError, ValueError):
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in old + new):
        return None
    positional = 0
    for before, after in zip(old, new, strict=False):
        pair = (before.name, after.name)
        if before.kind != before.POSITIONAL_OR_KEYWORD or after.kind == after.KEYWORD_ONLY:
            break
        if pair[0] != pair[1] and pair not in RENAMED_PARAMETERS:
            break
        positional += 1
    return [positional, *sorted({p.name for p in old} & {p.name for p in new})]


def classified():
    """Categories, each with names or with what is said of each name."""
    old, new = namespace(tf.compat.v1), namespace(tf)
    places = {}
    for name in sorted(new, key=lambda name: ("experimental" in name, name.count("."), len(name))):
        if callable(new[name]):
            places.setdefault(id(new[name]), name)
    modules = [name for name, value in old.items() if value is MODULE]
    same, only_v1, renamed, differ = [], [], {}, {}
    for name, value in old.items():
        if value is MODULE:
            continue
        if name in BY_HAND:
            differ[name] = BY_HAND[name]
        elif name not in new:
            if id(value) in places:
                renamed[name] = places[id(value)]
            else:
                only_v1.append(name)
        elif new[name] is value or (not callable(value) and new[name] == value):
            same.append(name)
        elif name in OTHER_MEANING or name.startswith(OTHER_MODULES):
            differ[name] = NEVER
        else:
            call = same_call(value, new[name])
            if call is None:
                differ[name] = NEVER
            elif call[0] == len(inspect.signature(value).parameters) < len(call):
                same.append(name)  # more parameters, or another wrapper
            else:
                differ[name] = call
    return {
        "made_with": f"tensorflow {tf.__version__}",
        "modules": " ".join(modules),
        "same": " ".join(same),
        "only_v1": " ".join(only_v1),
        "renamed": renamed,
        "differ": {name: " ".join(map(str, call)) for name, call in differ.items()},
        "only_v2": " ".join(name for name in new if name not in old),
    }


if __name__ == "__main__":
    print(json.dumps(classified(), indent=1))
