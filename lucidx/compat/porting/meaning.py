"""The steps that give Python 2 its meaning in Python 3, once it is parsed."""

from __future__ import annotations

from lucidx.compat.porting.buffers import Buffers
from lucidx.compat.porting.classes import Classes
from lucidx.compat.porting.comparisons import Comparisons
from lucidx.compat.porting.division import Division
from lucidx.compat.porting.imports import Additions
from lucidx.compat.porting.library import Library, LibraryImports
from lucidx.compat.porting.lists import Lists
from lucidx.compat.porting.outliving import Outliving
from lucidx.compat.porting.passes import Pass, together
from lucidx.compat.porting.reads import Reads
from lucidx.compat.porting.semantics import Semantics

# What the tree tells as it was written; all at once.
MEANINGS: tuple[type[Pass], ...] = (
    *(Comparisons, Lists, Buffers, Semantics, Classes, Division, Library, Outliving),
)
# Imports come after what is told by them.
PASSES: tuple[type[Pass], ...] = (together(*MEANINGS), LibraryImports, Reads, Additions)
