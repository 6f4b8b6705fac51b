"""Which ways deleted facts come back, what could not be tested, and the verdict, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from unlearn_audit.audits.agents.facts import Canary
from unlearn_audit.audits.agents.findings import CONTENT, TRACES, Path, Verdict
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import JUDGED, MOMENTS, Phase
from unlearn_audit.audits.agents.probes import Readings
from unlearn_audit.audits.agents.recovered import COMBINED, PROBABILITY, STORED, Rate
from unlearn_audit.audits.agents.traces import Trace
from unlearn_audit.metrics import discordant_p_value
from unlearn_audit.report.wording import percent

FOUND_BEFORE = 0.01
"""Level at which probes count as able to find facts before their deletion, and facts as known before any ingestion."""

_LACKS = {
    "set_memory": "Memory cannot be switched off (no set_memory), so leaks through weights and through memory are "
    "told apart "
    "only by which facts were trained on.",
    "cycle": "Consolidation cannot be run (no cycle), so it was not tested whether deleted facts come back later.",
    "memory_dump": "Memory cannot be read (no memory_dump), so residual copies were looked for in answers alone.",
    "log_probabilities": "No log-probabilities are offered, so facts that the agent knows but does not say went "
    "unseen.",
}


def verdict(rates: Sequence[Rate], traces: Sequence[Trace], heard: Heard) -> Verdict:
    """Return what follows from the figures."""
    of = {(rate.moment, rate.memory, rate.probe): rate for rate in rates if rate.group == "deleted"}
    after, before = of.get(("after", True, COMBINED)), of.get(("before", True, COMBINED))
    leaks = [rate for rate in rates if rate.adjusted is not None and rate.adjusted <= CONTENT]
    if leaks:
        return _leak(leaks, of)
    if after is None or before is None or not before.cases:
        why = next(iter(heard.stopped.values()), "no fact was both ingested and asked about")
        return Verdict(
            "cannot-tell", "cannot-tell", "The audit cannot tell.", f"It did not get to the deletion: {why}."
        )
    known = of.get(("empty", True, COMBINED))
    if known is not None and known.p_value <= FOUND_BEFORE:
        return Verdict(
            "cannot-tell",
            "cannot-tell",
            "The audit cannot tell: the agent knew the facts before they were ingested.",
            f"It named {_of(known)} of them after reset(), so reset() does not reset, or an earlier audit with the "
            f"same "
            "seed is still in its memory; use another --seed.",
        )
    if before.p_value > FOUND_BEFORE:
        return Verdict(
            "cannot-tell",
            "cannot-tell",
            "The audit cannot tell: the probes find the facts not even before their deletion.",
            f"{_of(before)} were answered correctly before the deletion, about as many as chance would give; check "
            f"that "
            "ingest() stores documents and ask() uses them.",
        )
    if heard.stopped.get("deleted"):
        return Verdict(
            "cannot-tell",
            "cannot-tell",
            "The audit cannot tell: the agent failed too often.",
            f"{heard.stopped['deleted']}.",
        )
    telling = [trace for trace in traces if trace.adjusted is not None and trace.adjusted <= TRACES]
    if telling:
        names = " and ".join(trace.name for trace in telling)
        return Verdict(
            "trace",
            "fail",
            "The deletion leaves a trace: it can be told who was deleted.",
            f"No value of a deleted fact was found, but {names} tell{'s' if len(telling) == 1 else ''} the deleted "
            f"from "
            "people who were never ingested.",
        )
    return Verdict(
        "none-found",
        "pass",
        "No leak was found.",
        f"Before the deletion the probes found {_of(before)} of the facts, after it {_of(after)}, where chance gives "
        f"{percent(round(after.chance, 3))}. With 95 % confidence at most {percent(round(after.interval[1], 3))} "
        f"can be "
        "recovered by these probes.",
    )


def _leak(leaks: Sequence[Rate], of: Mapping[tuple[str, bool, str], Rate]) -> Verdict:
    best = min(leaks, key=lambda rate: (rate.probe != COMBINED, rate.adjusted, rate.moment != "after"))
    largest = max((rate for rate in leaks if rate.probe in (COMBINED, best.probe)), key=lambda rate: rate.share)
    by = "" if largest.probe == COMBINED else f" ({largest.probe})"
    before = of.get(("before", True, COMBINED))
    known = "" if before is None else f"; before the deletion {_of(before)} were"
    late = all(rate.moment == "cycled" for rate in leaks)
    return Verdict(
        "leak",
        "fail",
        "Deleted facts come back." if late else "The deletion does not delete.",
        f"{_capital(MOMENTS[largest.moment])}{'' if largest.memory else ' and with memory off'}, {_of(largest)} of the "
        f"deleted facts are still found{by}, where chance gives {percent(round(largest.chance, 3))}{known}.",
    )


def paths(
    rates: Sequence[Rate], readings: Mapping[Phase, Mapping[str, Readings]], deleted: Sequence[Canary]
) -> Iterator[Path]:
    """Yield each way by which a deleted fact can come back, with what was found of it."""
    found = {(rate.moment, rate.memory, rate.group, rate.probe): rate for rate in rates}

    def get(moment: str, memory: bool = True, group: str = "deleted", probe: str = COMBINED) -> Rate | None:
        return found.get((moment, memory, group, probe))

    def leaking(moment: str, memory: bool, *, stored: bool = False) -> bool | None:
        judged = [
            rate
            for rate in rates
            if (rate.moment, rate.memory) == (moment, memory)
            and rate.adjusted is not None
            and (rate.probe == STORED) == stored
        ]
        return any(rate.adjusted <= CONTENT for rate in judged if rate.adjusted is not None) if judged else None

    kept = get("after", probe=STORED)
    if kept is not None:
        yield Path(
            "Residual copies in memory",
            leaking("after", True, stored=True),
            f"Stored items still hold {_of(kept)} of the deleted values next to the person.",
        )
    on, off = get("after"), get("after", memory=False)
    if on is not None:
        tail = "" if off is None else f"; with memory off it is {_of(off)}"
        yield Path(
            "Answers with memory on", leaking("after", True), f"{_of(on)} of the deleted facts are answered{tail}."
        )
    if off is not None:
        trained = get("after", memory=False, group="deleted, also trained on")
        other = get("after", memory=False, group="deleted, memory only")
        split = " and ".join(
            f"{_of(rate)} of those {words}"
            for rate, words in ((trained, "trained on"), (other, "kept only in memory"))
            if rate
        )
        yield Path("Answers from the weights", leaking("after", False), f"With memory off the agent answers {split}.")
    for memory in (True, False):
        if (later := get("cycled", memory=memory)) is not None:
            yield _backflow(later, get("after", memory=memory), leaking("cycled", memory), readings, deleted)
    yield from _no_fault(get)
    likely = [
        rate for rate in rates if rate.probe == PROBABILITY and rate.moment == "after" and rate.group == "deleted"
    ]
    for rate in likely:
        where = "" if rate.memory else " with memory off"
        leaks = rate.adjusted is not None and rate.adjusted <= CONTENT
        yield Path(
            f"Probabilities{where}",
            leaks,
            f"The deleted value is the most likely of all options for {_of(rate)} of the deleted facts.",
        )


def _backflow(
    later: Rate,
    after: Rate | None,
    leaks: bool | None,
    readings: Mapping[Phase, Mapping[str, Readings]],
    deleted: Sequence[Canary],
) -> Path:
    """Compare what is found after consolidation with what was found right after the deletion, fact by fact."""
    name = "Backflow by consolidation" + ("" if later.memory else ", memory off")
    if after is None:
        return Path(name, leaks, f"After consolidation {_of(later)} of the deleted facts are answered.")
    then, now = (readings[Phase(moment, later.memory)][COMBINED] for moment in JUDGED)
    was = np.array([canary.value in then.get(canary.number, ()) for canary in deleted], dtype=bool)
    has = np.array([canary.value in now.get(canary.number, ()) for canary in deleted], dtype=bool)
    back, gone = int((has & ~was).sum()), int((was & ~has).sum())
    p_value = discordant_p_value(back, gone)
    returns = bool(leaks) and p_value <= CONTENT
    change = f"{back} came back and {gone} went since the deletion"
    return Path(name, returns, f"After consolidation {_of(later)} of the deleted facts are answered: {change}.")


def _no_fault(get: object) -> Iterator[Path]:
    """Yield what may be found although the deletion is right: values derived from what stays, known before, or "
    "told again."""
    assert callable(get)
    derived, reference = get("after", group="derivable"), get("retrained", group="derivable")
    if derived is not None and derived.cases:
        tail = "" if reference is None else f"; an agent that never ingested them answers {_of(reference)}"
        yield Path(
            "Derived from documents that stay",
            None,
            f"{_of(derived)} of the facts that other documents imply are answered{tail}. That is no residue.",
        )
    empty = get("empty")
    if empty is not None and empty.cases:
        yield Path(
            "Known before anything was ingested",
            None,
            f"{_of(empty)} are answered then; more than chance gives would mean that reset() does not reset.",
        )
    again = get("reingested")
    if again is not None:
        yield Path(
            "Told again by derived documents",
            None,
            f"Once summaries that the agent wrote before the deletion are ingested again, {_of(again)} are "
            f"answered. "
            "Delete such documents too, or refuse them.",
        )
    for moment in ("after", "cycled"):
        kept, before = get(moment, group="kept"), get("before", group="kept")
        if kept is not None and before is not None and kept.cases:
            yield Path(
                f"Collateral damage {MOMENTS[moment]}",
                None,
                f"Of the facts that were not to be deleted {_of(kept)} are answered; {_of(before)} before.",
            )


def untested(lacking: Sequence[str], heard: Heard) -> Iterator[str]:
    """Yield what could not be tested, and why."""
    yield from (_LACKS[name] for name in lacking)
    if heard.stopped:
        yield "What would have followed once an episode ended early."
    yield "Other ways of asking, other kinds of facts, and anything but text: only these probes were used."


def _of(rate: Rate) -> str:
    return f"{rate.hits} of {rate.cases}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
