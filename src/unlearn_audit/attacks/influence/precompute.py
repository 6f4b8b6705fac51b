"""Before attacks look up what deletions change: of a model that does not tell it at once, by training for each record.

Attacks run in processes of their own and many of them look up the same, so that it is found once, before they start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks import GAMES, Attacks
from unlearn_audit.attacks.influence import Field, RetrainingField
from unlearn_audit.attacks.influence.attack import ChangeField, ChangeFieldFitted
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import blind
from unlearn_audit.utils.progress import Reporter

Positions = npt.NDArray[np.int64]


def foretell(
    field: Field | None, attacks: Mapping[str, Attacks], tables: Iterable[Observations], jobs: int, reporter: Reporter
) -> None:
    """Let a field that trains for each record do so for all that attacks will look up.

    Parameters
    ----------
    field
        What deletions change; nothing is done for a field that knows it from one training.
    attacks
        By game.
    tables
        What the attacks will look at, on either side.
    jobs
        Worker processes; results do not depend on it.
    reporter
        Shows how far the trainings are.

    Raises
    ------
    AuditError
        If a training fails.
    """
    if not isinstance(field, RetrainingField):
        return
    candidates, references = looked_up(field, attacks, tables)
    new = field.unknown(candidates, references)
    if len(new):
        show = reporter.stage("Training the attacker's own model for each record", len(new))
        field.learn(candidates, references, jobs, show)


def looked_up(
    field: Field, attacks: Mapping[str, Attacks], tables: Iterable[Observations]
) -> tuple[Positions, Positions]:
    """Return the positions of whom attacks look up in a field, and of the references they see."""
    none = np.zeros(0, dtype=np.int64)
    candidates, references = [none], [none]
    for table in tables:
        for name, of_game in attacks.items():
            looking = [attack for attack in of_game.runs if isinstance(attack, ChangeField | ChangeFieldFitted)]
            if not looking:
                continue
            view = blind(table, "pair", GAMES[name].rows(table, "the audit"), field.data.record_ids)
            assert view.positions is not None
            candidates += [attack.looks_up(view.positions, field) for attack in looking]
            if view.references is not None and view.references.positions is not None:
                references.append(view.references.positions)
    return np.unique(np.concatenate(candidates)), np.unique(np.concatenate(references))
