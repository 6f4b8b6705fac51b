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
    def of_flags(
        cls,
        column: Sequence[str] | None = None,
        role_value: Sequence[str] | None = None,
        class_names: str | None = None,
        ignore: Sequence[str] | None = None,
        values: str | None = None,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        **versions: str | None,
    ) -> ReadAs:
        """Return what flags say.

        Raises
        ------
        AuditError
            If one is not as it should be.

        Examples
        --------
        >>> ReadAs.of_flags(["role=status"], ["deleted=removed"], before="old_*").roles
        {'removed': 'deleted'}
        """
        if values is not None:
            check_known("kind of values", [values], VALUES)
        if decimal is not None and decimal not in _DECIMALS:
            raise AuditError(f"--decimal {decimal!r} is no sign; use comma or point")
        classes = None if class_names is None else [name.strip() for name in class_names.split(",")]
        if classes is not None and (len(classes) != 2 or len(set(classes)) != 2 or not all(classes)):
            raise AuditError(f"--class-names {class_names!r} needs two names, as in --class-names no,yes")
        for name, pattern in versions.items():
            if pattern is not None and pattern.count("*") > 1:
                raise AuditError(f"--{name} {pattern!r} has more than one *; put it in place of the class alone")
        return cls(
            columns=_pairs(column, "--column", "role=status"),
            roles={of: role for role, of in _pairs(role_value, "--role-value", "deleted=removed", many=True)},
            values=values,  # type: ignore[arg-type]
            classes=classes,
            ignored=tuple(ignore or ()),
            delimiter=None if delimiter is None else delimiter_named(delimiter),
            decimal=None if decimal is None else _DECIMALS[decimal],
            encoding=encoding,
            **versions,
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


def _pairs(given: Sequence[str] | None, flag: str, example: str, *, many: bool = False) -> Any:
    """Return ``ours=theirs`` as pairs, or as a mapping where each of ours is there once."""
    pairs = []
    for text in given or ():
        ours, equals, theirs = text.partition("=")
        if not (ours and equals and theirs):
            raise AuditError(f"{flag} {text!r} is no pair; write it as in {flag} {example}")
        pairs.append((ours.strip(), theirs.strip()))
    if many:
        return pairs
    if len(dict(pairs)) < len(pairs):
        raise AuditError(f"{flag} names one column twice; give each once")
    return dict(pairs)
