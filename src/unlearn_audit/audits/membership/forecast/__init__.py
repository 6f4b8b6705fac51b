"""What an audit would take, before anything big is trained: counted exactly, timed on a pilot, and extrapolated.

The pilot is one real world of each way of training, with few deletions, in a separate worker process; what it makes
is kept nowhere. Attack models are timed on random numbers of the shape that they would be given.
"""

from unlearn_audit.audits.membership.forecast.cost import cost, forecast
from unlearn_audit.audits.membership.forecast.figures import Cost, Forecast, SideCost
from unlearn_audit.audits.membership.forecast.pilot import AttackTimes, Pilot, measure, time_attacks

__all__ = ["AttackTimes", "Cost", "Forecast", "Pilot", "SideCost", "cost", "forecast", "measure", "time_attacks"]
