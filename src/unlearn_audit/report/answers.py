"""The questions that people ask of a report, each with a short answer and the section that has more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.findings.precision import detectable_auc
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Gate
from unlearn_audit.report.defences import Defended
from unlearn_audit.report.people import InPeople, counted, group_words
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.wording import SEES, capitalised, interval, number, roles


@dataclass(frozen=True)
class Answer:
    """A question, its short answer, and the id of the section that has more."""

    question: str
    text: str
    anchor: str


RELEASE: Mapping[Gate, str] = {
    "fail": "Not as it is: a leak was found.",
    "pass": "Nothing measured here speaks against it. That is no proof.",
    "cannot-tell": "This run cannot tell.",
}
"""Whether an update can be released, by the gate of the verdict."""


def answers(
    findings: Findings,
    leading: Result,
    risk: InPeople | None,
    releases: Sequence[Defended],
    signing: Signing,
    *,
    publishable: bool,
) -> tuple[Answer, ...]:
    """Return questions and answers, in the order in which they are asked."""
    attacks = len({(r.attack, r.attack_model) for r in findings.results})
    worlds = f"{leading.n_worlds:,} independent repetition{'' if leading.n_worlds == 1 else 's'}"
    return (
        Answer("Can the update be released?", RELEASE[findings.verdict.gate], "verdict"),
        Answer("How many people are at risk?", _how_many(risk), "people"),
        Answer("Who is at risk?", _who(findings, leading), "whose"),
        Answer("How sure is that?", f"{worlds}; {_sure(findings, leading)}", "figures"),
        Answer("What should we do now?", "Steps, a date and a place to sign.", "now"),
        Answer("What was tested?", f"{attacks:,} attacks, each fitted on other data.", "asked"),
        Answer("What was not tested?", "Other attackers, questions and models.", "unseen"),
        Answer("What does an attacker need?", f"{capitalised(SEES.get(leading.view, leading.view))}.", "asked"),
        Answer("What would a defence change?", _defence(releases), "defences"),
        Answer("Which version, when, by whom?", _made(signing), "now"),
        Answer("What do the words mean?", "A glossary, at the end of this page.", "words"),
        Answer(
            "May I publish this page?",
            "Yes: it holds totals and names no record."
            if publishable
            else "No: this is the auditor’s form. Pass on report.html.",
            "publish",
        ),
    )


def _how_many(risk: InPeople | None) -> str:
    if risk is None:
        return "Not known: too few records to count."
    return f"{capitalised(counted(risk.found, risk.of))} of {risk.of:,} ({risk.ends})."


def _who(findings: Findings, leading: Result) -> str:
    known = [of for of in findings.groups if of.auc is not None]
    if not known:
        return f"{capitalised(group_words(roles(leading.game)[0]))}; no groups were compared."
    return f"{capitalised(group_words(roles(leading.game)[0]))}; {len(known):,} groups were compared."


def _sure(findings: Findings, leading: Result) -> str:
    """Give the interval of a leak, and otherwise what would have been seen."""
    if findings.verdict.gate == "fail":
        return f"AUC {interval(leading.auc_ci, 2)} with 95 % confidence."
    least = detectable_auc(leading)
    return (
        "what could be detected is not known."
        if least is None
        else (f"an AUC of {number(least, 2)} would be detected.")
    )


def _defence(releases: Sequence[Defended]) -> str:
    tried = [row for row in releases if row.name != UNDEFENDED]
    if not tried:
        return "Not measured in this run."
    return f"{sum(row.lower for row in tried):,} of {len(tried):,} measured were shown to lower the risk."


def _made(signing: Signing) -> str:
    by = f"{signing.owner}, " if signing.owner else ""
    return f"{capitalised(by + signing.date)}, version {signing.version}."
