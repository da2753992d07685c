"""Reading the structure of graphs."""
