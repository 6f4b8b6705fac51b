"""Which column of a file is which: named by flags, by our names, or by names that mean one thing only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import COLUMNS, GROUP
from unlearn_audit.utils.messages import shortened

LONG = ("version", "class", "probability")
"""The columns of a long file: with all three a row holds one number, without the last two one version."""

_SYNONYMS = {
    "role": ("role", "status", "membership"),
    "record": ("record", "record_id", "recordid", "id", "customer_id", "row_id", "sample_id"),
    "label": ("label", "true_label", "y_true", "true_class"),
    "world": ("world", "world_id"),
    "request": ("request", "request_id"),
    "query": ("query",),
    "paper": ("paper",),
    "dataset": ("dataset",),
    "side": ("side",),
    "deleted_at": ("deleted_at",),
    "partial": ("partial",),
    "version": ("version", "model_version"),
    "class": ("class", "class_name"),
    "probability": ("probability", "prob", "proba", "posterior"),
}
"""Names that are taken without a flag, where exactly one column has one of them, in any case."""

_PREFIXES = {
    2: (("original", "unlearned"), ("old", "new"), ("pre", "post"), ("before", "after")),
    1: (("prob",), ("proba",), ("probability",), ("posterior",)),
}
"""What columns of posteriors may start with besides, by the number of versions in a file."""

_LONGEST = 60

_NUMBER = re.compile(r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Naming:
    """The columns of a file by our names.

    Attributes
    ----------
    ours
        Our name of each column that is used, by the file's.
    ignored
        Columns that mean nothing here.
    notes
        What was taken for what, in words.
    """

    ours: Mapping[str, str]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def theirs(self) -> dict[str, str]:
        """The file's name of each column, by ours."""
        return {ours: theirs for theirs, ours in self.ours.items()}


@dataclass(frozen=True)
class Expected:
    """What the columns of a kind of file are called.

    Attributes
    ----------
    optional
        The names of plain columns.
    posteriors
        Matches the name of a column of posteriors.
    versions
        The prefix of the columns of each version that patterns and synonyms stand for.
    long
        Which of `LONG` it may have.
    """

    optional: tuple[str, ...]
    posteriors: re.Pattern[str]
    versions: tuple[str, ...]
    long: tuple[str, ...]


PAIRS = Expected(
    (*COLUMNS, "partial"),
    re.compile(r"^(?P<version>before|after|p\d*)(?:_(?P<name>.+))?$", re.DOTALL | re.ASCII),
    ("before", "after"),
    LONG,
)
"""Files that hold every version; ``p_<class>`` is of the version that its row names."""

ONE = Expected(
    ("record", "label", "partial"),
    re.compile(r"^(?P<version>p)(?:_(?P<name>.+))?$", re.DOTALL),
    ("p",),
    LONG,
)
"""Files of which one version is read; ``version`` says of which each row is, where a file holds both."""


def naming_of(names: Sequence[str], read_as: ReadAs, expected: Expected, path: Path) -> Naming:
    """Return which column of a file is which.

    Parameters
    ----------
    names
        Its columns, in their order.
    read_as
        What flags say.
    expected
        What the columns are called.
    path
        The file, for messages.

    Raises
    ------
    AuditError
        If a flag names a column that is not there, or a column that is left could be meant for one that matters.
    """
    ours: dict[str, str] = {}
    if len(expected.versions) == 1:
        read_as, aside = _of_one_version(names, read_as, expected)
    else:
        aside = []
    ignored = [name for name in names if name in read_as.ignored or _is_index(name) or name in aside]
    rest = [name for name in names if name not in ignored]
    notes = _by_flags(rest, read_as, expected, path, ours)
    plain = (*expected.optional, *expected.long)
    for name in rest:
        if (
            name not in ours
            and name not in ours.values()
            and (name in plain or name.startswith(GROUP) or expected.posteriors.match(name))
        ):
            ours[name] = name
    for name in plain:
        found = [of for of in rest if of not in ours and _plain(of) in _SYNONYMS[name]]
        if name not in ours.values() and len(found) == 1 and not (name in LONG and _is_wide(ours, expected)):
            ours[found[0]] = name
            notes.append(f"column '{found[0]}' is taken as {name}")
    if not _is_wide(ours, expected):
        notes += _by_prefix(rest, expected, ours)
    left = [name for name in rest if name not in ours]
    if left and read_as.strict and _is_wide(ours, expected):
        raise AuditError(f"{path} has the unknown column '{left[0]}'; drop it")
    if not header_missing(names):  # which is said where posteriors are looked for
        _refuse_doubtful(left, ours, expected, path)
    return Naming({name: ours[name] for name in names if name in ours}, (*ignored, *left), tuple(notes))


def _of_one_version(names: Sequence[str], read_as: ReadAs, expected: Expected) -> tuple[ReadAs, list[str]]:
    """Return which pattern a file of one version is read by, and the columns that are the other version's alone.

    Two files may have the same names, and one option may stand for both; a file may also hold both versions.
    """
    before, after = read_as.before, read_as.after
    if after is None or after == before:
        return read_as, []
    aside = [name for name in names if _of_pattern(name, after) is not None]
    if before is not None:
        return read_as, [name for name in aside if _of_pattern(name, before) is None]
    rest = [name for name in names if name not in aside]
    ours = any(expected.posteriors.match(name) for name in (*rest, *read_as.columns))
    if aside and not ours and not _by_prefix(rest, expected, {}):
        return replace(read_as, before=after), []
    return read_as, aside


