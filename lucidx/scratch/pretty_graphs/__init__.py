"""Drawings of networks: nodes from left to right, branches above each other."""
