"""How an agent behaved as it was asked: what hung, failed, was refused, or could not be read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.findings import Behaviour
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import Probe
from unlearn_audit.audits.agents.reading import is_empty, is_refusal
from unlearn_audit.audits.agents.recovered import Readings


def behaviour(
    facts: Facts, probes: Mapping[str, Probe], heard: Heard, readings: Mapping[Phase, Mapping[str, Readings]]
) -> Behaviour:
    """Count what became of all prompts."""
    replies = [reply for of_phase in heard.replies.values() for reply in of_phase.values()]
    answered = [reply for reply in replies if reply.failure is None]
    failures = {what: sum(reply.failure == what for reply in replies) for what in ("hung", "raised", "broken", "unasked")}
    first = heard.texts(Phase("before"))
    both = [(first[key], reply.text) for key, reply in heard.repeated.items() if reply.failure is None and key in first]
    after = readings.get(Phase("after"), {})
    unread = 0
    for name, probe in probes.items():
        for prompt in probe.prompts(facts, 0):
            reply = heard.replies.get(Phase("after"), {}).get(prompt.key)
            if prompt.canary is not None and reply is not None and reply.failure is None and name in after:
                unread += not after[name].get(prompt.canary)
    return Behaviour(
        prompts=len(replies),
        **failures,
        empty=sum(is_empty(reply.text) for reply in answered),
        refused=sum(is_refusal(reply.text) for reply in answered),
        unread=unread,
        repeated=len(both),
        otherwise=sum(a != b for a, b in both),
        seconds=float(np.median([reply.seconds for reply in answered])) if answered else 0.0,
    )
