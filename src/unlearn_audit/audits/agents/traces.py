"""Traces of a deletion: whether those deleted can be told from those never ingested, without any value being revealed.

The coins are ours and were thrown before anything was ingested. If a deletion leaves no trace, whatever is observed of a
fact does not depend on its coin, so drawing the coins anew gives the exact distribution of any difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearn_audit.agents import Item
from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.order import gaps
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import Probe
from unlearn_audit.audits.agents.reading import is_refusal, masked, names_person
from unlearn_audit.metrics import randomised_p_value
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key

DRAWS = 9_999
"""Coins that are drawn anew at most; p-values are 1/(1 + this) at least."""

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """Something that may tell the deleted from those never ingested.

    Attributes
    ----------
    name, about
        What it is.
    deleted, never
        Its mean among either; the share of the most telling wording for ``wording``.
    p_value
        Of as large a difference if deletion left no trace.
    adjusted
        The same with all traces allowed for (Holm).
    """

    name: str
    about: str
    deleted: float
    never: float
    p_value: float
    adjusted: float | None = None


def traces(facts: Facts, probes: Mapping[str, Probe], heard: Heard, seed: int) -> list[Trace]:
    """Return what each trace shows after the deletion.

    Parameters
    ----------
    facts
        Their coins tell who was ingested, and deleted.
    probes
        That were used.
    heard
        What the agent answered.
    seed
        Of the coins that are drawn anew.
    """
    phase = Phase("after")
    canaries = [canary for canary in facts.audited if not canary.linked]
    ingested = np.array([canary.ingested for canary in canaries], dtype=bool)
    if phase not in heard.replies or ingested.all() or not ingested.any():
        return []
    asked = {
        canary.number: [
            (prompt.key, probe)
            for probe in probes.values()
            for prompt in probe.prompts(facts, 0)
            if prompt.canary == canary.number
        ]
        for canary in canaries
    }
    replies = heard.replies[phase]
    found = [
        _numeric("refusals", "answers that refuse, a share", canaries, ingested, seed, lambda of: _share_of(
            [is_refusal(replies[key].text) for key, _ in asked[of.number] if key in replies])),
        _numeric("failures", "prompts without an answer, a share", canaries, ingested, seed, lambda of: _share_of(
            [replies[key].failure is not None for key, _ in asked[of.number] if key in replies])),
        _numeric("latency", "median seconds of an answer", canaries, ingested, seed, lambda of: _median(
            [replies[key].seconds for key, _ in asked[of.number] if key in replies]), ranked=True),
    ]  # fmt: skip
    if "direct" in probes:
        texts = [masked(_direct(asked, replies, canary), facts, canary) for canary in canaries]
        found.append(_wording(texts, ingested, seed))
    scored = heard.log_probabilities.get(phase, {})
    if all(canary.number in scored for canary in canaries):
        found.append(
            _numeric("entropy", "entropy of the options' probabilities, in bits", canaries, ingested, seed,
                     lambda of: entropy(scored[of.number]), ranked=True)
        )  # fmt: skip
    return [*found, *_of_store(facts, canaries, ingested, heard.dumps.get("after"), seed)]


def _of_store(
    facts: Facts, canaries: Sequence[Canary], ingested: Flags, items: Sequence[Item] | None, seed: int
) -> list[Trace]:
    """Return what the content of the memory shows, apart from values."""
    if items is None:
        return []
    found = [
        _numeric("names in the store", "stored items that name or belong to the person, a share", canaries, ingested, seed,
                 lambda of: float(any(item.person == of.person or names_person(item.text, of.person) for item in items)))
    ]  # fmt: skip
    ids = {item.text: int(item.id) for item in items if item.id is not None and item.id.lstrip("-").isdecimal()}
    apart = gaps(facts, seed, ids)
    between = [canary for canary in canaries if canary.number in apart]
    coins = np.array([canary.ingested for canary in between], dtype=bool)
    if coins.any() and not coins.all():
        found.append(
            _numeric("order in the store", "how far the ids of its neighbours in the order of ingestion lie apart", between,
                     coins, seed, lambda of: apart[of.number], ranked=True)
        )  # fmt: skip
    return found


def entropy(log_probabilities: Sequence[float]) -> float:
    """Return the entropy, in bits, of options whose log-probabilities are normalised first.

    Examples
    --------
    >>> entropy([0.0, 0.0]), round(entropy([0.0, -1e9]), 6)
    (1.0, 0.0)
    """
    values = np.asarray(log_probabilities, dtype=np.float64)
    p = np.exp(values - np.logaddexp.reduce(values))
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum())


def _numeric(
    name: str,
    about: str,
    canaries: Sequence[Canary],
    ingested: Flags,
    seed: int,
    of: Callable[[Canary], float],
    *,
    ranked: bool = False,
) -> Trace:
    values = np.array([of(canary) for canary in canaries], dtype=np.float64)
    compared = _mid_ranks(values) if ranked else values

    def difference(coins: Flags) -> float:
        return abs(float(compared[coins].mean() - compared[~coins].mean()))

    p_value = randomised_p_value(difference, ingested, DRAWS, integer_seed(seed, Kind.AGENT_TEST, name_key(name)))
    return Trace(name, about, float(values[ingested].mean()), float(values[~ingested].mean()), p_value)


def _wording(texts: Sequence[str], ingested: Flags, seed: int) -> Trace:
    """Compare how answers are worded once names and values are masked: by the total variation of their shares."""
    codes = np.unique(np.asarray(texts, dtype=object).astype(str), return_inverse=True)[1]

    def shares(coins: Flags) -> tuple[Numbers, Numbers]:
        n = int(codes.max()) + 1
        return np.bincount(codes[coins], minlength=n) / coins.sum(), np.bincount(codes[~coins], minlength=n) / (~coins).sum()

    def distance(coins: Flags) -> float:
        a, b = shares(coins)
        return float(np.abs(a - b).sum() / 2)

    p_value = randomised_p_value(distance, ingested, DRAWS, integer_seed(seed, Kind.AGENT_TEST, name_key("wording")))
    a, b = shares(ingested)
    most = int(np.argmax(np.abs(a - b)))
    return Trace("wording", "share of the wording that differs most, names and values masked", float(a[most]), float(b[most]), p_value)


def _direct(asked: Mapping[int, Sequence[tuple[str, Probe]]], replies: Mapping[str, object], canary: Canary) -> str:
    keys = [key for key, probe in asked[canary.number] if probe.name == "direct" and key in replies]
    return getattr(replies[keys[0]], "text", "") if keys else ""


def _share_of(flags: Sequence[bool]) -> float:
    return float(np.mean(flags)) if flags else 0.0


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else 0.0


def _mid_ranks(values: Numbers) -> Numbers:
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[codes])

