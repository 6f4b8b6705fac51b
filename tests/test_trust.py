"""A small share of `make trust`: damage, erasure and requests (kills and inputs have tests of their own)."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def trust(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: importlib.import_module(f"trust.{name}")


@pytest.mark.parametrize(
    ("module", "part", "trials"),
    [
        ("damage", "damaged_store", 15),
        ("damage", "damaged_run", 15),
        ("erasure", "erasure", 2),
        ("viewing", "viewing", 300),
        ("agents", "agents", 6),
    ],
)
def test_nothing_fails(trust, tmp_path, module, part, trials):
    tally = getattr(trust(module), part)(trials, 1000, tmp_path)
    assert tally.failed == []
    assert tally.tried == trials


def test_damage_that_verify_overlooks_is_a_failure(trust, tmp_path, monkeypatch):
    damage = trust("damage")
    monkeypatch.setattr(damage, "verified", lambda folder: (None, []))
    failed = damage.damaged_run(5, 1000, tmp_path).failed
    assert len(failed) >= 3
    assert all("verify says []" in fault for fault in failed)


@pytest.mark.parametrize("answer", [b"HTTP/1.0 200 OK\r\n\r\n", b"x nobody outside may read this", b"Traceback (most"])
def test_an_answer_that_should_not_be_is_a_failure(trust, answer):
    assert trust("viewing").fault_of(answer, known=False)
