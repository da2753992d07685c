"""The progress bar: a widget in a notebook that shows widgets, and otherwise a line of text."""

import warnings

from tqdm import TqdmWarning

with warnings.catch_warnings():
    # Which of the two it is needs no warning: either shows how far things are.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

__all__ = ["tqdm"]
