"""What an owner can do to the training, or to posteriors before releasing them.

A *defence* is a map of observations (every version's posteriors of every record, changed the same way) or a change
of the training. It is written as text, ``name`` or ``name:parameter``, and several are applied in turn:
``temperature:10+rounding:4``, ``dp-sgd:4+rounding:2``.
The attacker is taken to know the defence and to use it on its shadow worlds too; a second figure says what an
attacker who does not adapt would reach.
"""

from unlearn_audit.defenses.base import UNDEFENDED, Defense, DefenseKind, Parameter
from unlearn_audit.defenses.parse import DEFENSES, parse_defense
from unlearn_audit.defenses.utility import Utility, release_utility

__all__ = [
    "DEFENSES",
    "UNDEFENDED",
    "Defense",
    "DefenseKind",
    "Parameter",
    "Utility",
    "parse_defense",
    "release_utility",
]
