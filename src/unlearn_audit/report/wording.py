"""The words and number formats that the verdict, the page and the terminal share."""

from __future__ import annotations

from unlearn_audit.errors import AuditError
from unlearn_audit.findings.result import Result
from unlearn_audit.metrics.roc import GUESSING
from unlearn_audit.utils.typing import Interval

_TELLING = (0.0, GUESSING, 1.0)
"""Values that a figure is not rounded to: no leak, guessing, certainty."""

_MOST_DIGITS = 12

_MOST_DIGITS_OF_ENDS = 6
"""An end of an interval is an estimate: beyond so many digits what is not quite certain is rounded."""

NOT_GIVEN = "–"
"""Stands where a number is not given."""

VIEWS = {
    "pair": "the posteriors of both models",
    "original": "the posteriors of the original model alone",
    "unlearned": "the posteriors of the unlearned model alone",
    "labels": "the predicted labels of both models",
    "sequence": "the posteriors of every version",
    "weights": "the weights of both models",
}
"""What the attacker sees, by view."""

SEES = {
    "pair": "the probabilities that the model answers before and after the deletion",
    "original": "the probabilities that the model answered before the deletion",
    "unlearned": "the probabilities that the model answers after the deletion",
    "labels": "only the class that the model answers before and after the deletion",
    "sequence": "the probabilities that every version of the model answers",
    "weights": "the weights of the model before and after the deletion",
}
"""The same for readers who are not of the field."""

REGIMES = {
    "fixed": "the unlearned model repeats every random draw of the original, minus the deleted record",
    "same-seed": "the unlearned model restarts from the same seed on one record fewer, which shifts later draws",
    "fresh": "the unlearned model draws new randomness",
    "unknown": "how the randomness of the two models is related is not known",
}
"""How the unlearned model's randomness relates to the original's, by regime."""

_ROLES = {
    "deleted": "deleted records",
    "unseen": "records that were never in the training data",
    "retained": "records that are still in the training data",
}


def roles(game: str) -> tuple[str, str]:
    """Return the positive and the negative role of a game.

    Raises
    ------
    AuditError
        If the name is not two roles joined by ``-vs-``.

    Examples
    --------
    >>> roles("deleted-vs-unseen")
    ('deleted', 'unseen')
    """
    positive, separator, negative = game.partition("-vs-")
    if not separator or not positive or not negative:
        raise AuditError(f"the game {game!r} does not have two sides; name it like 'deleted-vs-unseen'")
    return positive, negative


def role_words(role: str) -> str:
    """Return a role in plain words, or ``'<role> records'`` if it is not one of the project's."""
    return _ROLES.get(role, f"{role} records")


def attack_words(attack: str, attack_model: str | None) -> str:
    """Return an attack and its model in words.

    Examples
    --------
    >>> attack_words("sorted-diff", "mlp")
    'sorted-diff with mlp'
    """
    return attack if attack_model is None else f"{attack} with {attack_model}"


def adapting(result: Result) -> str:
    """Return whether the attacker knew of the defence, in one or two words; nothing where there is none."""
    return "" if result.defense == "none" else "adapts" if result.adaptive else "does not adapt"


def number(value: float | None, digits: int = 3, *, signed: bool = False, most: int = _MOST_DIGITS) -> str:
    """Return a number with a true minus sign, or a dash if there is none; 0 never has a sign.

    What is not quite 0, 0.5 or 1 gets as many digits as it takes to show it, where that is no more than ``most``.

    Examples
    --------
    >>> number(0.1234), number(-0.5, 1), number(0.25, 2, signed=True), number(-0.0001), number(None)
    ('0.123', '−0.5', '+0.25', '−0.0001', '–')
    >>> number(0.99998), number(1.0), number(0.5000004), number(-1e-15)
    ('0.99998', '1.000', '0.5000004', '0.000')
    """
    if value is None:
        return NOT_GIVEN
    size = short = f"{abs(value):.{digits}f}"
    while float(size) in _TELLING and digits < most and abs(abs(value) - float(size)) >= 10.0**-most:
        digits += 1
        size = f"{abs(value):.{digits}f}"
    if float(size) == float(short):
        size = short
    if float(size) == 0:
        return size
    sign = "−" if value < 0 else "+" if signed else ""
    return sign + size


def interval(ends: Interval | None, digits: int = 3, *, signed: bool = False) -> str:
    """Return an interval in words, or nothing if there is none.

    Examples
    --------
    >>> interval((0.25, 0.5)), interval((-0.1, 0.1), 1, signed=True), interval(None)
    ('0.250 to 0.500', '−0.1 to +0.1', '')
    >>> interval((0.679, 0.999999996)), interval((0.5, 0.99996))
    ('0.679 to 1.000', '0.500 to 0.99996')
    """
    if ends is None:
        return ""
    return " to ".join(number(end, digits, signed=signed, most=_MOST_DIGITS_OF_ENDS) for end in ends)


LONGEST = 80
"""Letters of a name that a page shows in a heading, a table or a plot."""


def capitalised(text: str) -> str:
    """Return a text that begins a sentence.

    Examples
    --------
    >>> capitalised("none of the 3"), capitalised("")
    ('None of the 3', '')
    """
    return text[:1].upper() + text[1:]


def brief(text: str, longest: int = LONGEST) -> str:
    """Return a name, or the beginning and the end of a long one with the number of its letters.

    Examples
    --------
    >>> brief("adult"), brief("a" * 500 + ".csv", 20)
    ('adult', 'aaaaaaaaaaaaa…a.csv (504 letters)')
    """
    if len(text) <= longest:
        return text
    end = longest // 4
    return f"{text[: longest - end - 2]}…{text[-end:]} ({len(text):,} letters)"


def percent(rate: str | float) -> str:
    """Return a rate as a percentage without superfluous zeros.

    Examples
    --------
    >>> percent("0.001"), percent(0.05)
    ('0.1 %', '5 %')
    """
    return f"{100 * float(rate):.6g} %"
