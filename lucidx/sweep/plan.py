"""What a sweep is to draw: made once, before the work, and kept in `sweep.json`.

Pictures depend on the plan only. Batches are a part of it, so that it is the same work whoever does
it, and whenever.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import lucidx
from lucidx import picture_cache
from lucidx.arguments import whole
from lucidx.basis import depth_of, layer_name
from lucidx.errors import CorruptFileError, InvalidTypeError, InvalidValueError, did_you_mean
from lucidx.modelzoo import model_io
from lucidx.optvis import defaults
from lucidx.optvis.objectives_util import static_index

if TYPE_CHECKING:
    from lucidx.basis import Basis
    from lucidx.modelzoo.vision_base import Layer, Model

ALGORITHM = 1  # to be raised when pictures come out different
_LONGEST_NAME = 80  # characters of a layer's name in those of files


class Batch(NamedTuple):
    """Pictures that are drawn at once.

    Attributes
    ----------
    name : of the batch, and of the files that tell that it is done.
    layer, directory, width, height : as in `LayerPlan`.
    channels : to draw; for directions, which rows.
    filled : as many pictures are drawn, the same for all batches of the layer, so that they share
        what is traced.
    """

    name: str
    layer: str
    directory: str
    width: int
    height: int
    channels: tuple[int, ...]
    filled: int


@dataclass(frozen=True)
class LayerPlan:
    """What is drawn of a layer.

    Attributes
    ----------
    layer : its name.
    directory : name of the directory for its pictures: the layer's, as far as names of files can be
        like those of layers.
    width, height : of pictures, in pixels.
    channels : to draw, in this order; for directions, which rows.
    """

    layer: str
    directory: str
    width: int
    height: int
    channels: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What a sweep is to draw.

    Attributes
    ----------
    model : what is known of it: name, graph_sha256 (of the graph, and of how it is fed),
        input_name, image_value_range, is_BGR.
    settings : what was asked for; all that has to be equal for a sweep to go on.
    layers : what is drawn of which.
    """

    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    layers: tuple[LayerPlan, ...]

    @property
    def batches(self) -> list[Batch]:
        """The units of work."""
        return [batch for layer in self.layers for batch in _batches(layer, self.settings["batch"])]

    @property
    def pictures(self) -> int:
        """How many pictures there are to draw."""
        return sum(len(layer.channels) for layer in self.layers)

    def to_json(self) -> str:
        """The content of `sweep.json`."""
        content = {**asdict(self), "batches": [batch._asdict() for batch in self.batches]}
        return f"{json.dumps(content, indent=1)}\n"


def from_json(text: str | bytes, name: str) -> Plan:
    """The plan in a file called `name`.

    Raises
    ------
    CorruptFileError : it is no plan of a sweep.
    """
    try:
        content = json.loads(text)
        layers = tuple(
            LayerPlan(
                str(layer["layer"]),
                str(layer["directory"]),
                whole("width", layer["width"]),
                whole("height", layer["height"]),
                tuple(whole("channel", channel, 0) for channel in layer["channels"]),
            )
            for layer in content["layers"]
        )
        plan = Plan(dict(content["model"]), dict(content["settings"]), layers)
        names = [layer.layer for layer in layers]
        directories = [layer.directory for layer in layers]
        if directories == list(_directories(names)) and json.loads(plan.to_json()) == content:
            return plan
    except (ValueError, TypeError, LookupError, RecursionError, AttributeError):
        pass
    raise CorruptFileError(f"{name} is damaged. Remove the directory to start anew.")


def settings_of(
    model: Model,
    layers: str | Layer | Iterable[str | Layer],
    channels: str | int | Iterable[int],
    basis: Basis | None,
    images: Mapping[str, Any] | None,
    size: int,
    steps: int,
    seed: int,
    batch: int,
) -> dict[str, Any]:
    """What is asked for, checked; as in `Plan.settings`.

    Of a basis, it is how many members there are and digests of their names and directions.

    Raises
    ------
    InvalidTypeError, InvalidValueError, UnknownLayerError
    """
    if seed != whole("seed", seed, 0) or seed >= 2**63:
        raise InvalidValueError(f"seed is less than 2**63, not {seed}.")
    return {
        "lucidx": lucidx.__version__,
        "algorithm": ALGORITHM,
        "basis": basis and _about_basis(basis),
        "layers": _layer_names(model, layers),
        "channels": _channels(channels),
        "images": images and dict(images),
        "size": whole("size", size, 16),
        "steps": whole("steps", steps),
        "seed": seed,
        "batch": whole("batch", batch),
    }


def most_active(settings: Mapping[str, Any]) -> int | None:
    """For channels "top:k": k."""
    found = re.fullmatch(r"top:([1-9]\d*)", str(settings["channels"]))
    return int(found[1]) if found else None


def draws_directions(settings: Mapping[str, Any]) -> bool:
    """Whether members of a basis are drawn that are not channels."""
    return bool(settings.get("basis")) and settings["channels"] == "all"


def names(plan: Plan, basis: Basis | None) -> dict[tuple[str, int], str]:
    """By layer and channel what is drawn is called: as objectives are, or as in its basis."""
    drawn = [(layer.layer, channel) for layer in plan.layers for channel in layer.channels]
    called = basis.names if basis else (f"{layer}:{channel}" for layer, channel in drawn)
    return dict(zip(drawn, called, strict=True))


def _about_basis(basis: Basis) -> dict[str, Any]:
    names = hashlib.sha256(json.dumps(basis.names).encode()).hexdigest()
    return {"members": len(basis), "names_sha256": names, "directions_sha256": basis.digest}


