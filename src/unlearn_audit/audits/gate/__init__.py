"""A gate: whether what a run measured stays within limits, with all that is uncertain of it.

A *figure* is what a run knows of one measure: an estimate, an interval and whose it is. A *limit* is the most that a
measure may be. Held against a limit, the interval of a figure lies at or below it (``pass``), above it (``fail``), or
around it (``cannot-tell``), and then it is said how many worlds would do.

`judge` holds a run against limits; each kind of findings has one module that reads its figures.
"""

from unlearn_audit.audits.gate.judge import CODES, Judgement, On, Passage, judge
from unlearn_audit.audits.gate.junit import junit
from unlearn_audit.audits.gate.limits import Limit, limits_of
from unlearn_audit.audits.gate.sources import Asked, read_run

__all__ = ["CODES", "Asked", "Judgement", "Limit", "On", "Passage", "judge", "junit", "limits_of", "read_run"]
