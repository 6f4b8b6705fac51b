"""Nodes that are searched as in the original but with other draws, where every feature is tried.

Then a node's constant features and what all others can reach do not depend on the draws: they only decide which of
equally good features splits it, the first that is drawn, and where the draws of the next node start.
"""

from __future__ import annotations

import numpy as np

from unlearn_audit.models.cart.kernel.arrays import Replay, Scratch
from unlearn_audit.models.cart.kernel.compiled import compiled
from unlearn_audit.models.cart.kernel.drawing import begin_draws, draw_feature, end_draws, put_away

_ORDER, _BEFORE, _TURNS = 0, 2, 3


@compiled
def redraw(replay: Replay, node: int) -> None:
    """Draw the features of a node of the original again, and write down in which turn each came that is not constant.

    The draws go on from ``scratch``, where they end too.
    """
    tree, scratch, turn = replay.tree, replay.scratch, 0
    order, turns = scratch.features[_ORDER], scratch.features[_TURNS]
    scratch.draws[1] = scratch.draws[0]
    for i in range(len(order)):
        scratch.features[_BEFORE, i] = order[i]
    for at in range(tree.nodes[node].searches, tree.nodes[node + 1].searches):
        turns[tree.searches[at].feature] = -1 if tree.searches[at].reach < 0 else 0
    begin_draws(scratch, tree.nodes[node].known)
    drawn = draw_feature(scratch, replay.rules)
    while drawn >= 0:
        f = np.int64(order[drawn])
        constant = turns[f] < 0
        if not constant:
            turn += 1
            turns[f] = turn
        put_away(scratch, drawn, constant)
        drawn = draw_feature(scratch, replay.rules)
    end_draws(scratch)


@compiled
def take_back(scratch: Scratch) -> None:
    """Let the draws stand as before the last `redraw`."""
    scratch.draws[0] = scratch.draws[1]
    for i in range(scratch.features.shape[1]):
        scratch.features[_ORDER, i] = scratch.features[_BEFORE, i]


@compiled
def came_before(replay: Replay, at: int, other: int) -> bool:
    """Return whether a search of the original came before another one of its node in the last `redraw`."""
    turns, searches = replay.scratch.features[_TURNS], replay.tree.searches
    return turns[searches[at].feature] < turns[searches[other].feature]


@compiled
def wins(replay: Replay, node: int) -> bool:
    """Return whether a node of the original without changes is split as it was after a `redraw`."""
    tree, first, last = replay.tree, replay.tree.nodes[node].searches, replay.tree.nodes[node + 1].searches
    best = first
    for at in range(first, last):
        value = tree.searches[at].value
        if value > tree.searches[best].value or (value == tree.searches[best].value and came_before(replay, at, best)):
            best = np.int64(at)
    return tree.searches[best].value == -np.inf or tree.searches[best].feature == tree.nodes[node].feature
