"""Meshes, and pictures of them by OpenGL or without."""
