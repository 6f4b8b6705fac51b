"""Attacks that learn about each record separately, from shadow worlds in which it was and was not deleted."""
