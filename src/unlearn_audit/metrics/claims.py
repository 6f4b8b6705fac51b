"""How sure an audit is of what it claims.

An audit that finds nothing where there is nothing to find is wrong with a probability of 5 % at most, over all that it
may claim: 3 % are given to the attack chosen on shadow worlds, whose interval needs no correction for the others, and
2 % to the whole family of attacks, whose intervals hold at once (Bonferroni over the two). What the update adds is read
only where a leak is claimed already (gate-keeping; Maurer, Hothorn and Lehmacher 1995), and costs nothing more.
"""

HEADLINE = 0.97
"""Confidence of the interval by which the attack chosen on shadow worlds claims a leak."""

FAMILY = 0.98
"""Confidence of the simultaneous intervals by which any attack of a family claims a leak."""

DIFFERENCE = 0.95
"""Confidence of the interval of what the update adds, read once a leak is claimed."""

HINT = 0.90
"""Confidence of the interval that makes a hint where nothing is claimed."""

GAP = 0.99
"""Confidence at which the AUCs on shadow worlds and on the target are called different."""
