"""What the words of the report mean, for readers who are not of the field."""

from __future__ import annotations

from unlearn_audit.metrics import MIN_EXPECTED_FALSE_POSITIVES
from unlearn_audit.report.wording import NOT_GIVEN, REGIMES

GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "Original, unlearned, update",
        "The original model was trained with the records that are later deleted, the unlearned model was trained "
        "without them, or had them removed. The update is the step from one to the other; both versions can be "
        "queried.",
    ),
    (
        "Attack",
        "A way of guessing, from a model's answers, whether a record was deleted. It is fitted on shadow data, where "
        "the truth is known, and then measured on the target.",
    ),
    (
        "Shadow, target",
        "The attacker's own data and models (shadow), and those that are audited (target); they share no record.",
    ),
    (
        "World",
        "One complete repetition: a training set drawn anew, an original model, deletions, and unlearned models. "
        "Intervals come from how much worlds differ.",
    ),
    (
        "Game",
        "Which people are to be distinguished: deleted-vs-unseen means deleted records against records that were never "
        "in the training data.",
    ),
    (
        "View",
        "What the attacker sees: pair, the answers of both versions; original or unlearned, those of one alone; "
        "labels, only the predicted classes.",
    ),
    ("Regime", "; ".join(f"{name}: {words}" for name, words in REGIMES.items()) + "."),
    ("Deleted, unseen, retained", "Removed by the update; never in the training data; still in it."),
    ("Found, wrongly flagged", "Deleted and flagged by the attacker; flagged although not deleted."),
    (
        "AUC",
        "Probability that a random positive record scores higher than a random negative one, ties counted as ½: 0.5 is "
        "guessing, 1 is certainty, and far below 0.5 is a leak too.",
    ),
    (
        "− classical",
        "AUC minus that of the classical attack on the original model alone, on the same rows: what the update adds.",
    ),
    (
        "TPR at FPR",
        f"Share of the positives found when at most that share of the negatives is wrongly flagged; “{NOT_GIVEN}” "
        f"where fewer than {MIN_EXPECTED_FALSE_POSITIVES} are expected to be.",
    ),
    ("Accuracy", "Share of right answers at the attack's own threshold, with equal weight for both roles."),
    (
        "95 % interval",
        "If the audit were repeated with other people and trainings, 95 of 100 such intervals would hold the true "
        "value.",
    ),
    (
        "Epsilon",
        "A guarantee of differential privacy with a smaller epsilon than this does not hold: 0 says nothing, more is "
        "worse.",
    ),
    (
        "Shadow AUC",
        "AUC by cross-validation on the attacker's own shadow worlds; the leading attack was chosen by it.",
    ),
    (
        "DegCount",
        "Share of records of whose true status the attack is more confident with both models than with the original "
        "alone; also with ties as ½, and with confidences calibrated on shadow worlds.",
    ),
    ("DegRate", "Mean gain of that confidence; comparable only within one attack model unless calibrated."),
    (
        "Bits",
        "Mean log₂ ratio of the calibrated confidences in the true status: information that the update adds about one "
        "record.",
    ),
)
"""Word and meaning, in the order in which they are met."""
