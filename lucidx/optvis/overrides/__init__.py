"""Other gradients for some operations: redirected ReLUs, smoothed max pooling, linearization.

Each `*_overrides()` is a context: operations that are made in it, for instance by importing a
model, get the other gradient.

    with overrides.pooling_overrides():
        T = render.import_model(model, t_image)
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from lucidx.optvis.overrides.frozen_weights_grad import conv2d_grad, depthwise_conv2d_grad
from lucidx.optvis.overrides.gradient_override import (
    gradient_override_map as gradient_override_map,
)
from lucidx.optvis.overrides.gradient_override import (
    use_gradient as use_gradient,
)
from lucidx.optvis.overrides.identity_grad import identity_grad as identity_grad
from lucidx.optvis.overrides.redirected_relu_grad import (
    always_redirected_relu6_grad,
    always_redirected_relu_grad,
)
from lucidx.optvis.overrides.redirected_relu_grad import (
    redirected_relu6_grad as redirected_relu6_grad,
)
from lucidx.optvis.overrides.redirected_relu_grad import (
    redirected_relu_grad as redirected_relu_grad,
)
from lucidx.optvis.overrides.smoothed_maxpool_grad import (
    avg_smoothed_maxpool_grad as avg_smoothed_maxpool_grad,
)

pooling_overrides_map = {"MaxPool": avg_smoothed_maxpool_grad}
relu_overrides_map = {"Relu": redirected_relu_grad, "Relu6": redirected_relu6_grad}
default_overrides_map = {**pooling_overrides_map, **relu_overrides_map}

# For graphs traced separately for the steps in which the redirected gradient acts.
redirected_relu_map = {"Relu": always_redirected_relu_grad, "Relu6": always_redirected_relu6_grad}
# Not another gradient: the same one, faster.
frozen_weights = {"Conv2D": conv2d_grad, "DepthwiseConv2dNative": depthwise_conv2d_grad}


def relu_overrides() -> AbstractContextManager[None]:
    """Context with redirected gradients for Relu and Relu6."""
    return gradient_override_map(relu_overrides_map)


def pooling_overrides() -> AbstractContextManager[None]:
    """Context with smoothed gradients for MaxPool."""
    return gradient_override_map(pooling_overrides_map)


def default_overrides() -> AbstractContextManager[None]:
    """Context with redirected ReLUs and smoothed max pooling."""
    return gradient_override_map(default_overrides_map)


def linearization_overrides() -> AbstractContextManager[None]:
    """Context in which ReLUs pass gradients as if they were linear, and max pooling is smoothed."""
    return gradient_override_map({"Relu": identity_grad, **pooling_overrides_map})
