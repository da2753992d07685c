"""Atlases as map tiles: points of a layout in cells of grids, drawn and described by functions."""
