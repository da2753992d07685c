"""Optimization-based visualization: objectives, parameterizations, transforms, rendering."""
