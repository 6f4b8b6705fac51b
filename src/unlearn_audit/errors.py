"""The one kind of error that a user is meant to read."""

from __future__ import annotations


class AuditError(ValueError):
    """Bad input or an impossible request, stated in one sentence: what was wrong, where, and what to do.

    The command line prints the sentence without a traceback and exits with code 2; Python callers
    catch it like any ``ValueError``.

    Examples
    --------
    >>> raise AuditError("no label column 'income' in people.csv; name one of: age, job")
    Traceback (most recent call last):
        ...
    unlearn_audit.errors.AuditError: no label column 'income' in people.csv; name one of: age, job
    """


def missing_extra(what: str, library: str, extra: str) -> AuditError:
    """Return the error for something that needs a library which is not installed.

    Examples
    --------
    >>> print(missing_extra("model torch-mlp", "PyTorch", "torch"))
    model torch-mlp needs PyTorch, which is not installed; run: pip install 'unlearn-audit[torch]'
    """
    return AuditError(f"{what} needs {library}, which is not installed; run: pip install 'unlearn-audit[{extra}]'")
