"""The experiments of Chen et al. (CCS 2021) as configurations, with their claims and how each is decided.

An *experiment* is a grid of *cells*: labels and one audit each. A *claim* is what the paper says of the grid,
decided by intervals: it holds, does not hold, makes a negligible difference, or there is too little data to say.
`EXPERIMENTS` lists them all.
"""

from unlearn_audit.reproduce.claims import Decision
from unlearn_audit.reproduce.experiments import EXPERIMENTS, Experiment
from unlearn_audit.reproduce.grid import SCALES, Cell, Scale
from unlearn_audit.reproduce.run import Reproduction, estimate_cost, reproduce

__all__ = [
    "EXPERIMENTS",
    "SCALES",
    "Cell",
    "Decision",
    "Experiment",
    "Reproduction",
    "Scale",
    "estimate_cost",
    "reproduce",
]
