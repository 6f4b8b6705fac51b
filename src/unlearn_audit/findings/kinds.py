"""The decision: from an audit's figures to the kind of its verdict. docs/verdicts.md has the same as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from unlearn_audit.findings.precision import LARGEST_SEEN, detectable_auc
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.sections import Gate, Kind, RecordRisk
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.utils.typing import Interval

Side = Literal["above", "below", "includes"]
"""Where an interval lies: above 0.5, below it, or around it."""


Retrained = Literal["changes", "unknown"]
"""What is known of exact retraining, to compare another method with: it changes answers, or it was not run."""


def side(ends: Interval | None) -> Side:
    """Return where an interval lies; one that is not known excludes nothing."""
    if ends is None or ends[0] <= GUESSING <= ends[1]:
        return "includes"
    return "above" if ends[0] > GUESSING else "below"


@dataclass(frozen=True)
class Evidence:
    """What the kind of a verdict is decided by.

    Attributes
    ----------
    leading
        The attack chosen on shadow worlds: it claims by its 97 % interval.
    others
        The other attacks of its game, rows and defence: they claim by their simultaneous intervals.
    moved
        The share of rows with an answer that changed; None where not known.
    record_risk
        Records that are identified individually.
    retrained
        What exact retraining makes of the answers; None where it is what was audited, or changes none either.
    """

    leading: Result
    others: tuple[Result, ...] = ()
    moved: float | None = None
    record_risk: RecordRisk | None = None
    retrained: Retrained | None = None

    @classmethod
    def of(
        cls,
        leading: Result,
        results: Sequence[Result],
        moved: float | None,
        record_risk: RecordRisk | None,
        retrained: Retrained | None = None,
    ) -> Evidence:
        """Collect the family of the leading attack from all results of an audit."""
        family = (leading.game, leading.rows, leading.defense, leading.adaptive)
        others = {(r.attack, r.attack_model): r for r in results if (r.game, r.rows, r.defense, r.adaptive) == family}
        others.pop((leading.attack, leading.attack_model), None)
        return cls(leading, tuple(others.values()), moved, record_risk, retrained)

    @property
    def nothing_moved(self) -> bool:
        """Whether it is known that no answer changed."""
        return self.moved == 0

    @property
    def headline(self) -> Side:
        """Where the leading attack's claiming interval lies."""
        return side(self.leading.auc_claim_ci)

    @property
    def gains(self) -> bool:
        """Whether the leading attack does better than the strongest one on the original alone."""
        difference = self.leading.auc_minus_classical_ci
        return difference is not None and difference[0] > 0

    @property
    def change_shows(self) -> bool:
        """Whether an attack that reads the change alone is above 0.5: more than one information fitted twice."""
        by_itself = self.leading.silent_without_change and self.headline == "above"
        return by_itself or any(r.silent_without_change for r in self.above)

    @cached_property
    def above(self) -> tuple[Result, ...]:
        """Other attacks that show a leak, the clearest first."""
        return self._others("above")

    @cached_property
    def below(self) -> tuple[Result, ...]:
        """Other attacks that are wrong too often for chance, the clearest first."""
        return self._others("below")

    @cached_property
    def by_update(self) -> tuple[Result, ...]:
        """Other attacks that read the change alone and lie above every attack on the original, the clearest first."""
        classical = [r.auc_simultaneous_ci for r in (self.leading, *self.others) if r.is_classical]
        if not classical or None in classical:
            return ()
        most = max(ends[1] for ends in classical if ends is not None)
        return tuple(r for r in self.above if r.silent_without_change and _low(r) > most)

    @property
    def signs(self) -> tuple[str, ...]:
        """What speaks for a leak without showing it, in words."""
        leading, risk = self.leading, self.record_risk
        identified = 0 if risk is None else risk.identified
        records = "1 record is identified" if identified == 1 else f"{identified:,} records are identified"
        found = (
            (leading.auc_hint_ci[0] > GUESSING, "the 90 % interval of its AUC is above 0.5"),
            (self.gains, "its difference from the strongest classical attack is above 0"),
            ((leading.epsilon or 0) > 0, "its lower bound on epsilon is above 0"),
            (identified > 0, f"{records} individually"),
        )
        return tuple(words for there, words in found if there)

    @property
    def blind(self) -> bool:
        """Whether nothing could have been seen."""
        least = detectable_auc(self.leading)
        return least is None or least > LARGEST_SEEN

    def _others(self, where: Side) -> tuple[Result, ...]:
        there = (r for r in self.others if side(r.auc_simultaneous_ci) == where)
        return tuple(sorted(there, key=_distance, reverse=True))