def about(model: Model) -> dict[str, Any]:
    """What is known of a model; as in `Plan.model`."""
    lo, hi = model.image_value_range
    return json.loads(
        json.dumps(
            {
                "name": model.name,
                "graph_sha256": picture_cache.model_digest(model),
                "input_name": model.input_name,
                "image_value_range": [lo, hi],
                "is_BGR": bool(model.is_BGR),
            },
            default=lambda array: array.tolist(),
        )
    )


def make(
    model: Model, settings: Mapping[str, Any], ranked: Mapping[str, Sequence[int]] | None = None
) -> Plan:
    """Plan for a model.

    Parameters
    ----------
    model : to draw channels of.
    settings : from `settings_of`.
    ranked : for channels "top:k", those of each layer.

    Raises
    ------
    InvalidValueError : a layer has no such channels, or its depth is not known.
    """
    layers = []
    names = settings["layers"]
    for name, directory in zip(names, _directories(names), strict=True):
        depth = depth_of(model, name)
        if draws_directions(settings):
            depth = settings["basis"]["members"]
        chosen = ranked[name] if ranked is not None else settings["channels"]
        if chosen == "all":
            chosen = range(depth)
        of = f"Layer {name!r} of {model.name}"
        channels = tuple(static_index(channel, depth, of, "channels") for channel in chosen)
        width, height = _drawn_size(model, name, settings["size"])
        layers.append(LayerPlan(name, directory, width, height, tuple(dict.fromkeys(channels))))
    return Plan(about(model), dict(settings), tuple(layers))


def check_same(plan: Plan, model: Mapping[str, Any], settings: Mapping[str, Any], out: str) -> None:
    """Refuse to go on with a sweep that was begun in another way.

    Raises
    ------
    InvalidValueError : says what differs.
    """
    instead = "Go on with what it was begun with, or name another directory."
    if plan.model["graph_sha256"] != model["graph_sha256"]:
        before, now = (f"{m['name']} ({m['graph_sha256'][:12]})" for m in (plan.model, model))
        raise InvalidValueError(
            f"{out} is a sweep of the model {before}; it is {now} now. {instead}"
        )
    for key, value in settings.items():
        before = plan.settings.get(key)
        if before != value:
            raise InvalidValueError(
                f"{out} is a sweep with {key} {_shown(before)}; it is {_shown(value)} now. "
                f"{instead}"
            )


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _layer_names(model: Model, layers: str | Layer | Iterable[str | Layer]) -> list[str]:
    if isinstance(layers, str):
        names = [name for part in layers.split(",") if (name := part.strip())]
    else:
        # A layer is not something to go through.
        several = isinstance(layers, Iterable) and not hasattr(layers, "depth")
        names = [layer_name(layer) for layer in (layers if several else [layers])]
    found = [name for given in names for name in _matching(model, given)]
    if not found:
        raise InvalidValueError(
            f"No layer is named to be drawn. {model.name} lists {len(model.layers)} layers; name "
            "some of them, a pattern such as 'mixed4*', or 'all'."
        )
    return list(dict.fromkeys(found))


def _matching(model: Model, given: str) -> Iterator[str]:
    listed = [layer.name for layer in model.layers]
    if given in listed:
        yield given
    elif given == "all":
        yield from listed
    elif set(given) & set("*?["):
        matching = fnmatch.filter(listed, given)
        if not matching:
            raise InvalidValueError(
                f"No layer of {model.name} is like {given!r}. {did_you_mean(given, listed)}"
            )
        yield from matching
    else:
        model_io.skeleton(model).layer(given)  # there may be more than are listed
        yield given


def _channels(channels: str | int | Iterable[int]) -> str | list[int]:
    if isinstance(channels, str):
        text = channels.replace(" ", "")
        if text == "all" or most_active({"channels": text}):
            return text
        if not re.fullmatch(r"\d+(,\d+)*", text):
            raise InvalidValueError(
                f"Channels are 'all', numbers such as '0,3,9', or 'top:k', not {channels!r}."
            )
        return [int(number) for number in text.split(",")]
    try:
        numbers = list(channels) if isinstance(channels, Iterable) else [channels]
    except TypeError as error:
        raise InvalidTypeError(f"Channels are whole numbers, not {channels!r}.") from error
    if not numbers:
        raise InvalidValueError("No channels are named to be drawn.")
    return [whole("a channel", number, 0) for number in numbers]


def _drawn_size(model: Model, layer: str, size: int) -> tuple[int, int]:
    if defaults.takes_any_size(model, [layer]):
        return size, size
    height, width, _ = model.image_shape
    return width, height


def _batches(layer: LayerPlan, largest: int) -> Iterator[Batch]:
    number = -(-len(layer.channels) // largest)
    size = -(-len(layer.channels) // number)  # so that the last one is not much smaller
    for n, start in enumerate(range(0, len(layer.channels), size)):
        yield Batch(
            f"{layer.directory}-{n:04d}",
            layer.layer,
            layer.directory,
            layer.width,
            layer.height,
            layer.channels[start : start + size],
            size,
        )


def _directories(layers: Sequence[str]) -> Iterator[str]:
    """Different names for directories, on disks too for which upper and lower case are the same."""
    taken: set[str] = set()
    for layer in layers:
        begin = re.sub(r"[^A-Za-z0-9_.-]+", "-", layer)[:_LONGEST_NAME].strip(".-") or "layer"
        name, number = begin, 2
        while name.lower() in taken:
            name, number = f"{begin}-{number}", number + 1
        taken.add(name.lower())
        yield name
