"""Traces of a deletion: whether those deleted can be told from those never ingested, without any value being revealed.

The coins are ours and were thrown before anything was ingested. If a deletion leaves no trace, whatever is observed of
a fact does not depend on its coin, so drawing the coins anew gives the exact distribution of any difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from unlearn_audit.agents import Item
from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Asked, Heard, Reply
from unlearn_audit.audits.agents.order import gaps
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import Probe, prompts_of
from unlearn_audit.audits.agents.reading import is_refusal, masked
from unlearn_audit.audits.agents.recovered import items_of
from unlearn_audit.metrics import randomised_p_value
from unlearn_audit.utils.seeds import Kind, integer_seed, name_key

DRAWS = 1_999
"""Coins that are drawn anew at most; p-values are 1/(1 + this) at least."""

_NUMBER = re.compile(r"-?[0-9]{1,15}")
"""An id that may count items; it is for the agent to choose, and a longer one is no exact float."""

TRACES = 0.02
"""Of the 5 % of a false alarm, what all traces share."""

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

    @property
    def tells(self) -> bool:
        """Whether it tells the deleted from the others."""
        return self.adjusted is not None and self.adjusted <= TRACES


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
    replies = _by_canary(facts, probes, heard.replies[phase], seed)
    found = [
        _numeric(
            "refusals",
            "answers that refuse, a share",
            canaries,
            ingested,
            seed,
            lambda of: _share_of([is_refusal(reply.text) for reply in replies[of.number].values()]),
        ),
        _numeric(
            "failures",
            "prompts without an answer, a share",
            canaries,
            ingested,
            seed,
            lambda of: _share_of([reply.failure is not None for reply in replies[of.number].values()]),
        ),
        _numeric(
            "latency",
            "median seconds of an answer",
            canaries,
            ingested,
            seed,
            lambda of: _median([reply.seconds for reply in replies[of.number].values()]),
            ranked=True,
        ),
    ]
    if "direct" in probes:
        said = [replies[canary.number].get("direct") for canary in canaries]
        texts = [
            masked("" if reply is None else reply.text, facts, of) for reply, of in zip(said, canaries, strict=True)
        ]
        found.append(_wording(texts, ingested, seed))
    scored = heard.log_probabilities.get(phase, {})
    if all(canary.number in scored for canary in canaries):
        found.append(
            _numeric(
                "entropy",
                "entropy of the options' probabilities, in bits",
                canaries,
                ingested,
                seed,
                lambda of: entropy(scored[of.number]),
                ranked=True,
            )
        )
    return [*found, *_of_store(facts, canaries, ingested, heard.dumps.get("after"), seed)]


def _of_store(
    facts: Facts, canaries: Sequence[Canary], ingested: Flags, items: Sequence[Item] | None, seed: int
) -> list[Trace]:
    """Return what the content of the memory shows, apart from values."""
    if items is None:
        return []
    own = items_of(facts, items)
    found = [
        _numeric(
            "names in the store",
            "whether stored items name or belong to the person, a share",
            canaries,
            ingested,
            seed,
            lambda of: float(bool(own[of.person])),
        )
    ]
    ids = {item.text: int(item.id) for item in items if item.id is not None and _NUMBER.fullmatch(item.id)}
    apart = gaps(facts, seed, ids)
    between = [canary for canary in canaries if canary.number in apart]
    coins = np.array([canary.ingested for canary in between], dtype=bool)
    if coins.any() and not coins.all():
        found.append(
            _numeric(
                "order in the store",
                "how far the ids of its neighbours in the order of ingestion lie apart",
                between,
                coins,
                seed,
                lambda of: apart[of.number],
                ranked=True,
            )
        )
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
    return float(np.abs((p[p > 0] * np.log2(p[p > 0])).sum()))


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
    compared = rankdata(values) if ranked else values

    def difference(coins: Flags) -> float:
        return abs(float(compared[coins].mean() - compared[~coins].mean()))

    alike = bool((values == values[0]).all())  # then nothing can differ, whatever the coins
    key = integer_seed(seed, Kind.COIN, name_key(name))
    p_value = 1.0 if alike else randomised_p_value(difference, ingested, DRAWS, key)
    return Trace(name, about, float(values[ingested].mean()), float(values[~ingested].mean()), p_value)


def _wording(texts: Sequence[str], ingested: Flags, seed: int) -> Trace:
    """Compare how answers are worded once names and values are masked: by the total variation of their shares."""
    codes = np.unique(np.asarray(texts, dtype=object).astype(str), return_inverse=True)[1]

    def shares(coins: Flags) -> tuple[Numbers, Numbers]:
        n = int(codes.max()) + 1
        return np.bincount(codes[coins], minlength=n) / coins.sum(), np.bincount(codes[~coins], minlength=n) / (
            ~coins
        ).sum()

    def distance(coins: Flags) -> float:
        a, b = shares(coins)
        return float(np.abs(a - b).sum() / 2)

    p_value = randomised_p_value(distance, ingested, DRAWS, integer_seed(seed, Kind.COIN, name_key("wording")))
    a, b = shares(ingested)
    most = int(np.argmax(np.abs(a - b)))
    return Trace(
        "wording",
        "share of the wording that differs most, names and values masked",
        float(a[most]),
        float(b[most]),
        p_value,
    )


def _by_canary(
    facts: Facts, probes: Mapping[str, Probe], replies: Mapping[Asked, Reply], seed: int
) -> dict[int, dict[str, Reply]]:
    """Return the replies to prompts about each canary, by the name of the probe."""
    found: dict[int, dict[str, Reply]] = {canary.number: {} for canary in facts.canaries}
    for name, probe in probes.items():
        for prompt in prompts_of(probe, facts, seed):
            if prompt.canary is not None and (name, prompt.key) in replies:
                found[prompt.canary][name] = replies[name, prompt.key]
    return found


def _share_of(flags: Sequence[bool]) -> float:
    return float(np.mean(flags)) if flags else 0.0


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else 0.0
