"""What a circuit says of itself: how it was made, and what it does not mean."""

from __future__ import annotations

import math

from lucidx.attribution.feeding import INPUT
from lucidx.icons import QUALITIES
from lucidx.recipes.circuits.building import Circuit

_RELUS = {
    "linear": "ReLUs pass everything on",
    "mean": "each ReLU passes as much as it does on average over photos",
}
_WEAK = 0.3  # correlation below which weights say little of what a channel does


def title(circuit: Circuit) -> str:
    """Heading of the page."""
    return f"What {circuit.name} is made of in {circuit.weights.layer_from}"


def lead(circuit: Circuit) -> str:
    """What is to be seen, in a few words."""
    weights = circuit.weights
    what = "colours of the photo" if weights.layer_from == INPUT else "channels"
    return (
        f"The {what} with the strongest weights on channel {weights.channels[0]} of "
        f"{weights.layer_to}, and how these weights lie in space: each square is one place in "
        f"{weights.layer_from}."
    )


def trust(circuit: Circuit) -> str:
    """How well the weights predict the channel, and how much of them is shown."""
    shown = f"The channels shown hold {circuit.shown:.0%} of all squared weights."
    if math.isnan(circuit.correlation):
        reason = "the channel did the same in all of them" if circuit.photos else "without photos"
        return f"How well these weights predict the channel is not known: {reason}. {shown}"
    r, few = (
        f"{x:.2f}".replace("-", "\N{MINUS SIGN}")
        for x in (circuit.correlation, circuit.correlation_shown)
    )
    verdict = ""
    if circuit.correlation < _WEAK:
        verdict = " That is little: the channel mostly does what is left out here."
        if circuit.settings["relu"] == "linear":
            verdict += (
                " Try relu='mean' (on the command line, --relu mean), by which ReLUs that are "
                "mostly off pass little."
            )
    return (
        f"Over {_photos(circuit)}, what the weights predict and what the channel does have a "
        f"correlation of {r}; by the channels shown alone, {few}.{verdict} {shown}"
    )


def _photos(circuit: Circuit) -> str:
    sampled = circuit.settings["photos"] == "sample"
    return f"{circuit.photos} {'windows of two photos' if sampled else 'photos'}"


def notes(circuit: Circuit) -> list[dict[str, str]]:
    """How the parts of a page were made, and their limits: `term`, `how`, `limits`."""
    found = [_weights(circuit), _check(circuit), _groups(circuit), _icons(circuit)]
    return [dict(zip(("term", "how", "limits"), note, strict=True)) for note in found]


def _weights(circuit: Circuit) -> tuple[str, str, str]:
    weights = circuit.weights
    height, width = weights.values.shape[1:3]
    neuron = circuit.name if weights.position is None else f"the middle neuron of {circuit.name}"
    cut = (
        f" The field reaches the border of {weights.layer_from}, and may go on beyond."
        if weights.clipped
        else ""
    )
    return (
        "Weights",
        f"Slope of {neuron} with respect to {weights.layer_from}, for images of "
        f"{weights.size[0]} by {weights.size[1]} pixels, cropped to the receptive field, {height} "
        f"by {width}. In between, {_RELUS[circuit.settings['relu']]}, max pooling is average "
        "pooling, and local response normalization acts as on faint activations; biases are left "
        f"out.{cut}",
        "It is what the network would do were it linear. Weights do not say how often, or how "
        "strongly, an earlier channel is active: a large weight on a channel that is seldom active "
        "does little. A kernel of both signs looks for a pattern, and is put by the sign of its "
        f"sum. Of {weights.values.shape[-1]} channels, the "
        f"{len(circuit.supporting) + len(circuit.opposing)} shown hold {circuit.shown:.0%} of all "
        "squared weights; the others are not to be seen.",
    )


def _check(circuit: Circuit) -> tuple[str, str, str]:
    how = "These weights were not compared with what the network does."
    if circuit.photos:
        where = "" if circuit.weights.position is None else " in the middle of the layer"
        how = (
            f"In each of {_photos(circuit)}, the sum of weights times activations, against the "
            f"true activation{where}, with all ReLUs and pools as they are."
        )
        if circuit.settings["relu"] == "mean":
            how += " What ReLUs pass on average was found in the same photos."
    return (
        "Prediction",
        how,
        "A correlation says whether the weights get the differences between these photos right. "
        "Other photos, above all those that excite the channel most, can give another.",
    )


def _groups(circuit: Circuit) -> tuple[str, str, str]:
    return (
        "Groups of channels",
        "All weights, the positive and the negative ones apart, by non-negative matrix "
        f"factorization into {len(circuit.groups)} groups; what they leave unexplained (relative "
        f"error): {circuit.groups.error:.0%}. Colours of groups are mixed where several meet.",
        "Another number of groups would cut the weights up differently. They are not units of the "
        "network.",
    )


def _icons(circuit: Circuit) -> tuple[str, str, str]:
    steps = circuit.settings["steps"] or QUALITIES[circuit.settings["quality"]].steps
    return (
        "Icons",
        f"Pictures optimised from noise in {steps} steps to excite one channel, or the direction "
        f"of one group (seed {circuit.settings['seed']}).",
        "An icon shows what excites a channel most. Many channels respond to several unrelated "
        "things (they are polysemantic), of which an icon shows one, and the weights may be about "
        "another.",
    )
