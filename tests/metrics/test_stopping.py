"""Stopping once an interval is narrow: the rule itself, and whether the interval at the end still covers."""

import importlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.metrics import WidthRule
from unlearn_audit.metrics.intervals import t_quantile

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def until_coverage(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("until_coverage")


def width(unit, worlds):
    return unit * t_quantile(worlds - 1) / worlds**0.5


@given(st.floats(0.001, 0.4), st.integers(20, 60), st.floats(0.0, 0.5), st.integers(10, 200))
def test_the_next_look_is_the_end_or_later_and_never_beyond_the_cap(asked, worlds, seen, at_most):
    rule = WidthRule(asked, at_most)
    following = rule.next(worlds, seen)
    if following == worlds:
        assert seen <= 0.9 * asked or worlds >= at_most
    else:
        assert worlds + 2 <= following <= at_most or following == at_most > worlds


@given(st.floats(0.01, 0.3), st.floats(0.02, 0.2))
def test_worlds_that_differ_as_seen_take_two_looks(unit, asked):
    rule = WidthRule(asked, 10_000)
    following = rule.next(10, width(unit, 10))
    assert rule.next(following, width(unit, following)) == following
    assert following <= 12 or width(unit, following - 1) > 0.9 * asked


def test_a_cap_just_above_is_kept():
    assert WidthRule(0.03, 11).next(10, 0.2) == 11


@pytest.mark.parametrize("case", [(0.0, 0.3, 0.3, 0.5, 0.05), (1.4, 0.6, 0.6, 0.5, 0.05)])
def test_coverage_where_the_audit_stopped_early(until_coverage, case):
    """1,000 audits; docs/methods.md has the figures of more cases."""
    found = until_coverage.simulate(until_coverage.Case(*case), audits=1000, margin=0.9, first=20)
    assert found["coverage"] >= 0.93
    assert found["half_width_over_fixed"] <= 1.3
    assert found["widest"] <= 0.05
    assert found["looks"] > 1.2
