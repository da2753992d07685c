"""Sweeps: pictures of every channel of layers, or of whole networks, or of directions in a layer.

    sweep(lucidx.load("InceptionV1"), "inception", layers="mixed4d")
    sweep(lucidx.load("InceptionV1"), "groups", basis=groups.basis)

A sweep is cut into batches, which are drawn by processes of this machine or of a cluster. What was
stopped, or killed, goes on when it is called again; what it has drawn is in files that anything can
read. `lucidx.sweep.store` says which.
"""

from __future__ import annotations

from lucidx.sweep.sweeping import Swept as Swept
from lucidx.sweep.sweeping import sweep as sweep
