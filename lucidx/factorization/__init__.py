"""Factorization: thousands of neurons as a handful of groups that a person can read."""
