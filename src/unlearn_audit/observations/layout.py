"""Where the numbers of a file stand: a column a version and class, or a row a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.naming import Expected, Naming, header_missing
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.utils.messages import shortened

Shape = Literal["wide", "single", "long", "rows of versions"]

_BINARY = ("0", "1")
"""The classes of a file that holds the probability of the second alone, where they have no names."""


@dataclass(frozen=True)
class Layout:
    """Where the numbers of a file stand.

    Attributes
    ----------
    shape
        A column a version and class; one number a version, of the second of two classes; a row a version and class; a
        row a version.
    columns
        The file's columns with numbers, version by version.
    classes
        Their names; none in a long file, whose rows name them.
    """

    shape: Shape
    columns: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...]

    @property
    def is_long(self) -> bool:
        """Whether a query takes several rows."""
        return self.shape in ("long", "rows of versions")

    @property
    def flat(self) -> tuple[str, ...]:
        """The columns, one version after the other."""
        return tuple(name for version in self.columns for name in version)

    @property
    def notes(self) -> list[str]:
        """What a report says of it, where it is no usual file."""
        if self.shape == "long":
            return ["it is long: one row for each query, version and class"]
        if self.shape == "rows of versions":
            return ["it is long: one row for each query and version"]
        if self.shape == "single":
            no, yes = self.classes
            return [f"it holds one probability per version, taken to be that of class '{yes}' and not '{no}'"]
        return []


def layout_of(naming: Naming, read_as: ReadAs, expected: Expected, path: Path) -> Layout:
    """Return where the numbers of a file stand.

    Parameters
    ----------
    naming
        Which column is which.
    read_as
        What flags say.
    expected
        What the columns are called.
    path
        The file, for messages.

    Raises
    ------
    AuditError
        If there are none, a version is missing, or one lacks a class that another has.
    """
    theirs = naming.theirs
    versions = _versions(theirs, expected, path)
    if not versions and "probability" in theirs and "class" in theirs:
        return Layout("long", ((theirs["probability"],),), ())
    if not versions and "probability" in theirs and len(expected.versions) == 1:
        versions = {"p": {"": theirs["probability"]}}
    names = list(versions)
    of_rows = names == ["p"] and "version" in theirs
    if not of_rows and names != list(expected.versions):
        names = [f"p{at}" for at in range(len(versions))]
    if not versions or set(versions) != set(names):
        raise AuditError(_lacks(naming, expected, path))
    first = versions[names[0]]
    for at, name in enumerate(names):
        if versions[name].keys() != first.keys() or ("" in first and len(first) > 1):
            raise AuditError(
                f"{path}: version 0 has the classes {shortened(first)} and version {at} has "
                f"{shortened(versions[name])}; every version needs the same"
            )
    columns = tuple(tuple(versions[name][of] for of in first) for name in names)
    if "" in first:
        no, yes = read_as.classes or _BINARY
        return Layout("single", columns, (no, yes))
    return Layout("rows of versions" if of_rows else "wide", columns, tuple(first))


def _versions(theirs: Mapping[str, str], expected: Expected, path: Path) -> dict[str, dict[str, str]]:
    """Return the file's column of each class, by the name of a version."""
    found: dict[str, dict[str, str]] = {}
    numbered = any(re.match(r"p\d+(_|$)", name) for name in theirs)
    for name, column in theirs.items():
        match = expected.posteriors.match(name)
        if not match:
            continue
        version = match["version"]
        if numbered:  # before and after are p0 and p1 then, and p00 is p0; of more digits there are not as many
            version = {"before": "p0", "after": "p1"}.get(version) or f"p{int(version[1:10] or 0)}"
        other = found.setdefault(version, {}).setdefault(match["name"] or "", column)
        if other != column:
            raise AuditError(f"{path}: '{other}' and '{column}' are the same version and class; drop one of them")
    order = {"before": 0, "after": 1}
    return dict(sorted(found.items(), key=lambda of: order.get(of[0]) or int(of[0][1:] or 0 if of[0][0] == "p" else 0)))


def _lacks(naming: Naming, expected: Expected, path: Path) -> str:
    """Return what to say of a file without posteriors of all versions."""
    names = [*naming.ours, *naming.ignored]
    if len(expected.versions) == 1:
        lacking = "needs a column record and a column p_<class> for each class"
        flag = "--column and --before or --after"
    else:
        lacking = "has no columns before_<class> and after_<class> (or p0_<class>, p1_<class>, ... without a gap)"
        flag = "--column, --before and --after"
    if header_missing(names):
        return f"{path} {lacking}; its first line looks like data: put a line with the column names above it"
    return f"{path} {lacking}; it has {shortened(names)}; name them with {flag} (docs/file-formats.md)"
