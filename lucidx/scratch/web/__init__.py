"""Interactive components in notebooks."""
