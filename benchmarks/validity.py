"""Are the verdicts right as often as they say? Audits with nothing to find, intervals of known truths, planted leaks.

Three parts, each of pieces with seeds of their own, so that a run that is stopped goes on where it was:

- null: whole audits, with all attacks and selection, of models that know nothing about any record (`audit_subjects`);
  how often is a leak claimed, and how often is there a hint?
- intervals: tables of scores with a known AUC, with effects of worlds and of records that recur; how often does the
  interval hold it?
- planted: whole audits of a model that gives the deleted away by a known AUC.

    python benchmarks/validity.py                 # what is not done yet of all; writes docs/validity.md
    python benchmarks/validity.py --anew          # all again, about two hours on two cores
    python benchmarks/validity.py --audits 24 --draws 100 --planted 8 --no-page
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import beta, norm

from audit_subjects import NULLS, Planted, made_up
from unlearn_audit import Execution, audit
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Clusters, auc_interval

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "validity.md"
RESULTS = HERE / "validity.jsonl"
"""What every piece found: the page is made of it, and a run goes on from it."""

RECORDS, CLASSES, WORLDS = (600, 1_800, 5_000, 20_000), (2, 10), (3, 5, 10)
TRUTHS, WORLDS_OF_TABLES = (0.55, 0.7, 0.8, 0.95, 0.99, 1.0), (2, 3, 5, 10, 30)
EFFECTS = ((0.0, 0.0), (0.0, 0.4), (0.1, 0.3), (0.2, 0.2))
"""Shares of the variance of a score that its world, and its record, have in common."""

SIZES = {"train_size": 150, "deletions": 10, "unseen": 10, "references": 20}

CLAIMS = ("leak-by-update", "leak", "leak-original", "reversed")


@dataclass(frozen=True)
class Piece:
    """A unit of work: its name is its key in the file of what is done."""

    name: str
    make: Callable[[], dict[str, Any]]


def null_audit(index: int) -> dict[str, Any]:
    """Audit a model that knows nothing, and return what the verdict says."""
    cells = list(product(RECORDS, CLASSES, NULLS, WORLDS))
    records, classes, kind, worlds = cells[index % len(cells)]
    found = _verdict(NULLS[kind], records, classes, worlds, index)
    return {"records": records, "classes": classes, "model": kind, "worlds": worlds, **found}


def planted_audit(index: int) -> dict[str, Any]:
    """Audit a model whose margins fall by a known step when a record is deleted, and return what was found."""
    cells = list(product(TRUTHS, (3, 5, 10)))
    truth, worlds = cells[index % len(cells)]
    found = _verdict(partial(Planted, auc=truth), 2_000, 2, worlds, index, attack="margin-difference")
    low, high = found.pop("auc_ci")
    return {"truth": truth, "worlds": worlds, "covered": low <= truth <= high, **found}


def _verdict(
    model: Callable[[], Any], records: int, classes: int, worlds: int, seed: int, attack: str | None = None
) -> dict[str, Any]:
    X, y = made_up(records, classes, seed)
    with TemporaryDirectory() as store:
        result = audit(
            model(),
            X,
            y,
            shadow_worlds=worlds,
            target_worlds=worlds,
            regime="fresh",
            seed=seed,
            execution=Execution(jobs=1, store=Path(store)),
            **SIZES,
        )
    verdict = result.findings.verdict
    found: dict[str, Any] = {"kind": verdict.kind, "gate": verdict.gate}
    if attack is not None:
        row = next(r for r in result.findings.results if r.attack == attack and r.rows == "all")
        found |= {"auc": row.auc, "auc_ci": row.auc_ci}
    return found


def covered(truth: float, worlds: int, seed: int, draws: int) -> dict[str, Any]:
    """Draw tables of scores whose AUC is known, and count the intervals that hold it."""
    rng = np.random.default_rng([seed, worlds, int(1000 * truth)])
    held = [
        _holds(rng, truth, worlds, *EFFECTS[i % len(EFFECTS)], small=i // len(EFFECTS) % 2 == 0) for i in range(draws)
    ]
    return {"truth": truth, "worlds": worlds, "draws": draws, "held": int(sum(held))}


def _holds(
    rng: np.random.Generator, truth: float, worlds: int, of_world: float, of_record: float, *, small: bool
) -> bool:
    positives, negatives = 20, 100
    pools = (700, 180) if small else (20_000, 10_000)
    scores, records = [], []
    for n, pool, first, shift in (
        (positives, pools[0], 0, norm.ppf(truth) * np.sqrt(2)),
        (negatives, pools[1], pools[0], 0),
    ):
        asked = np.stack([rng.choice(pool, n, replace=False) for _ in range(worlds)])
        effect = (
            np.sqrt(of_world) * rng.standard_normal(worlds)[:, None]
            + np.sqrt(of_record) * rng.standard_normal(pool)[asked]
        )
        noise = np.sqrt(1 - of_world - of_record) * rng.standard_normal(asked.shape)
        scores.append((min(shift, 100.0) + effect + noise).ravel())
        records.append((first + asked).ravel())
    positive = np.repeat([True, False], [positives * worlds, negatives * worlds])
    of = np.concatenate([np.repeat(np.arange(worlds), n) for n in (positives, negatives)])
    found = auc_interval(np.concatenate(scores), positive, Clusters(of, np.concatenate(records)))
    return bool(found.low <= truth <= found.high)


def pieces(audits: int, draws: int, planted: int) -> Iterator[Piece]:
    """Yield all the work: score tables by the hundred, then audits."""
    for truth, worlds in product(TRUTHS, WORLDS_OF_TABLES):
        for start in range(0, draws, 200):
            n = min(200, draws - start)
            yield Piece(f"intervals {truth} {worlds} {start} {n}", partial(covered, truth, worlds, start, n))
    for index in range(audits):
        yield Piece(f"null {index}", partial(null_audit, index))
    for index in range(planted):
        yield Piece(f"planted {index}", partial(planted_audit, index))


def work(wanted: Sequence[Piece], done: Path, jobs: int) -> dict[str, dict[str, Any]]:
    """Do what is not done yet, and return every piece's result by name; each is written as soon as it is there."""
    finished: dict[str, dict[str, Any]] = {}
    if done.exists():
        # the last line may have been cut off
        for line in done.read_text().splitlines():
            try:
                name, found = json.loads(line)
            except ValueError:
                continue
            finished[name] = found
    left = [piece for piece in wanted if piece.name not in finished]
    print(f"{len(finished):,} pieces are done, {len(left):,} are left")
    done.parent.mkdir(parents=True, exist_ok=True)
    with done.open("a") as file:
        for i, (name, found) in enumerate(Parallel(jobs, return_as="generator")(delayed(_do)(p) for p in left), 1):
            finished[name] = found
            file.write(json.dumps([name, found]) + "\n")
            file.flush()
            if i % 50 == 0:
                print(f"{i:,} of {len(left):,}")
    return {piece.name: finished[piece.name] for piece in wanted}


