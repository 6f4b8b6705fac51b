"""The promises of a release's examination, on exactly retrained models of which the truth is known."""

import numpy as np
import pytest
from scipy.stats import kstest

from unlearn_audit.errors import AuditError
from unlearn_audit.release import Pair, ReleaseSettings, Rows, examine, findings_of
from unlearn_audit.release.scores import SCORES


def test_p_values_of_people_never_in_training_are_uniform(simulate, ask, make_pair):
    p = {score: [] for score in ("margin-difference", "pair-scale-local", "largest-fall")}
    for population, models, _, _ in simulate(1, originals=50, each=20):
        pair = make_pair(*(ask(models, *population.draw(n)) for n in (1, 199)))
        for score, found in p.items():
            found += examine(pair, ReleaseSettings(score=score)).persons.p_values.tolist()
    for found in p.values():
        assert len(found) == 1000
        assert kstest(found, "uniform").pvalue > 0.01


def test_p_values_are_uniform_for_people_with_several_records_that_move_together(simulate, ask, make_pair):
    p = {combine: [] for combine in ("sum", "max")}
    for population, models, _, _ in simulate(2, originals=50, each=20):
        null = ask(models, *population.draw(1, rows=4, alike=0.8))
        references = ask(models, *population.draw(150, rows=population.rng.integers(1, 9, 150), alike=0.8))
        for combine, found in p.items():
            found += examine(make_pair(null, references), ReleaseSettings(combine=combine)).persons.p_values.tolist()
    for found in p.values():
        assert kstest(found, "uniform").pvalue > 0.01


def test_whoever_is_told_was_deleted(simulate, ask, make_pair):
    """3 deleted and 7 who were never in training: wrong ones among the told keep to 5 %, by either rule's meaning."""
    wrong, told = {"holm": [], "fdr": []}, []
    for population, models, X, y in simulate(3, originals=50, each=20, deletions=3):
        X0, y0, _ = population.draw(7)
        people = ask(models, np.vstack([X0, X]), np.concatenate([y0, y]), np.arange(10))
        pair = make_pair(people, ask(models, *population.draw(399)))
        by_holm, by_fdr = (examine(pair, ReleaseSettings(control=control)).told for control in wrong)
        wrong["holm"].append(by_holm[:7].any())
        wrong["fdr"].append(by_fdr[:7].sum() / max(1, by_fdr.sum()))
        told.append(by_holm[7:].mean())
    for rates in wrong.values():
        assert np.mean(rates) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert np.mean(told) > 0.05


def test_if_nobody_was_in_training_anybody_is_told_in_at_most_5_percent_of_releases(simulate, ask, make_pair):
    anybody = []
    for population, models, _, _ in simulate(4, originals=50, each=20):
        people, references = (ask(models, *population.draw(n)) for n in (10, 199))
        anybody.append(examine(make_pair(people, references), ReleaseSettings()).told.any())
    # 10 of 209 in theory, if the highest of all are equally likely to be anyone
    assert 0.025 < np.mean(anybody) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_a_deleted_person_with_many_records_is_found_better_by_all_of_them(simulate, ask, make_pair):
    """Eight records against the single records of references: only one can be counted; against eight, all are."""
    p = {1: [], 8: []}
    for population, models, X, y in simulate(5, originals=10, each=10, deletions=8):
        deleted = ask(models, X, y, np.zeros(8, dtype=np.int64))
        for rows, found in p.items():
            examined = examine(make_pair(deleted, ask(models, *population.draw(99, rows=rows))), ReleaseSettings())
            assert examined.persons.counted.tolist() == [rows]
            found += examined.persons.p_values.tolist()
    assert np.median(p[8]) < np.median(p[1]) - 0.1


