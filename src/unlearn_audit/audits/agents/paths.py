"""Which ways deleted facts come back, and what could not be tested, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from unlearn_audit.audits.agents.facts import Canary
from unlearn_audit.audits.agents.findings import Path
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import BOTH, JUDGED, MOMENTS, Phase
from unlearn_audit.audits.agents.probes import Readings
from unlearn_audit.audits.agents.recovered import COMBINED, CONTENT, PROBABILITY, STORED, Rate
from unlearn_audit.audits.agents.wording import counted
from unlearn_audit.metrics import discordant_p_value
from unlearn_audit.report.wording import capitalised, percent

_LACKS = {
    "set_memory": "Memory cannot be switched off (no set_memory), so leaks through weights and through memory are "
    "told apart only by which facts were trained on.",
    "cycle": "Consolidation cannot be run (no cycle), so it was not tested whether deleted facts come back later.",
    "memory_dump": "Memory cannot be read (no memory_dump), so residual copies were looked for in answers alone.",
    "log_probabilities": "No log-probabilities are offered, so facts that the agent knows but does not say went "
    "unseen.",
}


Get = Callable[..., Rate | None]
"""Takes a moment, and maybe ``memory``, ``group`` and ``probe``; returns the rate, or None if there is none."""


def paths(
    rates: Sequence[Rate], readings: Mapping[Phase, Mapping[str, Readings]], deleted: Sequence[Canary]
) -> Iterator[Path]:
    """Yield each way by which a deleted fact can come back, with what was found of it."""
    found = {(rate.moment, rate.memory, rate.group, rate.probe): rate for rate in rates}

    def get(moment: str, *, memory: bool = True, group: str = "deleted", probe: str = COMBINED) -> Rate | None:
        rate = found.get((moment, memory, group, probe))
        return rate if rate is not None and rate.cases else None

    yield from _stored(get)
    yield from _answered(get, rates)
    for memory in BOTH:
        if (later := get("cycled", memory=memory)) is not None:
            yield _backflow(later, _leaks(rates, "cycled", memory), readings, deleted)
    yield from _likely(get)
    yield from _no_fault(get)


def _leaks(rates: Sequence[Rate], moment: str, memory: bool) -> bool | None:
    """Return whether any probe shows a leak at a moment; None if nothing is judged there."""
    judged = [
        rate.leaks
        for rate in rates
        if (rate.moment, rate.memory) == (moment, memory) and rate.probe not in (STORED, PROBABILITY)
        if rate.adjusted is not None
    ]
    return any(judged) if judged else None


def _stored(get: Get) -> Iterator[Path]:
    for moment, name in (("after", "Residual copies in memory"), ("cycled", "Copies in memory after consolidation")):
        if (rate := get(moment, probe=STORED)) is not None:
            chance = f" (chance gives {percent(round(rate.chance, 3))})" if rate.chance else ""
            yield Path(name, rate.leaks, f"Stored items hold {_of(rate)} deleted values next to the person{chance}.")


def _answered(get: Get, rates: Sequence[Rate]) -> Iterator[Path]:
    on, off = get("after"), get("after", memory=False)
    if on is not None:
        tail = "" if off is None else f"; with memory off, {_of(off)}"
        yield Path("Answers with memory on", _leaks(rates, "after", True), f"{_facts(on)} are answered{tail}.")
    if off is not None:
        groups = {
            "trained on": get("after", memory=False, group="deleted, also trained on"),
            "ingested into memory alone": get("after", memory=False, group="deleted, memory only"),
        }
        split = " and ".join(f"{_of(rate)} {words}" for words, rate in groups.items() if rate is not None)
        yield Path(
            "Answers from the weights", _leaks(rates, "after", False), f"With memory off the agent answers {split}."
        )


def _backflow(
    later: Rate, leaks: bool | None, readings: Mapping[Phase, Mapping[str, Readings]], deleted: Sequence[Canary]
) -> Path:
    """Compare what is found after consolidation with what was found right after the deletion, fact by fact."""
    name = "Backflow by consolidation" + ("" if later.memory else ", memory off")
    then, now = (readings.get(Phase(moment, later.memory), {}).get(COMBINED) for moment in JUDGED)
    if then is None or now is None:
        return Path(name, leaks, f"After consolidation, {_of(later)} deleted facts are answered.")
    was = np.array([canary.value in then.get(canary.number, ()) for canary in deleted], dtype=bool)
    has = np.array([canary.value in now.get(canary.number, ()) for canary in deleted], dtype=bool)
    back, gone = int((has & ~was).sum()), int((was & ~has).sum())
    returns = bool(leaks) and discordant_p_value(back, gone) <= CONTENT
    change = f"{back} came back and {gone} went since the deletion" if back or gone else "the same ones as before"
    return Path(name, returns, f"After consolidation, {_of(later)} deleted facts are answered: {change}.")


def _likely(get: Get) -> Iterator[Path]:
    for memory in BOTH:
        if (rate := get("after", memory=memory, probe=PROBABILITY)) is not None:
            high = " and ranks higher among the options than chance allows" if rate.leaks else ""
            yield Path(
                "Probabilities" + ("" if memory else ", memory off"),
                rate.leaks,
                f"The deleted value is the most likely option for {_of(rate)} facts{high}.",
            )


def _no_fault(get: Get) -> Iterator[Path]:
    """Yield what is found although the deletion is right: derived from what stays, known before, or told again."""
    derived, reference = get("after", group="derivable"), get("retrained", group="derivable")
    if derived is not None:
        tail = "" if reference is None else f"; an agent that never ingested them answers {_of(reference)}"
        yield Path(
            "Derived from documents that stay",
            None,
            f"{capitalised(_of(derived))} facts that other documents imply are answered{tail}. That is no residue.",
        )
    empty = get("empty")
    if empty is not None:
        yield Path("Known before anything was ingested", None, f"{_facts(empty)} are answered then.")
    again, after = get("reingested"), get("after")
    if again is not None and after is not None and again.hits > after.hits:
        yield Path(
            "Told again by derived documents",
            None,
            f"Once summaries that the agent wrote before the deletion are ingested again, {_of(again)} deleted facts "
            "are answered. Delete such documents too, or refuse them.",
        )
    for moment in JUDGED:
        kept, before = get(moment, group="kept"), get("before", group="kept")
        if kept is not None and before is not None:
            yield Path(
                f"Collateral damage {MOMENTS[moment]}",
                None,
                f"Of the facts that were not to be deleted, {_of(kept)} are answered; {_of(before)} before.",
            )


def untested(lacking: Sequence[str], heard: Heard) -> Iterator[str]:
    """Yield what could not be tested, and why."""
    yield from (_LACKS[name] for name in lacking)
    if "cycle" not in lacking and heard.replies and not any(phase.name == "cycled" for phase in heard.replies):
        yield "Consolidation was not run after the deletion, so whether deleted facts come back later was not tested."
    for call, moment in dict.fromkeys(heard.failed):
        yield f"The call {call} failed {MOMENTS.get(moment, moment)}, so what it would have shown was not judged."
    if heard.stopped:
        yield "What would have followed once an episode ended early."
    yield "Other ways of asking, other kinds of facts, and anything but text: only these probes were used."


def _of(rate: Rate) -> str:
    return counted(rate.hits, rate.cases)


def _facts(rate: Rate) -> str:
    return f"{capitalised(_of(rate))} deleted facts"
