"""How a file of posteriors is to be read where its own names, values or text do not say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.values import VALUES, ValuesName
from unlearn_audit.utils.dialects import delimiter_named
from unlearn_audit.utils.sources import Wanted
from unlearn_audit.utils.suggest import check_known


@dataclass(frozen=True)
class ReadAs:
    """How a file is to be read; everything has a default, which is to find it out.

    Attributes
    ----------
    columns
        The file's name of a column, by ours: ``{"role": "status"}``.
    before, after
        Which columns hold the posteriors of a version: a name with one ``*`` in place of the class, or one name; in a
        long file, the value of the column ``version``.
    roles
        Our role, by what stands in the column ``role``: ``{"removed": "deleted"}``.
    values
        What the numbers are.
    classes
        The names of two classes of which the file holds the probability of the second alone.
    ignored
        Columns that mean nothing here.
    delimiter, decimal, encoding
        How a text file is written.
    strict
        Whether a column that nothing reads is refused: where no report says that it was left out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None
    after: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    values: ValuesName | None = None
    classes: Sequence[str] | None = None
    ignored: Sequence[str] = ()
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    strict: bool = False

    @classmethod
    def of_flags(cls, flags: Mapping[str, Any]) -> ReadAs:
        """Return what flags say, by their names with ``_``; one that is left out or None says nothing.

        Raises
        ------
        AuditError
            If one is not as it should be.

        Examples
        --------
        >>> ReadAs.of_flags({"column": ["role=status"], "role_value": ["deleted=removed"]}).roles
        {'removed': 'deleted'}
        """
        values, decimal, names = (flags.get(name) for name in ("values", "decimal", "class_names"))
        if values is not None:
            check_known("kind of values", [values], VALUES)
        if decimal is not None and decimal not in _DECIMALS:
            raise AuditError(f"--decimal {decimal!r} is not a decimal separator; use comma or point")
        classes = None if names is None else [name.strip() for name in names.split(",")]
        if classes is not None and (len(classes) != 2 or len(set(classes)) != 2 or not all(classes)):
            raise AuditError(f"--class-names {names!r} needs two names, as in --class-names no,yes")
        for name in ("before", "after"):
            pattern = flags.get(f"{name}_columns")
            if pattern is not None and pattern.count("*") > 1:
                raise AuditError(f"--{name} {pattern!r} has more than one *; use one, in place of the class")
        delimiter = flags.get("delimiter")
        return cls(
            columns=_columns(flags.get("column")),
            before=flags.get("before_columns"),
            after=flags.get("after_columns"),
            roles={word: role for role, word in _pairs(flags.get("role_value"), "--role-value", "deleted=removed")},
            values=values,
            classes=classes,
            ignored=tuple(flags.get("ignore") or ()),
            delimiter=None if delimiter is None else delimiter_named(delimiter),
            decimal=None if decimal is None else _DECIMALS[decimal],
            encoding=flags.get("text_encoding"),
        )

    @property
    def stated(self) -> dict[str, Any]:
        """What differs from the defaults, as settings state it."""
        plain = ReadAs()
        return {
            name: dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
            if value != vars(plain)[name]
        }


def wanted_of(read_as: ReadAs, texts: Sequence[str], *, streamed: bool = False, dates: bool = False) -> Wanted:
    """Return how the columns of a file are read.

    Parameters
    ----------
    read_as
        What flags say.
    texts
        Our names of the columns that are text.
    streamed, dates
        As of `Wanted`.
    """
    return Wanted(
        texts=tuple(dict.fromkeys((*texts, *(of for ours, of in read_as.columns.items() if ours in texts)))),
        dates=dates,
        streamed=streamed,
        delimiter=read_as.delimiter,
        decimal=read_as.decimal,
        encoding=read_as.encoding,
    )


_DECIMALS = {"comma": ",", "point": ".", ",": ",", ".": "."}


def _pairs(given: Sequence[str] | None, flag: str, example: str) -> list[tuple[str, str]]:
    """Return each ``ours=theirs`` as a pair."""
    pairs = []
    for text in given or ():
        ours, equals, theirs = text.partition("=")
        if not (ours and equals and theirs):
            raise AuditError(f"{flag} {text!r} is not a pair; write it as in {flag} {example}")
        pairs.append((ours.strip(), theirs.strip()))
    return pairs


def _columns(given: Sequence[str] | None) -> dict[str, str]:
    pairs = _pairs(given, "--column", "role=status")
    if len(dict(pairs)) < len(pairs) or len({theirs for _, theirs in pairs}) < len(pairs):
        raise AuditError("--column names one column twice; give each once")
    return dict(pairs)
