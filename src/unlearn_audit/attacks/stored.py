"""The scores of attacks as artefacts of the store: taken again where everything that decides them is the same.

Fitting attacks takes most of the time of an audit whose worlds are stored already. The key of an artefact names what
the attack was fitted on and what it scored by their content, the attack with its code, the game, the seed, the bound on
rows, and what computes. An attack with code that cannot be traced is fitted anew, as is everything under
``reuse: never``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

import unlearn_audit
from unlearn_audit.attacks.base import Attack, label
from unlearn_audit.attacks.games import Game
from unlearn_audit.config import ReuseName
from unlearn_audit.engine.store.keys import library_versions
from unlearn_audit.engine.store.store import Store
from unlearn_audit.models.fingerprint import Fingerprint, fingerprint
from unlearn_audit.observations import Observations
from unlearn_audit.utils.typing import Array

VERSION = 2
"""Raise it whenever an artefact holds something else than before."""

MOST_ROWS = 200_000
"""Rows of the targets above which scores are not kept: they would fill the store."""

Kept = Mapping[str, Array]
"""What came of an attack, as arrays by name."""


@dataclass(frozen=True)
class ScoreStore:
    """Where scores of attacks are kept, for one audit.

    Attributes
    ----------
    store
        The store.
    policy
        As of `unlearn_audit.engine.store.reuse.Reuse`.
    about
        Names of dataset and model, for people; the dataset's is how records are purged.
    influence
        What decides what deletions change, as text; None where it cannot be determined, or none is known.
    """

    store: Store
    policy: ReuseName = "mine"
    about: Mapping[str, str] = field(default_factory=dict)
    influence: str | None = None

    def documents(
        self,
        attacks: Sequence[Attack],
        game: Game,
        shadow: Observations,
        targets: Sequence[Observations],
        seed: int,
        fit_rows: int | None,
    ) -> list[dict[str, Any] | None]:
        """Return everything that decides each attack's scores; None where that cannot be determined, or is not kept."""
        if sum(map(len, targets)) > MOST_ROWS:
            return [None] * len(attacks)
        common = {
            "stage": f"scores/{VERSION}",
            "libraries": library_versions(),
            "program": program(),
            "game": [game.positive, game.negative],
            "seed": seed,
            "shadow": content_digest(shadow),
            "targets": [content_digest(target) for target in targets],
        }
        return [self._document(attack, common, fit_rows) for attack in attacks]

    def _document(self, attack: Attack, common: Mapping[str, Any], fit_rows: int | None) -> dict[str, Any] | None:
        code = _code_of(attack)
        if (attack.influence is not None and self.influence is None) or (code.unknown and self.policy != "always"):
            return None
        return {
            **common,
            "attack": [label(attack), type(attack).__qualname__, repr(attack), code.digest],
            "influence": None if attack.influence is None else self.influence,
            "fit_rows": fit_rows if attack.fits_on_a_sample else None,
        }

    def get(self, document: Mapping[str, Any]) -> Kept | None:
        """Return what is kept under a document, or None if it has to be made."""
        found = None if self.policy == "never" else self.store.get_arrays(document)
        return None if found is None else found[0]

    def put(self, document: Mapping[str, Any], kept: Kept) -> None:
        """Keep what came of an attack."""
        self.store.put(document, kept, {}, self.about)


@cache
def program() -> str:
    """Return a digest of this program's code: what an attack, or a figure, is made by."""
    folder = Path(unlearn_audit.__file__).parent
    state = sha256()
    for path in sorted(folder.rglob("*.py")):
        state.update(f"{path.relative_to(folder).as_posix()} ".encode() + path.read_bytes())
    return state.hexdigest()


def content_digest(table: Observations) -> str:
    """Return a digest of all that an attack is handed of a table: groups, which no attack sees, are left out."""
    state = sha256(repr((table.classes, table.partial, table.posteriors.shape)).encode())
    for name in table.rows.columns:
        values = table.rows[name].to_numpy()
        if values.dtype == object:
            names, codes = np.unique(values.astype(str), return_inverse=True)
            state.update(repr(names.tolist()).encode())
            values = codes.astype(np.int64)
        state.update(f"{name} {values.dtype}".encode() + np.ascontiguousarray(values).tobytes())
    for name, signal in (("posteriors", table.posteriors), *sorted(table.signals.items())):
        state.update(f"{name} {signal.dtype} {signal.shape}".encode() + np.ascontiguousarray(signal).tobytes())
    return state.hexdigest()


def _code_of(attack: Attack) -> Fingerprint:
    """Return what tells the code of an attack of other people's from any other; that of ours is in `program`."""
    kind = type(attack)
    if kind.__module__.startswith(f"{unlearn_audit.__name__}."):
        return Fingerprint("", ())
    return fingerprint(kind, attack)
