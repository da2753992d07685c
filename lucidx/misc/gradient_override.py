"""Lucid's other import path of `lucidx.optvis.overrides.gradient_override`."""

from lucidx.optvis.overrides.gradient_override import gradient_override_map as gradient_override_map
from lucidx.optvis.overrides.gradient_override import (
    register_to_random_name as register_to_random_name,
)
from lucidx.optvis.overrides.gradient_override import use_gradient as use_gradient
