"""Load, save and show arrays, pictures, text and graphs.

`load` and `save` tell the format from the extension. `show` displays pictures in a notebook and
describes them in a terminal.
"""

from lucidx.misc.io import collapse_channels, sanitizing, serialize_array
from lucidx.misc.io.loading import load
from lucidx.misc.io.saving import save
from lucidx.misc.io.showing import show

__all__ = ["collapse_channels", "load", "sanitizing", "save", "serialize_array", "show"]
