"""Why stored work was or was not reused, in words: what is missing, and what the store has nearest to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unlearn_audit.engine.store.keys import digest
from unlearn_audit.engine.store.store import State, Stored

_DECISIVE = ("data", "model")
"""Other data or another model are further off than any other difference."""


def explain(
    documents: Sequence[Mapping[str, Any]],
    there: Sequence[bool],
    stored: Iterable[Stored],
    about: Mapping[str, str],
    refused: str | None = None,
    states: Mapping[int, State] | None = None,
) -> list[str]:
    """Return sentences on the worlds of one side.

    Parameters
    ----------
    documents
        What makes each world, in order.
    there
        Which worlds were found whole.
    stored
        What the marks of the store say.
    about
        Names of the dataset and the model asked for.
    refused
        Why nothing is taken from the store but what this run made itself, if so.
    states
        What the store has under the keys of missing worlds, where it has anything.
    """
    n, missing = len(documents), [i for i, found in enumerate(there) if not found]
    lines = [f"{n - len(missing):,} of {n:,} worlds are reused"]
    if not missing:
        return lines
    if refused is not None:
        return [*lines, f"{_worlds(missing)} {_are(missing)} computed anew: {refused}"]
    like = _alike(documents[0], stored)
    common = _common(documents[0])
    marked = next((worlds for other, _, worlds in like if other == common), set())
    held = {**dict.fromkeys(marked & set(missing), "damaged"), **(states or {})}
    lines += made_again(held)
    unmade = [i for i in missing if i not in held]
    if not unmade:
        return lines
    if marked:
        lines.append(f"{_worlds(unmade)} {_were(unmade)} never made")
    elif not like:
        lines.append(
            f"{_worlds(unmade)} {_were(unmade)} never computed, and the store has nothing similar to {_them(unmade)}"
        )
    else:
        nearest = min((_differences(other, named, common, about) for other, named, _ in like), key=_distance)
        lines.append(
            f"{_worlds(unmade)} {_were(unmade)} never computed; the nearest in the store: {'; '.join(nearest.values())}"
        )
    return lines


def made_again(states: Mapping[int, str]) -> list[str]:
    """Return sentences on worlds that the store holds and that are made again all the same.

    Examples
    --------
    >>> made_again({4: "damaged", 5: "damaged"})
    ['worlds 4, 5 can no longer be read completely and are made again']
    >>> made_again({3: "whole"})
    ['world 3 was computed without everything to be measured, and is made again']
    """
    lines = []
    if damaged := sorted(i for i, state in states.items() if state == "damaged"):
        lines.append(f"{_worlds(damaged)} can no longer be read completely and {_are(damaged)} made again")
    if former := sorted(i for i, state in states.items() if state == "former"):
        lines.append(
            f"{_worlds(former)} {_were(former)} stored by an earlier version, which recorded no digest of "
            f"{_them(former)}, and {_are(former)} made again"
        )
    if unmeasured := sorted(i for i, state in states.items() if state == "whole"):
        lines.append(
            f"{_worlds(unmeasured)} {_were(unmeasured)} computed without everything to be measured, and "
            f"{_are(unmeasured)} made again"
        )
    return lines


def _common(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "world"}


def _alike(
    document: Mapping[str, Any], stored: Iterable[Stored]
) -> list[tuple[dict[str, Any], Mapping[str, str], set[int]]]:
    """Return what the store has of this stage and side: what its worlds share, names, and which worlds they are."""

    def kind(document: Mapping[str, Any]) -> tuple[str, Any]:
        return str(document.get("stage")).partition("/")[0], document.get("side")

    groups: dict[str, tuple[dict[str, Any], Mapping[str, str], set[int]]] = {}
    for artefact in stored:
        if kind(artefact.document) == kind(document):
            common = _common(artefact.document)
            group = groups.setdefault(digest(common), (common, artefact.about, set()))
            world = artefact.document.get("world")
            group[2].add(world if isinstance(world, int) else -1)
    return list(groups.values())


def _distance(differences: Mapping[str, str]) -> tuple[int, int]:
    return sum(key in _DECISIVE for key in differences), len(differences)


def _differences(
    stored: Mapping[str, Any], named: Mapping[str, str], asked: Mapping[str, Any], about: Mapping[str, str]
) -> dict[str, str]:
    """Return, for each key in which two documents differ, a few words."""
    before, after = _flat(stored), _flat(asked)
    differences = {}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key == "data":
            then, now = named.get("dataset"), about.get("dataset")
            differences[key] = f"dataset {then} → {now}" if then and then != now else "the data changed"
        elif key == "model":
            then, now = named.get("model") or str(old).partition(" ")[0], about.get("model")
            differences[key] = (
                f"model {then} → {now}" if then != now else f"settings, code or libraries of {now} changed"
            )
        elif key == "unlearning":  # a text that tells methods apart, and not one to read
            differences[key] = "the unlearning method or its settings changed"
        else:
            differences[key] = f"{key.rpartition('.')[2]} {_shown(key, old)} → {_shown(key, new)}"
    return differences


def _flat(document: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {f"{above}{key}": value}
    return flat


def _shown(key: str, value: Any) -> str:
    return f"{value:,}" if type(value) is int and key != "seed" else "none" if value is None else str(value)


def _worlds(indices: Sequence[int]) -> str:
    """Name worlds, stretches of them as such.

    Examples
    --------
    >>> _worlds([3]), _worlds([0, 1, 2, 7, 9, 10])
    ('world 3', 'worlds 0 to 2, 7, 9, 10')
    """
    stretches: list[list[int]] = []
    for i in indices:
        if stretches and i == stretches[-1][-1] + 1:
            stretches[-1].append(i)
        else:
            stretches.append([i])
    named = [f"{s[0]:,} to {s[-1]:,}" if len(s) > 2 else ", ".join(f"{i:,}" for i in s) for s in stretches]
    return f"world{'s' if len(indices) > 1 else ''} {', '.join(named)}"


def _were(indices: Sequence[int]) -> str:
    return "was" if len(indices) == 1 else "were"


def _are(indices: Sequence[int]) -> str:
    return "is" if len(indices) == 1 else "are"


def _them(indices: Sequence[int]) -> str:
    return "it" if len(indices) == 1 else "them"
