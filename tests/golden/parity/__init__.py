"""Replays recorded calls of the original library on lucidx and says where the numbers differ."""

from parity import models, plain, tensors
from parity.cases import Case, load_folders
from parity.compare import mismatches

__all__ = ["LATER", "RUNNERS", "Case", "later", "load_folders", "mismatches"]

RUNNERS = {
    "channel_reducer": plain.channel_reducer,
    "fake_layers": plain.fake_layers,
    "html": plain.show,
    "jsbuffer": plain.jsbuffer,
    "load_image": plain.load_image,
    "model_acts": models.model_acts,
    "model_attr": models.model_attr,
    "model_attr_spatial": models.model_attr_spatial,
    "model_create_input": models.model_create_input,
    "model_get_activations": models.model_get_activations,
    "model_grad": models.model_grad,
    "model_import": models.model_import,
    "numpy_fn": plain.numpy_fn,
    "objective": tensors.objective,
    "op_override": tensors.op_override,
    "param": tensors.param,
    "raises": plain.raises,
    "rand_fft_image": tensors.rand_fft_image,
    "save": plain.save,
    "serialize": plain.serialize,
    "stimulus": plain.stimulus,
    "style_loss": tensors.style_loss,
    "tensor_fn": tensors.tensor_fn,
    "trajectory": models.trajectory,
    "use_gradient": tensors.use_gradient,
}

# What lucidx does not have, by the beginning of its path in Lucid.
LATER = {
    "lucid.misc.gl": "porting: the rest of misc",
    "lucid.misc.iter_nd_utils": "porting: the rest of misc",
    "lucid.misc.ndimage_utils": "porting: the rest of misc",
    "lucid.misc.stimuli": "porting: the rest of misc",
    "lucid.recipes.activation_atlas.layout": "recipes: activation atlas",
    "lucid.recipes.activation_atlas.main": "recipes: activation atlas",
}


def later(case: Case) -> str | None:
    """Name the issue that brings the function of a case, if it is still to come."""
    path = case["function"]
    return next((why for start, why in LATER.items() if path.startswith(f"{start}.")), None)
