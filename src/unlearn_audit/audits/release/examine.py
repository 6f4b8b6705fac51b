"""From one pair of versions to who can be identified among the people deleted between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.audits.release.direction import exchanged
from unlearn_audit.audits.release.findings import FlaggingFinding, Precision, ReleaseFindings
from unlearn_audit.audits.release.pair import Pair
from unlearn_audit.audits.release.persons import (
    Combine,
    PersonRisks,
    RecordScores,
    needed_of_kinds,
    persons_needed,
    persons_of,
)
from unlearn_audit.audits.release.scores import SCORES, score
from unlearn_audit.audits.release.sentences import limits, summary
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Control, Estimate, FlaggingRule, holm_adjusted, rejected
from unlearn_audit.utils.seeds import Kind, generator

RATES = (0.05, 0.01, 0.001)
"""Shares of people never in training that an observer may flag."""

BASE_RATES = (0.5, 0.1, 0.01)
"""Shares of deleted people among those that an observer looks at, where none is stated."""


@dataclass(frozen=True)
class ReleaseSettings:
    """How a release is examined.

    Attributes
    ----------
    score
        A name of `unlearn_audit.audits.release.scores.SCORES`, or None for the default.
    combine
        What a person's score is of those of several records.
    confidence
        Confidence at which a person counts as identified.
    control
        What is held over several persons.
    base_rates
        Shares of deleted people among those that an observer looks at.
    seed
        Of every random draw.
    """

    score: str | None = None
    combine: Combine = "sum"
    confidence: float = 0.95
    control: Control = "holm"
    base_rates: tuple[float, ...] = BASE_RATES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.score is not None and self.score not in SCORES:
            raise AuditError(f"no score '{self.score}'; use one of {', '.join(SCORES)}")
        for name, value, known in (
            ("combine", self.combine, ("sum", "max")),
            ("control", self.control, ("holm", "fdr")),
        ):
            if value not in known:
                raise AuditError(f"--{name} is {value!r}; use {' or '.join(known)}")
        for name, shares in (("confidence", (self.confidence,)), ("base-rate", self.base_rates)):
            for share in shares:
                if not 0 < share < 1:
                    raise AuditError(f"--{name} is {share:g}; a share between 0 and 1 is needed, such as 0.95 or 0.01")


@dataclass(frozen=True, eq=False)
class Examined:
    """What one release shows of each deleted person: private.

    Attributes
    ----------
    pair
        The release.
    score
        What was looked at.
    persons
        Scores and p-values.
    identified
        (m,) who can be identified, all persons allowed for.
    needed
        With how many reference persons of its kind each is compared, where there are so many, for anybody to be.
    """

    pair: Pair
    score: str
    persons: PersonRisks
    identified: npt.NDArray[np.bool_]
    needed: int

    def table(self) -> pd.DataFrame:
        """Return one row a deleted person, the most exposed first: private."""
        persons = self.persons
        frame = pd.DataFrame(
            {
                "person": self.pair.names,
                "records": persons.rows,
                "records_counted": persons.counted,
                "score": persons.scores,
                "references": persons.references,
                "p_value": persons.p_values,
                "p_value_holm": holm_adjusted(persons.p_values, persons.references),
                "identified": self.identified,
            }
        )
        return frame.sort_values("p_value", kind="stable", ignore_index=True)


def examine(pair: Pair, settings: ReleaseSettings, repetition: int = 0, *, by_kind: bool = True) -> Examined:
    """Return what a release shows of each deleted person.

    Parameters
    ----------
    pair, settings
        The release, and how it is looked at.
    repetition
        Its number among the repetitions of a rehearsal, or among trial releases.
    by_kind
        Whether each person is compared only with references of the same kind. Without, p-values hold only if the
        deleted and the references were drawn at random from the same people.

    Raises
    ------
    AuditError
        If there are too few references, or too few of a kind, for the confidence asked for; it says how many are
        needed.
    """
    drawn = generator(settings.seed, Kind.RELEASE, repetition)
    scored = score(pair, settings.score, drawn)
    needed = persons_needed(pair.deleted.persons, scored.calibrating.persons, settings.confidence, settings.control)
    deleted = RecordScores(scored.deleted, pair.deleted.person)
    references = RecordScores(scored.references, scored.calibrating.person)
    if by_kind:
        needed = needed_of_kinds(
            pair.deleted, scored.calibrating, pair.kinds_of_records, settings.confidence, settings.control
        )
        deleted = replace(deleted, kind=pair.deleted.kind_of_each)
        references = replace(references, kind=scored.calibrating.kind_of_each)
    persons = persons_of(deleted, references, settings.combine, needed, drawn)
    identified = rejected(persons.p_values, 1 - settings.confidence, settings.control, persons.references)
    return Examined(pair, scored.name, persons, identified, needed)


def findings_of(
    examined: Sequence[Examined],
    settings: ReleaseSettings,
    config: Mapping[str, Any],
    *,
    rehearsal: bool = False,
    notes: Sequence[str] = (),
) -> ReleaseFindings:
    """Sum up one release, or the repetitions of a rehearsal, without naming anybody."""
    first = examined[0]
    p_values = np.concatenate([e.persons.p_values for e in examined])
    fewest = min(int(e.persons.references.min()) for e in examined)
    identified = [int(e.identified.sum()) for e in examined]
    found = ReleaseFindings(
        config=dict(config),
        rehearsal=rehearsal,
        repetitions=tuple(identified) if rehearsal else (),
        persons=len(first.persons),
        records=len(first.pair.deleted),
        reference_persons=fewest,
        references_needed=first.needed,
        compared_by=first.pair.compared_by,
        labels_known=all(bool((e.pair.deleted.labels >= 0).all()) for e in examined),
        score=first.score,
        combine=settings.combine,
        confidence=settings.confidence,
        control=settings.control,
        identified=sum(identified) / len(identified) if rehearsal else identified[0],
        identified_unadjusted={
            f"{level:g}": int((p_values <= level * (1 + 1e-9)).sum()) for level in RATES if fewest >= 1 / level - 1
        },
        smallest_p_value=1 / (1 + fewest),
        p_values=tuple(np.sort(p_values).tolist()),
        changed=float(np.mean([e.pair.changed for e in examined])),
        exchanged=None if rehearsal else exchanged(first.pair, settings.seed),
        flagging=_flagging(examined, p_values, settings.base_rates),
        summary="",
        limits=(),
        notes=tuple(dict.fromkeys((*notes, *(note for e in examined for note in (*e.pair.notes, *_cut(e)))))),
    )
    return found.model_copy(update={"summary": summary(found), "limits": limits(found)})


def _observer(examined: Sequence[Examined], p_values: npt.NDArray[np.float64], rate: float) -> FlaggingRule | None:
    """Return what an observer reaches at a rate; None where any set of references is too small to show it.

    Each set has its own threshold. How many people never in training lie above them is said as the widest of the
    sets' intervals, which holds for any mixture of them, about the mean.
    """
    of_sets = [
        FlaggingRule.at(rate, p_values, len(known), above)
        for e in examined
        for known, above in zip(e.persons.known, e.persons.above(rate), strict=True)
    ]
    shares = [rule.wrong_share for rule in of_sets if rule is not None]
    if of_sets[0] is None or len(shares) < len(of_sets):
        return None
    value = float(np.mean([share.value for share in shares]))
    wrong = Estimate(value, min(share.low for share in shares), max(share.high for share in shares))
    return replace(of_sets[0], wrong_share=wrong)


def _flagging(
    examined: Sequence[Examined], p_values: npt.NDArray[np.float64], base_rates: Sequence[float]
) -> tuple[FlaggingFinding, ...]:
    found = []
    for rate in RATES:
        observer = _observer(examined, p_values, rate)
        if observer is None:
            continue
        right = [(base_rate, observer.precision(base_rate)) for base_rate in base_rates]
        found.append(
            FlaggingFinding(
                rate=rate,
                found=observer.found,
                found_share=observer.found_share.value,
                found_share_ci=observer.found_share.interval,
                wrong_share=observer.wrong_share.value,
                wrong_share_ci=observer.wrong_share.interval,
                precision=tuple(Precision(base_rate=b, right=e.value, right_ci=e.interval) for b, e in right),
            )
        )
    return tuple(found)


def _cut(examined: Examined) -> tuple[str, ...]:
    """Return a note if some persons have more records than could be compared."""
    cut = int((examined.persons.counted < examined.persons.rows).sum())
    if not cut:
        return ()
    who = "1 deleted person has" if cut == 1 else f"{cut:,} deleted persons have"
    most = int(examined.persons.counted.max())
    return (
        f"{who} more records than {examined.needed:,} reference persons have, or of classes that they do not have; at "
        f"most {most:,} of a person's records, drawn at random, were counted, so more people may be identified",
    )
