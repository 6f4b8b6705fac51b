"""A small share of `make validity`: its pieces run, resume and are summed up; the full size is in docs/validity.md."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PAGE = BENCHMARKS.parent / "docs" / "validity.md"


@pytest.fixture(scope="module")
def validity():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("validity")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("truth", [0.55, 0.8, 0.99])
@pytest.mark.parametrize("worlds", [2, 5])
def test_intervals_hold_a_known_auc(validity, truth, worlds):
    found = validity.covered(truth, worlds, 10_000, 400)
    assert validity.upper_end(found["held"], found["draws"], 0.01) >= 0.93


def test_a_perfect_auc_is_held(validity):
    assert validity.covered(1.0, 3, 10_000, 40)["held"] == 40


@pytest.mark.parametrize("index", [0, 3, 6])
def test_models_that_know_nothing_are_audited(validity, index):
    found = validity.null_audit(index)
    assert found["kind"] not in validity.CLAIMS
    assert found["gate"] != "fail"
    assert (found["kind"] == "unchanged") == (found["model"] == "fixed function")


def test_a_planted_leak_has_the_auc_it_was_planted_with(validity):
    found = validity.planted_audit(9)
    assert (found["truth"], found["covered"], found["gate"]) == (0.95, True, "fail")
    assert found["kind"] in ("leak", "leak-by-update")


def test_a_stopped_run_goes_on_and_a_cut_line_is_done_again(validity, tmp_path):
    done = tmp_path / "done.jsonl"
    wanted = [of for of in validity.pieces(0, 40, 0) if of.name.startswith("intervals 0.8 2 ")]
    wanted += [of for of in validity.pieces(0, 40, 0) if of.name.startswith("intervals 0.8 3 ")]
    whole = validity.work(wanted, tmp_path / "whole.jsonl", 1)
    validity.work(wanted[:1], done, 1)
    with done.open("a") as file:
        file.write('["intervals 0.8 3')
    assert validity.work(wanted, done, 1) == whole
    assert validity.work(wanted, done, 1) == whole


def test_rates_are_compared_by_exact_tests_with_holms_correction(validity):
    assert validity.above([(30, 200), (10, 200), (0, 200)], 0.05) == [True, False, False]
    # significant alone, and not among four
    assert validity.above([(17, 200)], 0.05) == [True]
    assert validity.above([(17, 200), (10, 200), (10, 200), (10, 200)], 0.05) == [False] * 4


def test_the_page_is_made_of_what_was_measured(validity):
    results = dict(json.loads(line) for line in validity.RESULTS.read_text().splitlines())
    summary = validity.summarise(results)
    assert PAGE.read_text() == validity.page(summary)
    assert not any(row["above 5 %"] for row in summary["null"])
    assert not any(cell["below 93 %"] for cell in summary["intervals"])
    assert np.mean([cell["held"] / cell["draws"] for cell in summary["intervals"]]) <= 0.98
