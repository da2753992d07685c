"""Fixers for fissix, where its own do not do: found by their names, `fix_<name>.Fix<Name>`."""
