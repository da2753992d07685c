"""Lucid's other import path of `lucidx.optvis.overrides.redirected_relu_grad`."""

from lucidx.optvis.overrides.redirected_relu_grad import (
    redirected_relu6_grad as redirected_relu6_grad,
)
from lucidx.optvis.overrides.redirected_relu_grad import (
    redirected_relu_grad as redirected_relu_grad,
)
