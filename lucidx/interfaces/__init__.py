"""Interfaces: pages in which a person explores what the other modules computed."""
