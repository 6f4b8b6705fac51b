"""How an agent behaved as it was asked: what hung, failed, was refused, or could not be read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unlearn_audit.audits.agents.findings import Behaviour
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import Probe, Readings
from unlearn_audit.audits.agents.reading import is_empty, is_refusal


def behaviour(probes: Mapping[str, Probe], heard: Heard, readings: Mapping[Phase, Mapping[str, Readings]]) -> Behaviour:
    """Count what became of all prompts."""
    replies = [reply for of_phase in heard.replies.values() for reply in of_phase.values()]
    answered = [reply for reply in replies if reply.failure is None]
    failures = {
        what: sum(reply.failure == what for reply in replies) for what in ("hung", "raised", "broken", "unasked")
    }
    first = heard.replies.get(Phase("before"), {})
    both = [
        (first[key].texts, reply.texts)
        for key, reply in heard.repeated.items()
        if reply.failure is None and key in first and first[key].failure is None
    ]
    after = readings.get(Phase("after"), {})
    unread = sum(not named for name in probes if name in after for named in after[name].values())
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
