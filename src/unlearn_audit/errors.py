"""The one kind of error that a user is meant to read."""

from __future__ import annotations

import re

LONGEST_MESSAGE = 1500
"""Characters of a message; of a longer one the middle is left out."""

_LONGEST_WORD = 300
_WORD = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
# a terminal obeys control characters, marks of direction turn a sentence round, and half a surrogate pair is no text
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class AuditError(ValueError):
    """Bad input or an impossible request, stated in one sentence: what was wrong, where, and what to do.

    The command line prints the sentence without a traceback and exits with code 2; Python callers
    catch it like any ``ValueError``. What it quotes of a user's may be of any length: the message is one line of
    at most `LONGEST_MESSAGE` characters, all of them printable.

    Examples
    --------
    >>> raise AuditError("no label column 'income' in people.csv; name one of: age, job")
    Traceback (most recent call last):
        ...
    unlearn_audit.errors.AuditError: no label column 'income' in people.csv; name one of: age, job
    >>> len(str(AuditError(f"no column {'x' * 10_000_000}; name another"))) < LONGEST_MESSAGE
    True
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(_printable(str(message)))


class TrainingTimeout(AuditError):
    """A training took longer than the user allows: the command ends, whatever else could go on."""


def _printable(text: str) -> str:
    """Return a text as a message shows it; what is one already stays as it is."""
    if len(text) > LONGEST_MESSAGE:
        left_out = f" ... ({len(text) - LONGEST_MESSAGE:,} characters or more left out) ... "
        text = f"{text[: LONGEST_MESSAGE * 6 // 10]}{left_out}{text[-LONGEST_MESSAGE * 3 // 10 :]}"
    text = _LINE_ENDS.sub(" ", text)
    text = _WORD.sub(lambda long: f"{long[0][: _LONGEST_WORD // 2]}...{long[0][-_LONGEST_WORD // 4 :]}", text)
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def missing_extra(what: str, library: str, extra: str) -> AuditError:
    """Return the error for something that needs a library which is not installed.

    Examples
    --------
    >>> print(missing_extra("model torch-mlp", "PyTorch", "torch"))
    model torch-mlp needs PyTorch, which is not installed; run: pip install 'unlearn-audit[torch]'
    """
    return AuditError(f"{what} needs {library}, which is not installed; run: pip install 'unlearn-audit[{extra}]'")
