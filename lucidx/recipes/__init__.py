"""Whole jobs built from the other modules."""
