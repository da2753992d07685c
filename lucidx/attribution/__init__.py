"""Attribution: which of a network's hidden units, places or groups made a decision.

why = attribute(model, photo, "Labrador retriever", "mixed4d")
why.spatial()  # where, [h, w]
why.top(3)  # which channels argue for it, and which against
"""

from lucidx.attribution.ablating import ablate_groups as ablate_groups
from lucidx.attribution.attributing import attribute as attribute
from lucidx.attribution.faithfulness import Curve as Curve
from lucidx.attribution.faithfulness import Faithfulness as Faithfulness
from lucidx.attribution.faithfulness import compare as compare
from lucidx.attribution.faithfulness import curves as curves
from lucidx.attribution.layers import LayerAttribution as LayerAttribution
from lucidx.attribution.layers import layer_attribution as layer_attribution
from lucidx.attribution.methods import METHODS as METHODS
from lucidx.attribution.probes import Probe as Probe
from lucidx.attribution.probes import Weights as Weights
from lucidx.attribution.probes import probe_at as probe_at
from lucidx.attribution.results import Attribution as Attribution
from lucidx.attribution.results import Channels as Channels
from lucidx.attribution.results import GroupAttribution as GroupAttribution
from lucidx.attribution.results import Neuron as Neuron
