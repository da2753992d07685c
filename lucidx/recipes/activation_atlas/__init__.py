"""Activation atlases: a map of what a layer can see ("Activation Atlas", Distill 2019)."""
