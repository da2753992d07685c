"""Vision models: what they are, where their weights are, how their graphs are imported."""
