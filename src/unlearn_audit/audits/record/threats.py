"""The threat model of each attack, and the kinds of attack that no run of this package tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unlearn_audit.attacks.base import Need
from unlearn_audit.attacks.catalogue import CATALOGUE
from unlearn_audit.audits.record.schema import Attack, NotRun
from unlearn_audit.report.wording import VIEWS

_NEEDS: dict[Need, str] = {
    "labels": "the true label of every record",
    "references": "reference records in every pair that it knows to be in neither training set",
    "influence": "the data and the training procedure, to compute what a deletion changes",
    "records": "its own models that audit the same records in every role",
    "probes": "the labels of perturbed copies of every record",
    "sequence": "more than two versions",
}

_KNOWS_SHADOWS = (
    "it trains its own models (shadow worlds) with the same procedure, on data of the same kind that the audited "
    "models never used"
)
_KNOWS_REFERENCES = "records of the same kind that neither version was trained on"

_ELSEWHERE = (
    ("naming a deleted person in a whole register", "another command: unlearn-audit name"),
    ("reconstruction of deleted records from weights", "another command: unlearn-audit reconstruct"),
    ("disclosure of a corrected value", "another command: unlearn-audit rectify"),
)
_NEVER = (
    "attribute inference",
    "model inversion",
    "exfiltration of training data",
    "regurgitation of training data by a generative model",
    "attacks on weights or gradients of models other than a logistic regression",
)

ASSUMPTIONS = (
    "An honest provider: the audit trusts that the person who ran it gave it the data, training and deletion that are "
    "really used, and did not select results afterwards. It cannot show that a deployed model was made in this way, "
    "nor detect a provider who trains differently for the audit.",
    "Digests show which files and settings a run used. They are not a signature.",
)
"""What a record rests on, whatever the run."""


def of_classifier(name: str, view: str, label: str) -> Attack:
    """Return the threat model of an attack of an audit, given its name, what it sees, and what people call it."""
    known = CATALOGUE.get(name)
    learned = "/" in label
    about = f"a classifier ({label.partition('/')[2]}) on the feature {name}" if learned else None
    needs: tuple[str, ...] | None = () if learned else None
    if known is not None:
        about, needs = known.about.removeprefix("(n,) "), tuple(_NEEDS[need] for need in sorted(known.needs))
    return Attack(attack=label, about=about, sees=VIEWS.get(view, view), knows=_KNOWS_SHADOWS, needs=needs)


def of_release(score: str) -> Attack:
    """Return the threat model of the examination of one release."""
    return Attack(
        attack=score,
        about="how much more deleted a person's records look than those of people who were never in training",
        sees=VIEWS["pair"],
        knows=_KNOWS_REFERENCES,
        needs=(),
    )


def not_run(recorded: Iterable[dict[str, Any]], *, kind: str) -> tuple[NotRun, ...]:
    """Return the tests that were not run.

    Parameters
    ----------
    recorded
        Of the run: ``attack``, ``attack_model`` and ``reason`` of each registered attack that it left out.
    kind
        Of the run.
    """
    own = [
        NotRun(
            test=f"attack {of['attack']}" + (f" with {of['attack_model']}" if of.get("attack_model") else ""),
            why=str(of["reason"]),
        )
        for of in recorded
    ]
    if kind in ("release", "rehearsal"):
        own.append(NotRun(test="attacks that learn from shadow worlds", why="another command: unlearn-audit run"))
    return (
        *own,
        *(NotRun(test=test, why=why) for test, why in _ELSEWHERE),
        *(NotRun(test=test, why="unlearn-audit has no such test") for test in _NEVER),
    )
