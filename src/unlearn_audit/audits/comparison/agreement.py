"""Whether two runs can be compared, and whether their worlds agree, so that their rows are pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlearn_audit.audits.comparison.findings import Setting
from unlearn_audit.audits.comparison.folders import SCORES, ReleaseFolder, RunFolder
from unlearn_audit.report.settings import publishable, without_folder

_OF_THE_OTHER_SIDE = frozenset({"shadow"})
"""Keys of the block ``worlds`` that say nothing of the worlds under attack."""

_NUMBER = "target"
"""The key that says how many worlds are under attack, which the rows show anyway."""


@dataclass(frozen=True)
class Agreement:
    """Whether rows are pairs, and why they are or are not, in a sentence."""

    paired: bool
    why: str


def why_not_compared(first: RunFolder | ReleaseFolder, second: RunFolder | ReleaseFolder) -> tuple[str, ...]:
    """Return in sentences why two runs cannot be compared; nothing where they can."""
    reasons = [
        f"{of.name} is a check of one release, which keeps no scores to compare."
        for of in (first, second)
        if isinstance(of, ReleaseFolder)
    ]
    if reasons or isinstance(first, ReleaseFolder) or isinstance(second, ReleaseFolder):
        return tuple(reasons)
    reasons += [
        f"{of.name} has no {SCORES}, so only its findings are shown." for of in (first, second) if not of.has_scores
    ]
    one, other = first.findings, second.findings
    if one.dataset != other.dataset and (first.target is None or first.target != second.target):
        reasons.append(
            f"{first.name} is of the dataset {without_folder(one.dataset)} and {second.name} of "
            f"{without_folder(other.dataset)}: a difference would come from the data."
        )
    if one.selected.game != other.selected.game:
        reasons.append(
            f"{first.name} leads with the game {one.selected.game} and {second.name} with {other.selected.game}: they "
            "measure different things. Put the same game first in both."
        )
    if one.canaries != other.canaries:
        canaries, usual = (first.name, second.name) if one.canaries else (second.name, first.name)
        reasons.append(f"{canaries} audits records with wrong labels, a worst case, and {usual} unchanged records.")
    return tuple(reasons)


def agreement_of(first: RunFolder, second: RunFolder) -> Agreement:
    """Return whether the worlds of two runs agree: the same data, sizes, scenario and seed, and the same rows asked."""
    alone = "so the intervals treat the runs as independent"
    if first.target is None or second.target is None:
        return Agreement(False, f"Not both runs recorded what their worlds were drawn from, {alone}.")
    if first.target != second.target:
        return Agreement(False, f"The data are not the same (their digests differ), {alone}.")
    apart = _differing(_worlds(first), _worlds(second))
    if apart:
        return Agreement(False, f"The worlds do not agree ({', '.join(apart)}), {alone}.")
    if not first.rows.asked.equals(second.rows.asked):
        purged = [of.name for of in (first, second) if of.purged]
        why = f"records were purged from {' and '.join(purged)}" if purged else "worlds, requests or records differ"
        return Agreement(False, f"The two runs did not query the same ({why}), {alone}.")
    return Agreement(
        True,
        "Both were queried on the same records in the same worlds, so the intervals are paired by world and record.",
    )


def settings_apart(first: RunFolder, second: RunFolder) -> tuple[Setting, ...]:
    """Return the settings that two runs do not share, in publishable form."""
    one, other = (_settings(of) for of in (first, second))
    keys = [key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key)]
    return tuple(Setting(key=key, first=one.get(key), second=other.get(key)) for key in keys)


def _settings(run: RunFolder) -> dict[str, str]:
    """Return the settings of a run, with the regime that it really had, and the model where none is configured."""
    settings = {**dict(publishable(run.findings.config)), "regime": run.findings.regime}
    return settings if "target.model" in settings else {**settings, "model": run.findings.model}


def _worlds(run: RunFolder) -> dict[str, str]:
    """Return all settings that decide which worlds are drawn."""
    config: Mapping[str, Any] = run.findings.config
    sizes = config.get("worlds")
    own = {key: of for key, of in sizes.items() if key not in {*_OF_THE_OTHER_SIDE, _NUMBER}} if sizes else {}
    return dict(publishable({"worlds": own, "scenario": config.get("scenario"), "seed": config.get("seed")}))


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    keys = dict.fromkeys([*one, *other])
    return [
        f"{key} {one.get(key, 'not set')} and {other.get(key, 'not set')}"
        for key in keys
        if one.get(key) != other.get(key)
    ]
