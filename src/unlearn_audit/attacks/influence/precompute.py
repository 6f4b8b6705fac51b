"""Computes influences that take one training for each record, once for all attacks and before the first one runs.

Attacks run in separate processes, and many of them look up the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from unlearn_audit.attacks.choose import Attacks
from unlearn_audit.attacks.games import GAMES
from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import attacker_view
from unlearn_audit.utils.progress import Reporter
from unlearn_audit.utils.typing import Positions


def precompute_influence(
    influence: Influence | None,
    attacks: Mapping[str, Attacks],
    tables: Iterable[Observations],
    jobs: int,
    reporter: Reporter,
) -> None:
    """Train a model for each record that attacks will look up, where an influence takes `one_training_each`.

    Parameters
    ----------
    influence
        The influence that attacks look up; nothing is done for None or where one training suffices.
    attacks
        By game.
    tables
        What the attacks will see, on either side.
    jobs
        Worker processes; results do not depend on it.
    reporter
        Shows how many trainings are done.

    Raises
    ------
    AuditError
        If a training fails.
    """
    if influence is None or not influence.one_training_each:
        return
    candidates, references = _looked_up(influence, attacks, tables)
    missing = influence.missing(candidates, references)
    if len(missing):
        show = reporter.stage("Training the attacker's own model for each record", len(missing))
        influence.precompute(candidates, references, jobs, show)


def _looked_up(
    influence: Influence, attacks: Mapping[str, Attacks], tables: Iterable[Observations]
) -> tuple[Positions, Positions]:
    """Return the positions of the records that attacks look up, and of the references that they see."""
    none = np.zeros(0, dtype=np.int64)
    candidates, references = [none], [none]
    for table in tables:
        for name, of_game in attacks.items():
            looking = [attack for attack in of_game.runs if attack.influence is not None]
            if not looking:
                continue
            view = attacker_view(table, "pair", GAMES[name].rows(table, "the audit"), influence.data.record_ids)
            assert view.positions is not None
            candidates += [attack.looked_up(view.positions) for attack in looking]
            if view.references is not None and view.references.positions is not None:
                references.append(view.references.positions)
    return np.unique(np.concatenate(candidates)), np.unique(np.concatenate(references))
