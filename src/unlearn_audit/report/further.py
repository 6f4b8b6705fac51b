"""What an audit found besides the figures of single attacks, in sentences that the page and the terminal share."""

from __future__ import annotations

from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import DeletionTime, PaperComparison, ThreeWay
from unlearn_audit.report.wording import attack_words, interval, number

NOT_WORSE = 0.01
"""By so much less of AUC the leading attack may do and still count as not worse than the paper's best."""


def further(findings: Findings) -> list[str]:
    """Return one sentence or two for each further finding that there is.

    Examples
    --------
    >>> from unlearn_audit.findings.sections import DeletionTime
    >>> deletion_time_words(DeletionTime(statistic="delta", updates=5, n=100, right=0.6, right_ci=(0.5, 0.7),
    ...     mean_distance=0.8))[:69]
    'The largest fall of a margin (delta) identifies the update that delet'
    """
    sentences = []
    if findings.paper is not None:
        sentences.append(paper_words(findings.paper, findings.leading()))
    if findings.three_way is not None:
        sentences.append(three_way_words(findings.three_way, moved=findings.moved != 0))
    if findings.deletion_time is not None:
        sentences.append(deletion_time_words(findings.deletion_time))
    return [sentence for sentence in sentences if sentence]


def paper_words(paper: PaperComparison, leading: Result) -> str:
    """Say how the leading attack compares with the paper's best; nothing where it is that one itself."""
    if (leading.attack, leading.attack_model) == (paper.attack, paper.attack_model):
        return ""
    low, high = paper.difference_ci
    if low > 0:
        reading = "better"
    elif low > -NOT_WORSE:
        reading = f"not worse by more than {NOT_WORSE:g}"
    elif high < 0:
        reading = "worse"
    else:
        reading = "which is better is not shown"
    return (
        f"The paper's best attack here, {attack_words(paper.attack, paper.attack_model)}, reaches {number(paper.auc)}; "
        f"the leading attack's AUC differs by {number(paper.difference, signed=True)} "
        f"({interval(paper.difference_ci, signed=True)}): {reading}."
    )


def three_way_words(found: ThreeWay, *, moved: bool = True) -> str:
    """Say how well all three roles are distinguished, and what the update adds to the risk of those who remain.

    An update that moved no answer adds nothing, whatever a second fit makes of the same answers.
    """
    each = ", ".join(f"{of.role} {number(of.auc)} ({interval(of.auc_ci)})" for of in found.roles)
    low, high = found.retained_added_ci
    risk = "is raised by the update" if low > 0 else "is lowered by it" if high < 0 else "is not shown to change"
    if not moved:
        risk = "does not change, since no answer changed"
    return (
        f"All three roles at once, without a defence ({found.attack}): macro AUC {number(found.macro_auc)} "
        f"({interval(found.macro_auc_ci)}); each against the other two: {each}. The risk of those who remain {risk}: "
        f"retained against unseen {number(found.retained_auc)}, {number(found.retained_added, signed=True)} "
        f"({interval(found.retained_added_ci, signed=True)}) compared with what the original alone shows. MIA "
        f"efficacy, which says nothing about both versions together: {number(found.mia_efficacy)} "
        f"({interval(found.mia_efficacy_ci)})."
    )


def deletion_time_words(found: DeletionTime) -> str:
    """Say how often the update that deleted a record is named."""
    return (
        f"The largest fall of a margin ({found.statistic}) identifies the update that deleted a record in "
        f"{number(found.right)} of {found.n:,} cases ({interval(found.right_ci)}; guessing: "
        f"{number(1 / found.updates)}), and is {found.mean_distance:.2f} updates off on average."
    )
