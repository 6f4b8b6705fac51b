"""What the report says, in the order in which people read it; the page and the Markdown share it.

The verdict in one sentence, what the update adds, who is at risk, what a defence would change, what this run could
not have seen, and what to do now. Every sentence is about figures at hand, or says that there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import GroupRisk, Kind
from unlearn_audit.metrics import negatives_needed
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.report.answers import Answer, answers
from unlearn_audit.report.defences import Defended, defence_words, defended
from unlearn_audit.report.next_steps import Step, next_steps
from unlearn_audit.report.people import USUAL_RATE, InPeople, group_words, in_people, who_words
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.three_arms import update_words
from unlearn_audit.report.untested import not_tested
from unlearn_audit.report.wording import interval, number, percent, roles

_PLAIN: Mapping[Kind, str] = {
    "leak-by-update": "Publishing the update would reveal {who}",
    "leak-original": "The original model already reveals {who}; the update is not shown to add to that",
    "leak": "An attacker who compares both versions can tell {who}; it is not shown that the update is the cause",
    "reversed": "The attack is wrong more often than chance allows, so anyone who reverses its answers learns {who}",
    "hint": "There are signs that an attacker can tell {who}, but this run is too small to be sure",
    "too-few-worlds": "This run is too small to say whether an attacker can tell {who}",
    "nothing-seen": "No attack in this run was shown to tell {who}, which does not prove that none could",
}
"""By kind of verdict, a sentence without its full stop; one without an entry is plain as it is."""

_BY_ATTACK = ("leak-by-update", "leak-original", "leak")
"""Kinds in which the leading attack's threshold says what happens to people, where it shows the leak itself."""


@dataclass(frozen=True)
class Story:
    """What is said, each part as sentences.

    Attributes
    ----------
    title
        Data and model.
    verdict
        One sentence.
    people
        What the leading attack's threshold means for people; None where none was measured.
    people_words
        The same in sentences, or why it is not known.
    signing
        Date, version and owner.
    answers
        The questions that people ask, each with a short answer and the section that has more.
    adds, at_risk, defences, unseen
        The sections of the story; ``unseen`` is a list, the others follow each other.
    releases
        What each defence changes; empty where none was measured.
    steps
        What to do now.
    """

    title: str
    verdict: str
    people: InPeople | None
    people_words: tuple[str, ...]
    signing: Signing
    answers: tuple[Answer, ...]
    adds: tuple[str, ...]
    at_risk: tuple[str, ...]
    defences: tuple[str, ...]
    releases: tuple[Defended, ...]
    unseen: tuple[str, ...]
    steps: tuple[Step, ...]


def tell(findings: Findings, title: str, *, publishable: bool = True) -> Story:
    """Return the story of an audit.

    Parameters
    ----------
    findings
        What it found.
    title
        Data and model, in the form that may be shown.
    publishable
        Whether the report may be handed on as it is.
    """
    leading = findings.leading()
    risk, releases, signing = in_people(leading), defended(findings), Signing.of(findings.execution)
    return Story(
        title=title,
        verdict=plain_verdict(findings, leading, risk),
        people=risk,
        people_words=_people_words(findings, leading, risk),
        signing=signing,
        answers=answers(findings, leading, risk, releases, signing, publishable=publishable),
        adds=_adds(findings, leading),
        at_risk=_at_risk(findings),
        defences=tuple(defence_words(releases)) or ("No defence was measured in this run.",),
        releases=releases,
        unseen=not_tested(findings),
        steps=next_steps(findings, leading, releases),
    )


def plain_verdict(findings: Findings, leading: Result, risk: InPeople | None) -> str:
    """Return the verdict in one sentence without words of the field."""
    kind = findings.verdict.kind
    headline, _, _ = findings.verdict.summary.partition(". ")
    plain = _PLAIN.get(kind, headline.removesuffix(".")).format(who=who_words(roles(leading.game)[0]))
    if risk is None or not _shown_by_leading(findings, leading, risk):
        return f"{plain}."
    return f"{plain}: {risk.clause}."


def _shown_by_leading(findings: Findings, leading: Result, risk: InPeople) -> bool:
    """Whether the leading attack itself shows the leak, at the threshold of which people are counted too."""
    shows = findings.verdict.kind in _BY_ATTACK and leading.auc_claim_ci[0] > GUESSING
    return shows and risk.beyond_guessing


