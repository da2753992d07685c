"""What Lucid kept outside of its supported library, under its import paths."""
