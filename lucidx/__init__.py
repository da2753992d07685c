"""See what a vision network's neurons look for: Lucid's design on TensorFlow 2.

`lucidx.load(name)` gives a model, `lucidx.optvis.render.render_vis(model, "layer:channel")` a
picture, and `lucidx.diagnose(model)` tells why a picture is grey. Importing lucidx does not import
TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lucidx.diagnosis import Finding
    from lucidx.modelzoo.vision_base import Model

__version__ = "0.1.0"
__all__ = ["diagnose", "load"]

seed = 0


def load(name: str) -> Model:
    """Model of that name from the catalogue, its weights found on this machine.

    Parameters
    ----------
    name : for instance `"EfficientNetLite0"`; `lucidx models` lists all.

    Raises
    ------
    UnknownModelError : no such name; the closest ones are offered.
    WeightsNotFoundError : the weights are not here; says where they were looked for and how to get
        them.
    """
    from lucidx.modelzoo import nets_factory, weights

    model = nets_factory.get_model(name)
    weights.find(model)
    return model


def diagnose(model: Model, objective: object = None, *, seed: int = 0) -> list[Finding]:
    """Why pictures of this model may come out grey or noisy; see `lucidx.diagnosis.diagnose`."""
    from lucidx import diagnosis

    return diagnosis.diagnose(model, objective, seed=seed)
