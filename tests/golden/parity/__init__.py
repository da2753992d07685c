"""Replays recorded calls of the original library on lucidx and says where the numbers differ."""

from parity import models, plain, tensors
from parity.cases import Case, load_folders
from parity.compare import mismatches

__all__ = ["RUNNERS", "Case", "load_folders", "mismatches"]

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
