"""Compares finished runs: the folders are read, the rest is `differences` and `sentences`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unlearn_audit.audits.comparison.agreement import agreement_of, settings_apart, why_not_compared
from unlearn_audit.audits.comparison.differences import Confidences, attacks_of_both, differences_of
from unlearn_audit.audits.comparison.findings import (
    AttackDifference,
    BestDifference,
    RunDifference,
    RunsComparison,
    Setting,
)
from unlearn_audit.audits.comparison.folders import ReleaseFolder, RunFolder, read_run
from unlearn_audit.audits.comparison.sentences import limits_of, summary_of, words_of
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import shortened
from unlearn_audit.utils.typing import Array, Mask

MOST_RUNS = 50
"""More runs than these fill no table that anybody reads."""

Curve = tuple[Array, Mask]
"""(n,) the scores of a run's leading attack, and which rows are positive."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Runs side by side.

    Attributes
    ----------
    findings
        All that is said about them.
    curves
        By the place of a run, from 0; a run without scores has none.
    """

    findings: RunsComparison
    curves: dict[int, Curve]


def compare_runs(folders: Sequence[Path]) -> Compared:
    """Compare each run with the first.

    Parameters
    ----------
    folders
        Of two runs or more, none of them twice.

    Raises
    ------
    AuditError
        If there are fewer, or one is no run, is damaged, or is given twice.
    """
    check_number(len(folders))
    twice = [of for of, count in Counter(map(_real, folders)).items() if count > 1]
    if twice:
        raise AuditError(f"{twice[0]} is given twice; give each run once")
    runs = [read_run(folder, name) for folder, name in zip(folders, names_of(folders), strict=True)]
    first, *others = runs
    at = Confidences.of_pairs(len(others))
    differences = tuple(_difference(first, second, at) for second in others)
    findings = RunsComparison(
        summary=summary_of(differences),
        claim_confidence=at.claim,
        all_confidence=at.every,
        runs=tuple(of.row for of in runs),
        differences=differences,
        limits=limits_of(at, len(others)),
    )
    return Compared(findings, _curves(runs))


def check_number(runs: int) -> None:
    """Raise unless so many runs can be compared.

    Raises
    ------
    AuditError
        If they are fewer than two, or more than `MOST_RUNS`.
    """
    if not 2 <= runs <= MOST_RUNS:
        raise AuditError(f"{runs:,} {'run is' if runs == 1 else 'runs are'} given; name 2 to {MOST_RUNS}")


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return what folders are called side by side: their last part, or as many parts as tell them apart.

    Examples
    --------
    >>> names_of([Path("runs/a"), Path("runs/b")]), names_of([Path("one/a"), Path("two/a")])
    (['a', 'b'], ['one/a', 'two/a'])
    """
    parts = [_real(folder).parts for folder in folders]
    n = 1
    while len({of[-n:] for of in parts}) < len({*parts}) and n < max(map(len, parts)):
        n += 1
    return ["/".join(of[-n:]) for of in parts]


def _real(folder: Path) -> Path:
    return folder.resolve()


def _difference(first: RunFolder | ReleaseFolder, second: RunFolder | ReleaseFolder, at: Confidences) -> RunDifference:
    """Return how two runs differ, as far as they can be compared."""
    reasons = why_not_compared(first, second)
    paired, why = False, "They cannot be compared."
    best: BestDifference | None = None
    attacks: tuple[AttackDifference, ...] = ()
    settings: tuple[Setting, ...] = ()
    unchanged: list[str] = []
    if isinstance(first, RunFolder) and isinstance(second, RunFolder):
        settings = settings_apart(first, second)
        if not reasons:
            agreement = agreement_of(first, second)
            paired, why = agreement.paired, agreement.why
            best, attacks = differences_of(first, second, paired=paired, at=at)
            reasons = tuple(_left_out(first, second))
            unchanged = [of.name for of in (first, second) if of.findings.verdict.kind == "unchanged"]
    found = RunDifference(
        first=first.name,
        second=second.name,
        settings=settings,
        paired=paired,
        why=why,
        not_compared=reasons,
        best=best,
        attacks=attacks,
        sentences=(),
    )
    return found.model_copy(update={"sentences": words_of(found, at, unchanged)})


def _left_out(first: RunFolder, second: RunFolder) -> list[str]:
    """Say which attacks are not compared, and that one of them leads."""
    both = set(attacks_of_both(first, second))
    sentences = []
    if not any(first.results[name].sees_versions for name in both):
        sentences.append("They share no attack on more than one version, so their best attacks cannot be compared.")
    for of in (first, second):
        left = [name for name in of.results if name not in both]
        if not left:
            continue
        leads = f"; {of.leads}, which leads there, is among them" if of.leads in left else ""
        verb = "is" if len(left) == 1 else "are"
        sentences.append(
            f"Of {of.name} {len(left):,} {'attack' if len(left) == 1 else 'attacks'} {verb} not compared, as the other "
            f"did not run {'it' if len(left) == 1 else 'them'} ({shortened(left)}){leads}."
        )
    sentences += [
        f"Records were purged from {of.name} after its findings were written: its differences are computed from the "
        "remaining rows."
        for of in (first, second)
        if of.purged
    ]
    return sentences


def _curves(runs: Sequence[RunFolder | ReleaseFolder]) -> dict[int, Curve]:
    """Return the scores of each run's leading attack, where they are there."""
    curves = {}
    for place, of in enumerate(runs):
        if isinstance(of, RunFolder) and of.has_scores and (scores := of.rows.scores.get(of.leads)) is not None:
            curves[place] = scores, of.rows.positive
    return curves
