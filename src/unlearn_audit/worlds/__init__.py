"""Which records each original model is trained on, asked to delete, and queried with.

A *world* is one original model with its requests. Nothing here trains or reads features: a world is a
plan in terms of record positions, drawn from a seed of its own, so that world i never depends on how many
worlds there are, and request j never on how many requests.
"""

from unlearn_audit.worlds.design import Chain, Query, Request, World
from unlearn_audit.worlds.per_record import PerRecordPlan, per_record_plans
from unlearn_audit.worlds.plan import WorldPlan
from unlearn_audit.worlds.sizes import plan_worlds
from unlearn_audit.worlds.split import SidePool, Split, split_records
from unlearn_audit.worlds.withdrawal_sizes import Withdrawn, plan_withdrawals

__all__ = [
    "Chain",
    "PerRecordPlan",
    "Query",
    "Request",
    "SidePool",
    "Split",
    "World",
    "Withdrawn",
    "WorldPlan",
    "per_record_plans",
    "plan_withdrawals",
    "plan_worlds",
    "split_records",
]
