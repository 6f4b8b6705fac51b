"""Which question an attack answers: the role that counts as positive against the one that does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations


@dataclass(frozen=True)
class Game:
    """A question with two answers.

    Attributes
    ----------
    positive, negative
        The two roles.
    """

    positive: str
    negative: str

    @property
    def name(self) -> str:
        """``<positive>-vs-<negative>``."""
        return f"{self.positive}-vs-{self.negative}"

    def rows(self, observations: Observations, where: str) -> npt.NDArray[np.bool_]:
        """Return (n,) which rows take part: clean queries of the two roles.

        Raises
        ------
        AuditError
            If one of the roles does not occur.
        """
        for role in (self.positive, self.negative):
            if not observations.in_roles(role).any():
                raise AuditError(f"{where} has no row with role '{role}', which the game {self.name} needs")
        return np.asarray(observations.clean & observations.in_roles(self.positive, self.negative))


GAMES = {
    game.name: game for game in (Game("deleted", "unseen"), Game("deleted", "retained"), Game("retained", "unseen"))
}
"""Name to game; the first is the paper's."""
