"""Factorization: thousands of neurons as a handful of groups that a person can read.

groups = neuron_groups(model, photo, "mixed4d", n_groups=6)
icons = render.render_vis(model, groups.basis.objective(), lambda: param.image(80, batch=6))
"""

from lucidx.factorization.channel_reducer import ChannelReducer
from lucidx.factorization.compatible import CompatibleGroups, compatible_groups
from lucidx.factorization.concepts import Concepts, concepts
from lucidx.factorization.groups import NeuronGroups, neuron_groups
from lucidx.factorization.number import GroupsError, groups_error, plot_error

__all__ = [
    "ChannelReducer",
    "CompatibleGroups",
    "Concepts",
    "GroupsError",
    "NeuronGroups",
    "compatible_groups",
    "concepts",
    "groups_error",
    "neuron_groups",
    "plot_error",
]