def test_people_who_cannot_be_counted_whole_are_noted(simulate, ask, make_pair):
    population, models, X, y = next(simulate(6, 1, 1, deletions=5))
    deleted = ask(models, X, y, np.array([0, 0, 0, 1, 1]))
    examined = examine(make_pair(deleted, ask(models, *population.draw(60, rows=2))), ReleaseSettings())
    assert examined.persons.rows.tolist() == [3, 2]
    assert examined.persons.counted.tolist() == [2, 2]
    (note,) = findings_of([examined], ReleaseSettings(), {}).notes
    assert note.startswith("1 deleted person has more records than 39 reference persons have; at most 2")


def test_too_few_references_say_how_many_are_needed(simulate, ask, make_pair):
    population, models, X, y = next(simulate(7, 1, 1, deletions=5))
    pair = make_pair(ask(models, X, y, np.arange(5)), ask(models, *population.draw(98)))
    with pytest.raises(AuditError, match=r"at least 99 reference persons are needed, and there are 98 .*needs 19$"):
        examine(pair, ReleaseSettings())
    assert examine(pair, ReleaseSettings(control="fdr")).needed == 19
    with pytest.raises(AuditError, match=r"at 99 % at least 499 .* 98 to compare with; give more$"):
        examine(pair, ReleaseSettings(confidence=0.99, score="margin-difference"))
    with pytest.raises(AuditError, match=r"at least 99 .* there are 49 to compare with"):
        examine(pair, ReleaseSettings(score="l-diff"))


def test_references_that_do_not_move_divide_nothing_by_zero():
    still = np.tile([[0.7, 0.3]], (40, 2, 1)).astype(np.float32)
    moved = np.array([[[0.7, 0.3], [0.6, 0.4]], [[0.7, 0.3], [0.7, 0.3]]], dtype=np.float32)
    references = Rows(still, np.zeros(40, dtype=np.int64), np.arange(40))
    deleted = Rows(moved, np.zeros(2, dtype=np.int64), np.arange(2))
    pair = Pair(deleted, references, ("a", "b"), np.array(["x", "y"], dtype=object), 0.02)
    for score in SCORES:
        p = examine(pair, ReleaseSettings(score=score, control="fdr")).persons.p_values
        assert p[0] < 0.06
        assert p[1] == (1 if score != "l-diff" else p[1])


def test_of_equals_the_rank_is_the_middle_one_and_the_p_value_the_worst():
    posteriors = np.tile([[0.7, 0.3]], (41, 2, 1)).astype(np.float32)
    posteriors[0, 1] = [0.6, 0.4]
    references = Rows(posteriors[:40], np.zeros(40, dtype=np.int64), np.arange(40))
    same = Rows(posteriors[40:], np.zeros(1, dtype=np.int64), np.arange(1))
    pair = Pair(same, references, ("a", "b"), np.array(["x"], dtype=object), 0.02)
    persons = examine(pair, ReleaseSettings()).persons
    assert persons.p_values.tolist() == [1.0]
    assert persons.ranks.tolist() == [1 + 1 + 39 / 2]


def test_the_private_table_has_the_most_exposed_first(simulate, ask, make_pair):
    population, models, X, y = next(simulate(8, 1, 1, deletions=5))
    examined = examine(make_pair(ask(models, X, y, np.arange(5)), ask(models, *population.draw(99))), ReleaseSettings())
    table = examined.table()
    assert sorted(table["person"]) == list("01234")
    assert table["p_value"].is_monotonic_increasing
    assert (table["told"] == (table["p_value_holm"] <= 0.05)).all()


def test_findings_name_nobody_and_count_everybody(simulate, ask, make_pair):
    population, models, X, y = next(simulate(9, 1, 1, deletions=5))
    pair = make_pair(ask(models, X, y, np.arange(5)), ask(models, *population.draw(400)))
    settings = ReleaseSettings(base_rates=(0.2,))
    found = findings_of([examine(pair, settings)], settings, {})
    assert (found.persons, found.records, found.reference_persons, found.references_needed) == (5, 5, 400, 99)
    assert list(found.p_values) == sorted(found.p_values)
    assert [of.rate for of in found.accusing] == [0.05, 0.01]
    assert {p.base_rate for of in found.accusing for p in of.precision} == {0.2}
    assert "safe" not in found.to_json()
