"""What a run did not test, and so could not have seen."""

from __future__ import annotations

from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.wording import REGIMES, SEES, roles

_ROLES = ("deleted", "unseen", "retained")

_UNTRIED = {
    "deleted-vs-unseen": "whether deleted people can be distinguished from people who were never in the training data",
    "deleted-vs-retained": "whether deleted people can be distinguished from those who stay in the training data",
    "retained-vs-unseen": "whether those who stay can be distinguished from people who were never in the training data",
}


def not_tested(findings: Findings) -> tuple[str, ...]:
    """Return what was not asked, the largest gaps first; each a sentence without a name of a record."""
    seen = {r.view for r in findings.results}
    views = [words for view, words in SEES.items() if view not in seen]
    games = {frozenset(roles(r.game)) for r in findings.results}
    questions = [words for game, words in _UNTRIED.items() if frozenset(roles(game)) not in games]
    regimes = [name for name in REGIMES if name not in (findings.regime, "unknown")]
    sentences = [f"Attackers who see {_listed(views)} were not tried." if views else ""]
    if questions:
        sentences.append(f"Not asked: {_listed(questions, 'and')}.")
    sentences += [
        "Attacks that this program does not include, and attackers who know more about a person, were not tried.",
        f"Only one way of drawing random numbers was tested ({findings.regime}); {_listed(regimes)} may give different "
        "figures.",
        "Only this data, model and unlearning method were tested; another model or a later update needs its own audit.",
    ]
    if {r.defense for r in findings.results} == {UNDEFENDED}:
        sentences.append("No defence was tried.")
    if not findings.groups:
        sentences.append("No group of people was examined separately, so a group at higher risk would not be noticed.")
    return tuple(of for of in sentences if of)


def _listed(items: list[str], last: str = "or") -> str:
    """Join words.

    Examples
    --------
    >>> _listed(["a", "b", "c"]), _listed(["a"])
    ('a, b or c', 'a')
    """
    return f" {last} ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)