def _do(piece: Piece) -> tuple[str, dict[str, Any]]:
    return piece.name, piece.make()


def lower_end(count: int, n: int, level: float) -> float:
    """Return the one-sided lower Clopper–Pearson end of a rate."""
    return 0.0 if count == 0 else float(beta.ppf(level, count, n - count + 1))


def upper_end(count: int, n: int, level: float) -> float:
    """Return the one-sided upper Clopper–Pearson end of a rate."""
    return 1.0 if count == n else float(beta.ppf(1 - level, count + 1, n - count))


def above(rates: Sequence[tuple[int, int]], bound: float, level: float = 0.05) -> list[bool]:
    """Return which rates (count, n) lie above a bound, by exact binomial tests with Holm's correction."""
    order = sorted(range(len(rates)), key=lambda i: -lower_end(*rates[i], level))
    found = [False] * len(rates)
    for rank, i in enumerate(order):
        if lower_end(*rates[i], level / (len(rates) - rank)) <= bound:
            break
        found[i] = True
    return found


def null_groups(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return claims and hints of all null audits, and of each group with a setting in common."""
    groups: list[tuple[str, Sequence[dict[str, Any]]]] = [("all", rows)]
    for key in ("records", "classes", "model", "worlds"):
        for value in sorted({row[key] for row in rows}, key=str):
            groups.append(
                (f"{key} {value:,}" if isinstance(value, int) else value, [r for r in rows if r[key] == value])
            )
    found = []
    for name, members in groups:
        # an unchanged pair whose original is said to leak is a claim too
        claims = sum(r["kind"] in CLAIMS or (r["kind"] == "unchanged" and r["gate"] == "fail") for r in members)
        hints = sum(r["kind"] == "hint" for r in members)
        found.append({"group": name, "audits": len(members), "claims": claims, "hints": hints})
    for row, wrong in zip(found, above([(g["claims"], g["audits"]) for g in found], 0.05), strict=True):
        row["above 5 %"] = wrong
    return found


def cells(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return coverage by truth and number of worlds."""
    found = []
    for truth, worlds in product(TRUTHS, WORLDS_OF_TABLES):
        own = [r for r in rows if (r["truth"], r["worlds"]) == (truth, worlds)]
        held, draws = sum(r["held"] for r in own), sum(r["draws"] for r in own)
        found.append({"truth": truth, "worlds": worlds, "draws": draws, "held": held})
    missed = [(c["draws"] - c["held"], c["draws"]) for c in found]
    for cell, low in zip(found, above(missed, 0.07), strict=True):
        cell["below 93 %"] = low
    return found


def planted_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return coverage and verdicts by truth."""
    found = []
    for truth in TRUTHS:
        own = [r for r in rows if r["truth"] == truth]
        if own:
            kinds = {kind: sum(r["kind"] == kind for r in own) for kind in sorted({r["kind"] for r in own})}
            found.append({"truth": truth, "audits": len(own), "held": sum(r["covered"] for r in own), "kinds": kinds})
    return found


def page(summary: dict[str, Any]) -> str:
    """Return docs/validity.md."""
    nulls, tables, planted = summary["null"], summary["intervals"], summary["planted"]
    mean = np.mean([c["held"] / c["draws"] for c in tables]) if tables else 0.0
    lines = [
        "# How often verdicts and intervals are right",
        "",
        "Made by `make validity`; the result of every piece is in `benchmarks/validity.jsonl`.",
        "",
        "## Audits with nothing to find",
        "",
        "Whole audits with all attacks and their selection, of models that know nothing about any record: a fixed "
        "function, models trained on other data than they were given, and a fixed function with noise of each "
        f"training. Tables of {', '.join(f'{n:,}' for n in RECORDS)} made-up records, "
        f"{' and '.join(map(str, CLASSES))} classes, {', '.join(map(str, WORLDS))} worlds per side, "
        f"{SIZES['deletions']} deletions per world. A claim is a verdict of `leak-by-update`, `leak`, `leak-original` "
        "or `reversed`, or `unchanged` with a leak of the original. An audit may claim wrongly in 5 % of cases, 3 % "
        "for the leading attack and 2 % for all others together; what the update adds is only read once a leak is "
        "claimed ([verdicts](verdicts.md)). A rate is marked as above 5 % if its lower Clopper–Pearson end is, with "
        "Holm's correction over groups.",
        "",
        "| audits | number | claims | lower end | hints |",
        "|---|---|---|---|---|",
    ]
    for row in nulls:
        share, hints = row["claims"] / row["audits"], row["hints"] / row["audits"]
        low = lower_end(row["claims"], row["audits"], 0.05)
        mark = " **above 5 %**" if row["above 5 %"] else ""
        lines.append(f"| {row['group']} | {row['audits']:,} | {share:.1%}{mark} | {low:.1%} | {hints:.1%} |")
    lines += [
        "",
        "## Intervals of a known AUC",
        "",
        f"How often the 95 % interval covers the true AUC, over {tables[0]['draws'] if tables else 0:,} tables per "
        "cell: 20 positives and 100 negatives per world, normal scores. A quarter of the tables each: no effects; "
        "records that carry 40 % of the variance into every world that queries them; worlds with 10 % and records with "
        "30 %; 20 % and 20 %. Half are drawn from pools of 700 positives and 180 negatives, so that records recur, "
        f"half from 20,000 and 10,000. Mean over cells: {mean:.1%}. A cell is marked if it lies significantly below 93 "
        "%.",
        "",
        "| AUC | " + " | ".join(f"{w} worlds" for w in WORLDS_OF_TABLES) + " |",
        "|---" * (1 + len(WORLDS_OF_TABLES)) + "|",
    ]
    for truth in TRUTHS:
        own = [c for c in tables if c["truth"] == truth]
        shown = [f"{c['held'] / c['draws']:.1%}" + (" **low**" if c["below 93 %"] else "") for c in own]
        lines.append(f"| {truth:g} | " + " | ".join(shown) + " |")
    lines += [
        "",
        "With few worlds, coverage exceeds 95 %: an interval is never narrower than if all answers were independent.",
        "",
        "## Planted leaks",
        "",
        "Whole audits of a model whose margins fall by a known step when a record is deleted, so that the AUC of "
        "`margin-difference` is known; 3, 5 and 10 worlds per side.",
        "",
        "| AUC | audits | interval holds it | verdicts |",
        "|---|---|---|---|",
    ]
    for row in planted:
        kinds = ", ".join(f"{kind} {n}" for kind, n in row["kinds"].items())
        lines.append(f"| {row['truth']:g} | {row['audits']} | {row['held'] / row['audits']:.1%} | {kinds} |")
    held, n = sum(r["held"] for r in planted), sum(r["audits"] for r in planted)
    lines += ["", f"Together {held} of {n} intervals ({held / n:.1%}) contain the true AUC." if n else "", ""]
    return "\n".join(lines)


def summarise(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the figures of all parts."""
    parts = {
        part: [r for name, r in results.items() if name.startswith(part)] for part in ("null", "intervals", "planted")
    }
    return {
        "null": null_groups(parts["null"]),
        "intervals": cells(parts["intervals"]) if parts["intervals"] else [],
        "planted": planted_rows(parts["planted"]),
    }


def main() -> None:
    """Run what is left, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=1_000, help="null audits")
    parser.add_argument("--draws", type=int, default=1_000, help="tables of scores a cell")
    parser.add_argument("--planted", type=int, default=200, help="audits of planted leaks")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--done", type=Path, default=RESULTS, help="file of the pieces done so far")
    parser.add_argument("--anew", action="store_true", help="measure everything again")
    parser.add_argument("--no-page", action="store_true", help="print the page and write nothing")
    given = parser.parse_args()
    if given.anew:
        given.done.unlink(missing_ok=True)
    try:
        results = work(list(pieces(given.audits, given.draws, given.planted)), given.done, given.jobs)
    except AuditError as error:
        raise SystemExit(str(error)) from error
    summary = summarise(results)
    if given.no_page:
        print(page(summary))
        return
    PAGE.write_text(page(summary))


if __name__ == "__main__":
    main()