def _by_flags(names: Sequence[str], read_as: ReadAs, expected: Expected, path: Path, ours: dict[str, str]) -> list[str]:
    """Note the columns that flags name, and return what to say of it."""
    for name, theirs in read_as.columns.items():
        if theirs in names:
            ours[theirs] = name
        elif name not in names:
            raise AuditError(f"{path} has no column '{theirs}' for --column {name}={theirs}; it has {shortened(names)}")
    for version, pattern in zip(expected.versions, (read_as.before, read_as.after), strict=False):
        if pattern is None or ("*" not in pattern and "version" in (*names, *ours.values())):
            continue
        of_classes = {name: _of_pattern(name, pattern) for name in names}
        found = {name: f"{version}_{of}" if of else version for name, of in of_classes.items() if of is not None}
        own = [name for name in names if re.match(rf"{version}(_|$)", name)]
        if not found and not own:
            flag = f"--{version}" if len(expected.versions) == 2 else "--before or --after"
            raise AuditError(f"{path} has no column that matches {flag} {pattern}; it has {shortened(names)}")
        ours |= {name: of for name, of in found.items() if name not in ours}
    named = [f"'{theirs}' as {name}" for theirs, name in ours.items() if theirs != name]
    return [f"columns were named by options: {shortened(named)}"] if named else []


def _of_pattern(name: str, pattern: str) -> str | None:
    """Return what stands for the ``*`` of a pattern in a name, empty where it has none; None if they don't fit.

    Examples
    --------
    >>> _of_pattern("old_yes", "old_*"), _of_pattern("p_old", "p_old"), _of_pattern("new_yes", "old_*")
    ('yes', '', None)
    """
    start, star, end = pattern.partition("*")
    if not star:
        return "" if name == pattern else None
    fits = name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end)
    return name[len(start) : len(name) - len(end)] if fits else None


def _by_prefix(names: Sequence[str], expected: Expected, ours: dict[str, str]) -> list[str]:
    """Take columns such as ``old_no`` and ``new_no`` for posteriors, where both versions have the same classes."""
    several = {}
    for prefixes in _PREFIXES[len(expected.versions)]:
        columns = [_of_prefix(names, prefix, ours) for prefix in prefixes]
        if columns[0] and all(of.keys() == columns[0].keys() for of in columns):
            several[prefixes] = columns
    if len(several) != 1:
        return []
    ((prefixes, columns),) = several.items()
    for version, found in zip(expected.versions, columns, strict=True):
        ours |= {name: f"{version}_{of}" if of else version for of, name in found.items()}
    return [
        f"columns that start with '{prefix}' are taken as the "
        f"posteriors{'' if version == 'p' else f' {version} the deletion'}"
        for prefix, version in zip(prefixes, expected.versions, strict=True)
    ]


def _of_prefix(names: Sequence[str], prefix: str, ours: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in names:
        match = re.match(rf"^{prefix}(?:[_. :-]+(.+))?$", name, re.IGNORECASE | re.DOTALL)
        if match and name not in ours:
            found[match[1] or ""] = name
    return found


def _is_wide(ours: Mapping[str, str], expected: Expected) -> bool:
    return any(expected.posteriors.match(name) for name in ours.values())


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lstrip("# ").lower())


def _is_index(name: str) -> bool:
    """Return whether a column holds the row labels of pandas, or nothing but the end of a line."""
    return not name.strip() or name.startswith("__index_level_") or bool(re.fullmatch(r"Unnamed: \d+", name))


def _refuse_doubtful(left: Sequence[str], ours: Mapping[str, str], expected: Expected, path: Path) -> None:
    """Raise for a column that nothing reads, and that could be meant for one that changes results."""
    matches = (expected.posteriors.match(of) for of in ours.values())
    classes = {match["name"] for match in matches if match and match["name"]}
    absent = [name for name in expected.optional if name not in ours.values()]
    for name in left:
        plain = _plain(name)
        starts = re.match(r"(before|after|original|unlearned|p\d+)[\W_]", plain)
        ends = [of for of in classes if len(of) > 1 and re.search(rf"[\W_]{re.escape(of)}$", name)]
        if starts or ends:
            raise AuditError(
                f"{path} has the unknown column '{name}', which could hold posteriors; name it with --column, or leave "
                f"it out with --ignore {name!r}"
            )
        close = get_close_matches(plain, absent, 1, 0.8) if len(plain) < _LONGEST else []
        close += [of for of in absent if plain in _SYNONYMS[of]][:1]
        if close:
            raise AuditError(
                f"{path} has the unknown column '{name}'; if it is the {close[0]}, say --column {close[0]}={name}, "
                f"else leave it out with --ignore {name!r}"
            )


def header_missing(names: Sequence[str]) -> bool:
    """Return whether the names of columns look like a row of data.

    Examples
    --------
    >>> header_missing(["deleted", "0.9", "0.1", "0.7"]), header_missing(["role", "before_0", "after_0"])
    (True, False)
    """
    return 2 * sum(_NUMBER.fullmatch(name) is not None for name in names) > len(names)
