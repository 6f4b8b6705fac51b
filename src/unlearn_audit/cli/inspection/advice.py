"""Which command fits what was seen, and what it still needs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlearn_audit.cli.inspection.seen import Seen
from unlearn_audit.cli.shared.reading import flags_of, quoted
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.utils.messages import shortened

_LEAST = 10
"""Rows of each role that the shadow file needs."""


@dataclass
class Advice:
    """What to do with some files.

    Attributes
    ----------
    command
        The command that fits, with the options that the files need; None if there is none yet.
    complete
        Whether it can be run as it is; else words in capitals stand for what is missing.
    missing
        What it needs besides, or what is wrong, in words.
    """

    command: str | None = None
    complete: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """All of it, as lines to print."""
        found = [f"missing: {of}" for of in self.missing]
        if self.command is None:
            return found
        if self.complete:
            return [*found, "run:", f"  {self.command}"]
        capitals = any(re.fullmatch(r"[A-Z]+", word) for word in shlex.split(self.command))
        when = "the words in capitals are filled in" if capitals else "this is fixed"
        return [*found, f"run, once {when}:", f"  {self.command}"]


def advice_for(seen: Sequence[Seen], read_as: ReadAs) -> Advice:
    """Return which command fits some files together, with the options that were given and those that they need."""
    of_kind = {kind: [of for of in seen if of.kind == kind] for kind in {of.kind for of in seen}}
    pairs = of_kind.get("posteriors of both versions", [])
    versions = of_kind.get("posteriors of one version", [])
    if pairs:
        found = _predictions(pairs, of_kind.get("run folder", []), _flags(pairs, read_as))
        found.missing += _roles(pairs, [of.file for of in seen if of.kind in ("unknown", "table of records")])
        return found
    if versions:
        return _release(versions, of_kind.get("list of ids", []), _flags(versions, read_as))
    if runs := of_kind.get("run folder"):
        return Advice(f"unlearn-audit verify {quoted(runs[0].file)}", True)
    if findings := of_kind.get("findings of a run"):
        return Advice(f"unlearn-audit view {quoted(str(Path(findings[0].file).parent))}", True)
    if tables := of_kind.get("table of records"):
        return _run(tables[0])
    if lists := of_kind.get("list of ids"):
        return _lists(lists)
    return Advice(missing=[] if any(of.problems for of in seen) else ["no command reads these files"])


def _lists(lists: Sequence[Seen]) -> Advice:
    ids = {"--deleted": "DELETED", "--reference": "REFERENCE"} | _by_name(lists)
    listed = " ".join(f"{flag} {quoted(of)}" for flag, of in ids.items())
    missing = ["the answers of both versions, with these ids in the column record: BEFORE and AFTER"]
    if any(of.file not in ids.values() for of in lists):
        missing.append(
            "whether the ids are those of the deleted records, --deleted, or of records that neither version was "
            "trained on, --reference"
        )
    return Advice(f"unlearn-audit release BEFORE AFTER {listed} --out release", False, missing)


def _flags(seen: Sequence[Seen], read_as: ReadAs) -> str:
    flags = dict.fromkeys((*flags_of(read_as), *(flag for of in seen for flag in of.flags)))
    return "".join(f" {flag}" for flag in flags)


def _predictions(pairs: Sequence[Seen], runs: Sequence[Seen], flags: str) -> Advice:
    shadow, target = _sides(pairs)
    found = Advice()
    if shadow is None:
        observations = f"{runs[0].file}/observations/shadow.parquet" if runs else "SHADOW"
        if not runs:
            found.missing.append(
                "a second file, from models of your own: --shadow, from which attacks learn what deleted records look "
                "like; without it, compare the versions person by person with unlearn-audit release"
            )
        name = observations
    else:
        name = shadow.file
    found.missing += _lacking(shadow, target)
    found.complete = not found.missing and not any(of.problems for of in pairs)
    found.command = (
        f"unlearn-audit predictions --shadow {quoted(name)} --target {quoted(target.file)}{flags} --out audit"
    )
    return found


def _roles(pairs: Sequence[Seen], others: Sequence[str]) -> list[str]:
    """Return where the roles of the records may be, where files of posteriors have none."""
    if not others or not any("has no column 'role'" in problem for of in pairs for problem in of.problems):
        return []
    return [
        f"the role of each record: if it is in {shortened(others)}, add it to the file of posteriors, by the record "
        "(docs/file-formats.md, roles in another file)"
    ]


def _sides(pairs: Sequence[Seen]) -> tuple[Seen | None, Seen]:
    """Return the shadow file and the target: by their names, else in the order given."""
    if len(pairs) == 1:
        return None, pairs[0]
    first, second = pairs[:2]
    if "shadow" in Path(second.file).name.lower() or "target" in Path(first.file).name.lower():
        return second, first
    return first, second


def _lacking(shadow: Seen | None, target: Seen) -> list[str]:
    """Return what two files lack."""
    missing = []
    for what, of in (("the shadow file", shadow), ("the target file", target)):
        roles = {} if of is None or of.table is None or of.partly else of.facts["roles"]
        least = _LEAST if of is shadow else 1
        for role in ("deleted", "unseen") if roles else ():
            if roles.get(role, 0) < least:
                missing.append(f"{what} has {roles.get(role, 0)} rows of role {role}, and at least {least} are needed")
    if shadow is not None and shadow.table is not None and target.table is not None:
        if sorted(shadow.table.classes) != sorted(target.table.classes):
            missing.append(
                f"the classes differ: {shortened(shadow.table.classes)} in {shadow.file}, "
                f"{shortened(target.table.classes)} in {target.file}; both need the same"
            )
        if shadow.table.n_versions != target.table.n_versions:
            missing.append("the files hold different numbers of versions")
    return missing


def _release(versions: Sequence[Seen], lists: Sequence[Seen], flags: str) -> Advice:
    found = Advice()
    names = [of.file for of in versions[:2]]
    if len(versions) == 2 and _is_after(versions[0], versions[1]):
        names.reverse()
    if len(versions) == 1:
        found.missing.append("the answers of the other version, for the same records")
        names.append("AFTER")
    elif all(of.table is not None for of in versions[:2]) and set(versions[0].table.classes) != set(
        versions[1].table.classes
    ):
        found.missing.append("the two versions need the same classes")
    ids = {"--deleted": "DELETED", "--reference": "REFERENCE"}
    ids |= _by_name(lists)
    if open_lists := [of.file for of in lists if of.file not in ids.values()]:
        found.missing.append(
            f"what {shortened(open_lists)} lists: the names don't tell the deleted records from those that neither "
            "version was trained on"
        )
    if "DELETED" in ids.values():
        found.missing.append("the ids of the deleted records: --deleted, a file or ids joined by commas")
    if "REFERENCE" in ids.values():
        found.missing.append("ids of records that neither version was trained on: --reference")
    listed = " ".join(f"{flag} {quoted(of)}" for flag, of in ids.items())
    found.command = f"unlearn-audit release {' '.join(map(quoted, names))} {listed}{flags} --out release"
    found.complete = not found.missing and all(of.table is not None for of in versions)
    return found


def _is_after(first: Seen, second: Seen) -> bool:
    """Return whether the first of two files holds the version after: by the options, else by its name."""
    if first.version != second.version:
        return first.version == "after" or second.version == "before"
    return any(word in Path(first.file).name.lower() for word in ("after", "new", "unlearned"))


_DELETED = ("delet", "forget", "forgot", "remov", "erase")
_REFERENCE = ("referenc", "held-out", "held_out", "heldout", "holdout", "unseen", "never")
"""What the name of a list of ids says; other names say nothing."""


def _by_name(lists: Sequence[Seen]) -> dict[str, str]:
    """Return the list for each option, where the names of files tell."""
    found: dict[str, list[str]] = {"--deleted": [], "--reference": []}
    for of in lists:
        word = Path(of.file).name.lower()
        for flag, parts in (("--deleted", _DELETED), ("--reference", _REFERENCE)):
            if any(part in word for part in parts):
                found[flag].append(of.file)
    once = {flag: files[0] for flag, files in found.items() if len(files) == 1}
    return {} if len(set(once.values())) < len(once) else once


def _run(table: Seen) -> Advice:
    labels = table.facts.get("may be the label", [])
    found = Advice(
        f"unlearn-audit run --data {quoted(table.file)} --label {quoted(labels[0]) if len(labels) == 1 else 'LABEL'}"
    )
    if len(labels) != 1:
        found.missing.append("which column holds the class: --label")
    found.complete = not found.missing
    return found
