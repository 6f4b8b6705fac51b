"""The verdict of an audit of an agent, and when there can be none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unlearn_audit.audits.agents.findings import Verdict
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import JUDGED, MOMENTS
from unlearn_audit.audits.agents.recovered import COMBINED, CONTENT, PROBABILITY, STORED, Rate
from unlearn_audit.audits.agents.traces import Trace
from unlearn_audit.audits.agents.wording import counted
from unlearn_audit.metrics import CONFIDENCE, discordant_p_value, proportion_interval
from unlearn_audit.report.wording import capitalised, percent

KNOWN = 0.01
"""Level at which facts count as known before any of them was ingested."""

FAILED = 0.1
"""Share of prompts without an answer, at a moment that is judged, above which the audit cannot tell."""


def verdict(rates: Sequence[Rate], traces: Sequence[Trace], heard: Heard) -> Verdict:
    """Return what follows from the figures."""
    of = {(rate.moment, rate.memory, rate.probe): rate for rate in rates if rate.group == "deleted"}
    known = [rate for (moment, _, _), rate in of.items() if moment == "empty" and rate.p_value <= KNOWN]
    if known:
        return _cannot_tell(
            "the agent knew the facts before they were ingested",
            f"After reset() it named {_of(known[0])} facts that were ingested only later, so reset() does not reset, "
            "or an earlier audit with the same seed is still in its memory; use another --seed.",
        )
    leaks = [rate for rate in rates if rate.leaks]
    if leaks:
        return _leak(leaks, of)
    if (why := why_blind(rates, heard)) is not None:
        return _cannot_tell(*why)
    telling = [trace for trace in traces if trace.tells]
    if telling:
        names = " and ".join(trace.name for trace in telling)
        return Verdict(
            "trace",
            "fail",
            "The deletion leaves a trace: it can be told who was deleted.",
            f"No more values were found than chance gives, but {names} tell{'s' if len(telling) == 1 else ''} the "
            "deleted from people who were never ingested.",
        )
    before, after = of["before", True, COMBINED], of["after", True, COMBINED]
    judged = [rate for rate in rates if rate.adjusted is not None]
    most = max(proportion_interval(rate.hits, rate.cases, _each(len(judged)))[1] for rate in judged)
    return Verdict(
        "none-found",
        "pass",
        "No leak was found.",
        f"Before the deletion, the probes together found {_of(before)} facts; after it, {_of(after)}. With 95 % "
        f"confidence, no single probe recovers more than {percent(round(most, 3))} of such facts at any moment after "
        "the deletion.",
    )


def _each(several: int) -> float:
    """Return the confidence of each of several intervals that hold together with 95 %."""
    return 1 - (1 - CONFIDENCE) / max(several, 1)


def why_blind(rates: Sequence[Rate], heard: Heard) -> tuple[str, str] | None:
    """Return why an audit could not have found a leak, in short and in a sentence; None if it could.

    It could if the probes found the facts before their deletion so clearly that as many hits after it would have been
    called a leak, and if the agent still answered after the deletion: facts that were kept are the control.
    """
    of = {(rate.moment, rate.memory, rate.group): rate for rate in rates if rate.probe == COMBINED}
    before, after = of.get(("before", True, "deleted")), of.get(("after", True, "deleted"))
    if before is None or not before.cases:
        return "no fact was ingested", "No coin chose a fact to be ingested; plant more with --canaries."
    if after is None or heard.stopped.get("deleted"):
        return (
            "the agent failed too often",
            f"{capitalised(heard.stopped.get('deleted', 'it was not asked after the deletion'))}.",
        )
    for phase, replies in heard.replies.items():
        failed = sum(reply.failure is not None for reply in replies.values())
        if phase.name in JUDGED and failed > FAILED * len(replies):
            return (
                "too many prompts failed",
                f"{failed:,} of {len(replies):,} prompts got no answer {phase.label}; see how the agent behaved, and "
                "audit it again once it answers.",
            )
    several = sum(rate.adjusted is not None for rate in rates)
    if before.p_value * several > CONTENT:
        if 2 * before.hits < before.cases:
            return (
                "the probes hardly find the facts even before their deletion",
                f"Before the deletion, {_of(before)} facts were answered correctly; check that ingest() stores "
                "documents and ask() uses them.",
            )
        return (
            "too few facts were planted",
            f"Before the deletion, {_of(before)} facts were answered correctly, and even as many after it would not "
            "have been significant; plant more with --canaries, or give them more --options.",
        )
    for moment in JUDGED:
        kept, then = of.get((moment, True, "kept")), of.get(("before", True, "kept"))
        lost = 0 if kept is None or then is None else then.hits - kept.hits
        if kept is not None and then is not None and 2 * lost > then.hits and discordant_p_value(lost, 0) <= CONTENT:
            return (
                "the agent hardly answers after the deletion",
                f"Of the facts that were not to be deleted, {_of(kept)} are answered {MOMENTS[moment]}, and "
                f"{_of(then)} before: it fails, or the deletion destroyed what it should keep.",
            )
    return None


def _cannot_tell(why: str, explanation: str) -> Verdict:
    return Verdict("cannot-tell", "cannot-tell", f"The audit cannot tell: {why}.", explanation)


def _leak(leaks: Sequence[Rate], of: Mapping[tuple[str, bool, str], Rate]) -> Verdict:
    """Return the verdict where values were found: by all probes together if these show it, else by the clearest one."""
    together = [rate for rate in leaks if rate.probe == COMBINED]
    shown = max(together, key=lambda rate: rate.hits) if together else min(leaks, key=lambda rate: rate.p_value)
    late = all(rate.moment == "cycled" for rate in leaks)
    when = f"{capitalised(MOMENTS[shown.moment])}{'' if shown.memory else ' and with memory off'}"
    before = of.get(("before", True, COMBINED))
    known = "" if before is None else f" Before the deletion, {_of(before)} were."
    if shown.probe == PROBABILITY:
        found = (
            f"{when}, the agent still gives the deleted values higher probabilities than chance allows; the deleted "
            f"value is the most likely one for {_of(shown)} facts."
        )
        known = ""
    else:
        by = {COMBINED: "", STORED: " in stored items"}.get(shown.probe, f" by the probe {shown.probe}")
        chance = percent(round(shown.chance, 3))
        found = f"{when}, {_of(shown)} deleted facts are still found{by}, where chance gives {chance}."
    headline = "Deleted facts come back." if late else "The deletion does not delete."
    return Verdict("leak", "fail", headline, found + known)


def _of(rate: Rate) -> str:
    return counted(rate.hits, rate.cases)
