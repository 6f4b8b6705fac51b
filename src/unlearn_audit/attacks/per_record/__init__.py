"""Attacks that learn of each record by itself, from shadow worlds in which it was and was not deleted."""
