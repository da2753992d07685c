"""Load, save and show arrays, pictures, text, graphs and meshes.

`load` and `save` tell the format from the extension. `show` displays pictures in a notebook and
describes them in a terminal. Paths can be addresses; `io_scope` says what relative ones are
relative to.
"""

from lucidx.misc.io import (
    collapse_channels,
    loading,
    reading,
    sanitizing,
    saving,
    scoping,
    serialize_array,
    showing,
    writing,
)
from lucidx.misc.io.capturing import CaptureSaveContext
from lucidx.misc.io.contact_sheet import contact_sheet
from lucidx.misc.io.loading import load
from lucidx.misc.io.saving import batch_save, save
from lucidx.misc.io.scoping import io_scope, scope_url
from lucidx.misc.io.showing import show

__all__ = [
    "CaptureSaveContext",
    "batch_save",
    "collapse_channels",
    "contact_sheet",
    "io_scope",
    "load",
    "loading",
    "reading",
    "sanitizing",
    "save",
    "saving",
    "scope_url",
    "scoping",
    "serialize_array",
    "show",
    "showing",
    "writing",
]