@dataclass(frozen=True)
class Decision:
    """What the evidence comes to.

    Attributes
    ----------
    kind, gate
        As in `unlearn_audit.findings.sections.Verdict`.
    sentence
        The first of the verdict; ``{positive}`` stands for the positive role.
    is_leak
        Whether a leak is claimed.
    shown_by
        Another attack than the leading one, where that one shows it.
    """

    kind: Kind
    gate: Gate
    sentence: str
    is_leak: bool
    shown_by: Result | None = None


@dataclass(frozen=True)
class _Rule:
    applies: Callable[[Evidence], bool]
    kind: Kind
    gate: Gate
    sentence: str
    shown_by: Callable[[Evidence], Iterable[Result]] = lambda _: ()


_ORIGINAL_ALONE = (
    "No answer changed between the versions, so the update reveals nothing, but the original model alone reveals "
    "{positive} records."
)
_STILL_THERE = (
    "No answer changed between the versions, though exact retraining changes answers: what should have been deleted is "
    "still there."
)
_UPDATE = "The update reveals {positive} records."
_ORIGINAL = "The original model alone reveals {positive} records."
_LEAK = "An attack identifies {positive} records, but the update is not shown to be the cause."
_REVERSED = "An attack is reliably wrong, which reveals {positive} records too."

_RULES = (
    _Rule(lambda e: e.nothing_moved and e.headline != "includes", "unchanged", "fail", _ORIGINAL_ALONE),
    _Rule(
        lambda e: e.nothing_moved and bool(e.above or e.below),
        "unchanged",
        "fail",
        _ORIGINAL_ALONE,
        lambda e: (*e.above, *e.below),
    ),
    _Rule(lambda e: e.nothing_moved and e.retrained == "changes", "unchanged", "fail", _STILL_THERE),
    _Rule(
        lambda e: e.nothing_moved and e.retrained == "unknown",
        "unchanged",
        "cannot-tell",
        "No answer changed between the versions; without exact retraining to compare with, it is not known whether "
        "anything was forgotten.",
    ),
    _Rule(
        lambda e: e.nothing_moved,
        "unchanged",
        "pass",
        "No answer changed between the versions, so the update reveals nothing.",
    ),
    _Rule(lambda e: e.headline == "below", "reversed", "fail", _REVERSED),
    _Rule(
        lambda e: e.headline == "above" and not e.leading.is_classical and e.gains and e.change_shows,
        "leak-by-update",
        "fail",
        _UPDATE,
    ),
    _Rule(lambda e: bool(e.by_update), "leak-by-update", "fail", _UPDATE, lambda e: e.by_update),
    _Rule(lambda e: e.headline == "above" and e.leading.is_classical, "leak-original", "fail", _ORIGINAL),
    _Rule(lambda e: e.headline == "above", "leak", "fail", _LEAK),
    _Rule(
        lambda e: any(not r.is_classical for r in e.above),
        "leak",
        "fail",
        _LEAK,
        lambda e: (r for r in e.above if not r.is_classical),
    ),
    _Rule(lambda e: bool(e.above), "leak-original", "fail", _ORIGINAL, lambda e: e.above),
    _Rule(lambda e: bool(e.below), "reversed", "fail", _REVERSED, lambda e: e.below),
    _Rule(
        lambda e: bool(e.signs),
        "hint",
        "cannot-tell",
        "There are signs of a leak, but too few worlds to show it.",
    ),
    _Rule(
        lambda e: e.blind,
        "too-few-worlds",
        "cannot-tell",
        "No leak could have been detected: there are too few worlds.",
    ),
    _Rule(
        lambda _: True,
        "nothing-seen",
        "pass",
        "No leak was found at the precision of this run, which does not show that there is none.",
    ),
)
"""The first that applies decides."""


def decide(evidence: Evidence) -> Decision:
    """Return the kind of the verdict, by the first rule that applies."""
    rule = next(rule for rule in _RULES if rule.applies(evidence))
    is_leak = rule.gate == "fail" and rule.sentence != _STILL_THERE
    return Decision(rule.kind, rule.gate, rule.sentence, is_leak, next(iter(rule.shown_by(evidence)), None))


def _low(result: Result) -> float:
    return result.auc_simultaneous_ci[0] if result.auc_simultaneous_ci is not None else 0.0


def _distance(result: Result) -> float:
    """Return how far from 0.5 a simultaneous interval ends that excludes it."""
    low, high = result.auc_simultaneous_ci or (GUESSING, GUESSING)
    return max(low - GUESSING, GUESSING - high)
