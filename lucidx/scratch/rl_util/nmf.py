"""Lucid's import path of `lucidx.factorization`'s LayerNMF and what belongs to it."""

from lucidx.factorization.layer_nmf import LayerNMF as LayerNMF
from lucidx.factorization.patches import argmax_nd as argmax_nd
from lucidx.factorization.patches import rescale_opacity as rescale_opacity
