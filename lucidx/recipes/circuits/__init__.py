"""Circuits: the weights between two layers, adjacent or not, as something to look at.

    weights = expanded_weights(model, "mixed3a", "mixed3b", [200])
    found = circuit(model, "mixed3a", "mixed3b", 200)
    page_of(found).save("circuit.html")

"Zoom In" (Olah et al., Distill 2020) reads circuits off such weights; "Visualizing Weights" (Voss
et al., Distill 2021) says how to look at them across several layers.
"""

from lucidx.recipes.circuits.building import Circuit, Part, circuit
from lucidx.recipes.circuits.checking import Predictions, predictions
from lucidx.recipes.circuits.drawing import heat, mixed_colours, picture
from lucidx.recipes.circuits.page import CircuitPage, page_of
from lucidx.recipes.circuits.reducing import WeightGroups, share, strongest, weight_groups
from lucidx.recipes.circuits.weights import ExpandedWeights, expanded_weights

__all__ = [
    "Circuit",
    "CircuitPage",
    "ExpandedWeights",
    "Part",
    "Predictions",
    "WeightGroups",
    "circuit",
    "expanded_weights",
    "heat",
    "mixed_colours",
    "page_of",
    "picture",
    "predictions",
    "share",
    "strongest",
    "weight_groups",
]
