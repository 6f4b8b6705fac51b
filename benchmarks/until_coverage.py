"""How often an interval covers the truth where the audit stopped because it was narrow.

Simulates whole audits that grow until the interval of the AUC is as narrow as asked for, and counts how often the
interval at the end holds the true AUC. Scores have effects of world, of world on positives alone, of pair and of
record, with the truth in closed form, as in the tests of the interval itself. In some cases records are new in every
world; in others unseen records come from a pool and recur, as on small tables. Beside coverage: the mean half-width
against that of audits which were planned with as many worlds, the worlds needed, and the looks taken.

    python benchmarks/until_coverage.py            # 2,000 audits a case, a quarter of an hour
    python benchmarks/until_coverage.py --margin 0.85 --audits 1000
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.stats import norm

from unlearn_audit.metrics import Clusters, Estimate, WidthRule, auc_interval, half_width

PAIRS, NEGATIVES = 20, 5
"""Pairs a world, and negatives a pair besides its one positive."""

AT_MOST = 100


@dataclass(frozen=True)
class Case:
    """A truth and how much worlds differ.

    Attributes
    ----------
    shift
        By how much positives score higher, in standard deviations of a record's noise.
    world, deletion, pair
        Standard deviations of the effects of a world, of a world on its positives, and of a pair.
    asked
        The half-width to stop at.
    pool
        How many unseen records there are; 0 for new ones in every world.
    record
        Standard deviation of what a record of the pool adds to its score in every world.
    """

    shift: float
    world: float
    deletion: float
    pair: float
    asked: float
    pool: int = 0
    record: float = 0.0

    @property
    def auc(self) -> float:
        """P(S⁺ > S⁻) for rows of different worlds."""
        variance = 2 * (1 + self.world**2 + self.pair**2 + self.record**2) + self.deletion**2
        return float(norm.cdf(self.shift / np.sqrt(variance)))


CASES = [
    *(
        Case(shift, *effects, asked)
        for (shift, effects), asked in product(
            product([0.0, 0.7, 1.4, 2.6], [(0.3, 0.3, 0.5), (0.6, 0.6, 0.5), (0.1, 0.1, 0.2)]), [0.03, 0.05]
        )
    ),
    *(
        Case(shift, 0.1, 0.1, 0.2, asked, pool, 0.8)
        for shift, pool, asked in product([0.0, 1.4], [200, 2_000], [0.03, 0.05])
    ),
]


def draw(case: Case, rng: np.random.Generator, worlds: int) -> tuple[Any, Any, Clusters]:
    """Return scores, truth, and world and record of each row."""
    pairs = np.repeat(np.arange(worlds * PAIRS), 1 + NEGATIVES)
    positive = np.tile(np.arange(1 + NEGATIVES) == 0, worlds * PAIRS)
    of = pairs // PAIRS
    scores = (
        rng.normal(0, case.world, worlds)[of]
        + rng.normal(0, case.pair, worlds * PAIRS)[pairs]
        + rng.normal(size=len(of))
        + (case.shift + rng.normal(0, case.deletion, worlds)[of]) * positive
    )
    records = np.arange(len(of))
    if case.pool:
        # the deleted are new in every world, the unseen drawn from the pool
        records[~positive] = len(of) + np.concatenate([_unseen(case.pool, rng) for _ in range(worlds)])
        scores += rng.normal(0, case.record, len(of) + case.pool)[records]
    return scores, positive, Clusters(of, records)


def _unseen(pool: int, rng: np.random.Generator) -> Any:
    """Return which records of a pool a world asks: each as often as any other, as far as that goes."""
    n = PAIRS * NEGATIVES
    return np.concatenate([rng.permutation(pool) for _ in range(-(-n // pool))])[:n]


def until(case: Case, rng: np.random.Generator, rule: WidthRule, first: int) -> tuple[Estimate, int, int]:
    """Grow one audit; return its last interval, its worlds, and how often it looked."""
    scores, positive, clusters = draw(case, rng, rule.at_most)
    worlds, looks = first, 0
    while True:
        rows = slice(worlds * PAIRS * (1 + NEGATIVES))
        estimate = auc_interval(scores[rows], positive[rows], clusters.take(rows))
        looks += 1
        more = rule.next(worlds, half_width(estimate))
        if more == worlds:
            return estimate, worlds, looks
        worlds = more


def simulate(case: Case, audits: int, margin: float, first: int, seed: int = 0) -> dict[str, float]:
    """Return what came of many audits of one case."""
    rng = np.random.default_rng(seed)
    rule = WidthRule(case.asked, AT_MOST, margin)
    ends = [until(case, rng, rule, first) for _ in range(audits)]
    # a plain audit, planned with as many worlds as each of these ended with
    plain = [auc_interval(*draw(case, rng, worlds)) for _, worlds, _ in ends]
    worlds = np.array([of for _, of, _ in ends])
    reached = np.array([half_width(e) <= case.asked for e, _, _ in ends])
    held = np.array([e.low <= case.auc <= e.high for e, _, _ in ends])
    width = float(np.mean([half_width(e) for e, _, _ in ends]))
    return {
        "auc": round(case.auc, 4),
        "asked": case.asked,
        "world": case.world,
        "pool": case.pool,
        "coverage": float(held.mean()),
        "coverage_fixed": float(np.mean([e.low <= case.auc <= e.high for e in plain])),
        "half_width": width,
        "half_width_over_fixed": width / float(np.mean([half_width(e) for e in plain])),
        "widest": float(max(half_width(e) for e, _, _ in ends)),
        "reached": float(reached.mean()),
        "worlds": float(worlds.mean()),
        "worlds_most": int(worlds.max()),
        "looks": float(np.mean([looks for _, _, looks in ends])),
    }


def table(found: list[dict[str, float]]) -> Iterator[str]:
    headings = (
        "true AUC",
        "world effects",
        "unseen records",
        "± asked",
        "coverage",
        "planned",
        "half-width",
        "/ planned",
        "reached",
    )
    yield f"| {' | '.join((*headings, 'worlds', 'looks'))} |"
    yield "|---" * (len(headings) + 2) + "|"
    for f in found:
        yield (
            f"| {f['auc']:.3f} | {f['world']} | {f['pool'] or 'new'} | {f['asked']} | {f['coverage']:.1%} "
            f"| {f['coverage_fixed']:.1%} | {f['half_width']:.4f} | {f['half_width_over_fixed']:.3f} "
            f"| {f['reached']:.0%} | {f['worlds']:.1f} | {f['looks']:.1f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=2000)
    parser.add_argument("--margin", type=float, default=0.9)
    parser.add_argument("--first", type=int, default=20, help="worlds at the first look")
    asked = parser.parse_args()
    found = [simulate(case, asked.audits, asked.margin, asked.first, seed) for seed, case in enumerate(CASES)]
    print("\n".join(table(found)))
    pooled = float(np.mean([f["coverage"] for f in found]))
    lowest = min(f["coverage"] for f in found)
    print(f"\n{len(found) * asked.audits:,} audits: coverage {pooled:.2%}, lowest {lowest:.1%}")


if __name__ == "__main__":
    main()
