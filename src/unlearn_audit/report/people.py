"""Risk in people: what an attack's measured operating point means for a hundred of them."""

from __future__ import annotations

from dataclasses import dataclass

from unlearn_audit.findings.result import Result
from unlearn_audit.report.wording import percent, roles
from unlearn_audit.utils.typing import Interval

USUAL_RATE = 0.01
"""The false-positive rate whose threshold is spoken of, where it was measured: one of a hundred others is accused."""

_GROUPS = {
    "deleted": "deleted people",
    "unseen": "people who were never in the training data",
    "retained": "people who are still in the training data",
}
_WHO = {
    "deleted": "who was deleted",
    "unseen": "who was never in the training data",
    "retained": "who is in the training data",
}


def group_words(role: str) -> str:
    """Return the people of a role in words."""
    return _GROUPS.get(role, f"people whose records are {role}")


def who_words(role: str) -> str:
    """Return what is revealed of the people of a role."""
    return _WHO.get(role, f"whose records are {role}")


@dataclass(frozen=True)
class InPeople:
    """The threshold of an attack that accuses few others, in people.

    Attributes
    ----------
    of
        Of how many people of either kind the counts are.
    rate
        The false-positive rate that the threshold keeps to.
    found, found_ci, accused
        Measured at that threshold: true-positive rate with its 95 % interval, and false-positive rate.
    positive, negative
        Their roles.
    """

    of: int
    rate: float
    found: float
    found_ci: Interval
    accused: float
    positive: str
    negative: str

    @property
    def beyond_guessing(self) -> bool:
        """Whether more are found than by guessing, which finds as large a share as it accuses."""
        return self.found_ci[0] > self.accused

    @property
    def clause(self) -> str:
        """What happens to people, without a capital or a full stop."""
        others = "others" if self.negative == "unseen" else group_words(self.negative)
        return (
            f"of {self.of:,} {group_words(self.positive)} {counted(self.found, self.of)} {_verb(self.found, self.of)} "
            f"found, while {counted(self.accused, self.of)} of {self.of:,} {others} {_verb(self.accused, self.of)} "
            "wrongly flagged"
        )

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        return f"{self.clause[0].upper()}{self.clause[1:]}."

    @property
    def precision(self) -> str:
        """How sure the number of those found is, and whether guessing could find as many."""
        guessing = "" if self.beyond_guessing else " This is not shown to be more than guessing would find."
        return f"Of {self.of:,}, {self.ends} are found with 95 % confidence.{guessing}"

    @property
    def ends(self) -> str:
        """The interval of those found."""
        return " to ".join(f"{self.of * end:.0f}" for end in self.found_ci)

    @property
    def basis(self) -> str:
        """How the counts were measured."""
        others = group_words(self.negative)
        return (
            f"Counted by record, at the threshold that wrongly flags at most {percent(self.rate)} of {others} "
            f"({percent(round(self.accused, 5))} in this run). “About”, because other people and other trainings give "
            "different numbers."
        )


def in_people(result: Result) -> InPeople | None:
    """Return what the operating point that was measured means for people; None where none was.

    The threshold is the one of `USUAL_RATE`, or of the nearest rate that has a figure.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> measured = SimpleNamespace(game="deleted-vs-unseen", tpr_at_fpr={"0.01": 0.272, "0.001": None},
    ...     tpr_at_fpr_ci={"0.01": (0.22, 0.33), "0.001": None}, realised_fpr={"0.01": 0.0099, "0.001": None})
    >>> print(in_people(measured).clause)
    of 100 deleted people about 27 are found, while about 1 of 100 others is wrongly flagged
    """
    measured = [
        (float(rate), found, ends, accused)
        for rate, found in result.tpr_at_fpr.items()
        if found is not None
        and (ends := result.tpr_at_fpr_ci.get(rate)) is not None
        and (accused := result.realised_fpr.get(rate)) is not None
    ]
    if not measured:
        return None
    rate, found, ends, accused = min(measured, key=lambda point: abs(point[0] - USUAL_RATE))
    of = 100 if rate >= USUAL_RATE / 2 else 1_000 if rate >= USUAL_RATE / 20 else 10_000
    return InPeople(of, rate, found, ends, accused, *roles(result.game))


def counted(share: float, of: int) -> str:
    """Return a share as a number of people.

    Examples
    --------
    >>> counted(0.272, 100), counted(0.002, 100), counted(0.0, 100), counted(1.0, 100)
    ('about 27', 'fewer than 1', 'none', 'all')
    """
    if share in (0, 1):
        return "none" if share == 0 else "all"
    return f"about {of * share:,.0f}" if round(of * share) else "fewer than 1"


def _verb(share: float, of: int) -> str:
    return "is" if share > 0 and round(of * share) <= 1 else "are"
