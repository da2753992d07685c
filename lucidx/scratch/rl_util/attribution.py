"""Lucid's import path of `lucidx.factorization`'s gradients, attributions and paths."""

from lucidx.factorization.gradients import default_score_fn as default_score_fn
from lucidx.factorization.gradients import get_acts as get_acts
from lucidx.factorization.gradients import get_attr as get_attr
from lucidx.factorization.gradients import get_grad as get_grad
from lucidx.factorization.gradients import get_grad_or_attr as get_grad_or_attr
from lucidx.factorization.gradients import maxpool_override as maxpool_override
from lucidx.factorization.paths import get_multi_path_attr as get_multi_path_attr
from lucidx.factorization.paths import get_paths as get_paths
from lucidx.optvis.overrides import gradient_override_map as gradient_override_map
