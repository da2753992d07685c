"""Compatibility: running and porting code written for Lucid."""
