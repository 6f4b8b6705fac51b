"""What counts as probabilities."""

SUM_TOLERANCE = 1e-3
"""How far the probabilities of one row may be from summing to 1."""