def _people_words(findings: Findings, leading: Result, risk: InPeople | None) -> tuple[str, ...]:
    if risk is None:
        rate = min(map(float, leading.tpr_at_fpr), key=lambda of: abs(of - USUAL_RATE), default=USUAL_RATE)
        needed = negatives_needed(rate)
        return (
            "How many people would be found is not known: at a threshold that wrongly flags few others, this run has "
            f"too few others to count ({leading.n_negative:,} of at least {needed:,} answers).",
        )
    canaries = (
        "The audited records had wrong labels, which is a worst case: fewer ordinary people may be found."
        if findings.canaries
        else ""
    )
    unmoved = (
        "No answer changed between the versions, so everything found comes from the original model's answers alone."
        if findings.moved == 0
        else ""
    )
    first = risk.precision if _shown_by_leading(findings, leading, risk) else f"{risk.sentence} {risk.precision}"
    return tuple(text for text in (first, unmoved, canaries, risk.basis) if text)


def _of_pairs(auc: float) -> str:
    return f"{100 * auc:.0f} of 100"


def _adds(findings: Findings, leading: Result) -> tuple[str, ...]:
    """Say what both versions reveal beyond the original, in cases of a hundred."""
    positive, negative = roles(leading.game)
    cases = (
        f"Take one of the {group_words(positive)} and one of the {group_words(negative)}: from both versions the "
        f"leading attack tells which is which in about {_of_pairs(leading.auc)} cases ({_cases(leading.auc_ci)}), "
        "where guessing is right in 50."
    )
    if leading.is_classical:
        cases = cases.replace("from both versions", "from the original model alone")
    sentences = [cases, _gain(findings, leading)]
    if findings.arms is not None:
        sentences.append(update_words(findings.arms))
    return tuple(of for of in sentences if of)


def _cases(ends: tuple[float, float]) -> str:
    return f"95 % interval {100 * ends[0]:.0f} to {100 * ends[1]:.0f}"


def _gain(findings: Findings, leading: Result) -> str:
    """Say by how much both versions reveal more than the original alone, as far as the interval shows it."""
    gain, ends = leading.auc_minus_classical, leading.auc_minus_classical_ci
    if findings.moved == 0:
        return "The update changed no answer, so it adds nothing."
    if leading.is_classical:
        return "That attack never looks at the update, so it says nothing about what the update adds."
    if gain is None or ends is None:
        return "It was not compared with an attack on the original model alone, so what the update adds is not known."
    alone = f"The best attack on the original model alone is right in about {_of_pairs(leading.auc - gain)} cases"
    points = f"({100 * ends[0]:+.0f} to {100 * ends[1]:+.0f})".replace("-", "−")
    if ends[0] > 0:
        return f"{alone}: with the update the attack is right in about {100 * gain:.0f} cases more {points}."
    if ends[1] < 0:
        return f"{alone}: the attack on both versions does worse {points}."
    return f"{alone}; it is not shown that the update adds anything {points}."


def _at_risk(findings: Findings) -> tuple[str, ...]:
    """Say which groups the leading attack separates best and worst, and how many records are identified."""
    sentences = [
        _of_column(column, groups)
        for column in dict.fromkeys(_title(of) for of in findings.groups)
        if len(groups := [g for g in findings.groups if _title(g) == column and g.auc is not None]) > 1
    ]
    if findings.record_risk is not None:
        found = findings.record_risk
        sentences.append(
            f"Of {found.records:,} audited records {found.identified:,} "
            f"{'is' if found.identified == 1 else 'are'} identified individually; of those, at most "
            f"{percent(found.level)} are expected to be wrong."
        )
    if not sentences:
        sentences.append(
            "Every deleted person counts as equally at risk here: no breakdown by group was measured. "
            "--group-by COLUMN measures one."
        )
    return tuple(sentences)


def _title(of: GroupRisk) -> str:
    return of.column or of.by


def _of_column(column: str, groups: list[GroupRisk]) -> str:
    """Name the groups with the highest and the lowest figure, and whether their intervals lie apart."""
    ordered = sorted(groups, key=lambda of: of.auc or 0.0)
    low, high = ordered[0], ordered[-1]
    apart = low.auc_ci is not None and high.auc_ci is not None and low.auc_ci[1] < high.auc_ci[0]
    reading = "the intervals do not overlap" if apart else "the intervals overlap, so no difference is shown"
    return (
        f"By {_COLUMNS.get(column, column)} the attack does best in the group {high.group} (AUC {number(high.auc)}, "
        f"{interval(high.auc_ci)}) and worst in {low.group} ({number(low.auc)}, {interval(low.auc_ci)}); {reading}."
    )


_COLUMNS = {"class": "label", "difficulty": "how hard records are (tenths, 1 the least certain)"}
