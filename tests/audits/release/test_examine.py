"""The promises of a release's examination, on exactly retrained models of which the truth is known."""

import numpy as np
import pytest
from scipy.stats import kstest

from unlearn_audit.audits.release import Pair, ReleaseSettings, Rows, examine, findings_of
from unlearn_audit.audits.release.scores import SCORES
from unlearn_audit.errors import AuditError


def of_each_class(population, n):
    """Draw people until n are of either class."""
    X, y, _ = population.draw(4 * n)
    at = np.concatenate([np.flatnonzero(y == label)[:n] for label in (0, 1)])
    return X[at], y[at], np.arange(2 * n)


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


def test_whoever_is_identified_was_deleted(simulate, ask, make_pair):
    """3 deleted and 7 never in training: wrong ones among the identified keep to 5 %, by either rule's meaning."""
    wrong, identified = {"holm": [], "fdr": []}, []
    for population, models, X, y in simulate(3, originals=50, each=20, deletions=3):
        X0, y0, _ = population.draw(7)
        people = ask(models, np.vstack([X0, X]), np.concatenate([y0, y]), np.arange(10))
        pair = make_pair(people, ask(models, *of_each_class(population, 399)))
        by_holm, by_fdr = (examine(pair, ReleaseSettings(control=control)).identified for control in wrong)
        wrong["holm"].append(by_holm[:7].any())
        wrong["fdr"].append(by_fdr[:7].sum() / max(1, by_fdr.sum()))
        identified.append(by_holm[7:].mean())
    for rates in wrong.values():
        assert np.mean(rates) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert np.mean(identified) > 0.05


def test_if_nobody_was_in_training_anybody_is_identified_in_at_most_5_percent_of_releases(simulate, ask, make_pair):
    anybody = []
    for population, models, _, _ in simulate(4, originals=50, each=20):
        people, references = (ask(models, *of) for of in (population.draw(10), of_each_class(population, 199)))
        anybody.append(examine(make_pair(people, references), ReleaseSettings()).identified.any())
    # a little less than 10 of 209 in theory, which it would be if all were of one class
    assert 0.025 < np.mean(anybody) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_a_deleted_person_with_many_records_is_found_better_by_all_of_them(simulate, ask, make_pair):
    """Eight records against the single records of references: only one can be counted; against sixteen, all are."""
    p = {1: [], 16: []}
    for population, models, X, y in simulate(5, originals=10, each=10, deletions=8):
        deleted = ask(models, X, y, np.zeros(8, dtype=np.int64))
        for rows, found in p.items():
            examined = examine(make_pair(deleted, ask(models, *population.draw(300, rows=rows))), ReleaseSettings())
            assert examined.persons.counted.tolist() == [min(rows, 8)]
            found += examined.persons.p_values.tolist()
    assert np.median(p[16]) < np.median(p[1]) - 0.1


def test_people_who_cannot_be_counted_whole_are_noted(simulate, ask, make_pair):
    population, models, X, y = next(simulate(6, 1, 1, deletions=5))
    deleted = ask(models, X, y, np.array([0, 0, 0, 1, 1]))
    examined = examine(make_pair(deleted, ask(models, *population.draw(300, rows=2))), ReleaseSettings())
    assert examined.persons.rows.tolist() == [3, 2]
    assert examined.persons.counted.tolist() == [2, 2]
    (note,) = findings_of([examined], ReleaseSettings(), {}).notes
    assert note.startswith("1 deleted person has more records than 39 reference persons have, or of classes")
    assert "at most 2 of a person's records" in note


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
    examined = examine(
        make_pair(ask(models, X, y, np.arange(5)), ask(models, *population.draw(250))), ReleaseSettings()
    )
    table = examined.table()
    assert sorted(table["person"]) == list("01234")
    assert table["p_value"].is_monotonic_increasing
    assert (table["identified"] == (table["p_value_holm"] <= 0.05)).all()


def test_findings_name_nobody_and_count_everybody(simulate, ask, make_pair):
    population, models, X, y = next(simulate(9, 1, 1, deletions=5))
    pair = make_pair(ask(models, X, y, np.arange(5)), ask(models, *population.draw(400)))
    settings = ReleaseSettings(base_rates=(0.2,))
    found = findings_of([examine(pair, settings)], settings, {})
    fewest = np.bincount(pair.references.labels)[np.unique(y)].min()
    assert (found.persons, found.records, found.reference_persons) == (5, 5, fewest)
    assert found.references_needed == 99
    assert (found.compared_by, found.labels_known) == (("class",), True)
    assert list(found.p_values) == sorted(found.p_values)
    assert [of.rate for of in found.flagging] == [0.05, 0.01]
    assert {p.base_rate for of in found.flagging for p in of.precision} == {0.2}
    assert "safe" not in found.to_json()


def changes(rng, label, n, *, scale):
    """Margins' falls of n people of a class, none of whom was in training, as rows: (n, versions, classes)."""
    before = rng.normal(size=n)
    after = before - (3 * scale + scale * rng.normal(size=n))
    p = 1 / (1 + np.exp(-np.stack([before, after], axis=1)))
    return np.stack([p, 1 - p] if label == 0 else [1 - p, p], axis=2).astype(np.float32)


def people(rng, counts, scales=(0.01, 1.0)):
    """People of two classes, of whom the second moves much more, whoever was deleted."""
    labels = np.repeat([0, 1], counts)
    moved = np.concatenate([changes(rng, c, n, scale=s) for c, n, s in zip((0, 1), counts, scales, strict=True)])
    return Rows(moved, labels, np.arange(len(labels)))


def named(deleted, references, **more):
    return Pair(deleted, references, ("a", "b"), np.arange(deleted.persons).astype(object), 1.0, **more)


def test_people_of_a_class_that_moves_more_are_compared_with_their_own_class():
    rng = np.random.default_rng(0)
    pair = named(people(rng, (0, 10)), people(rng, (2000, 250)))
    assert not examine(pair, ReleaseSettings()).identified.any()
    # compared with the other class they would all stand out
    assert examine(named(pair.deleted, people(rng, (2000, 0))), ReleaseSettings(), by_kind=False).identified.all()
    found = findings_of([examine(pair, ReleaseSettings())], ReleaseSettings(), {})
    assert found.reference_persons == 250
    assert "those of people of the same class who were never in training" in found.summary
    assert "compared with references whose records are of the same class, at least 250" in found.limits[0]


@pytest.mark.parametrize("there", [0, 12, 150])
def test_a_class_that_the_references_lack_is_refused_by_counts_of_classes(there):
    rng = np.random.default_rng(1)
    with pytest.raises(AuditError) as refused:
        examine(named(people(rng, (0, 10)), people(rng, (2000, there))), ReleaseSettings())
    said = str(refused.value)
    assert (
        f"too few reference persons of the same class, and others may change differently: 'b' has {there} (10" in said
    )
    assert "199 of each are enough: add such references, or leave these people out of --deleted" in said
    assert said.endswith("which needs 19") == (there >= 19)


def test_references_without_labels_do_not_stand_for_people_with_labels():
    rng = np.random.default_rng(2)
    references = people(rng, (500, 0))
    bare = Rows(references.posteriors, np.full(500, -1), references.person)
    with pytest.raises(AuditError, match=r"'a' has 0 \(3 deleted\)"):
        examine(named(people(rng, (3, 0)), bare), ReleaseSettings())


def test_few_references_of_a_rare_class_do_for_one_person_of_many():
    """One of ten is of a class with 100 references: 10 · 1/200 would be needed of it if all had the same share."""
    rng = np.random.default_rng(3)
    of_ten = people(rng, (9, 1))
    far = np.array([[[0.9, 0.1], [0.1, 0.9]]], dtype=np.float32)
    of_ten.posteriors[:9], of_ten.posteriors[9:] = far, far[:, :, ::-1]
    examined = examine(named(of_ten, people(rng, (1900, 100), (0.01, 0.01))), ReleaseSettings())
    assert examined.persons.references.tolist() == [1900] * 9 + [100]
    assert examined.identified.all()
    assert 199 < examined.needed < 1900


def test_p_values_are_valid_within_each_class_whatever_the_classes_of_the_deleted():
    rng, p, anybody = np.random.default_rng(4), {0: [], 1: []}, []
    for _ in range(1000):
        counts = rng.multinomial(5, [0.1, 0.9])
        deleted = people(rng, counts)
        examined = examine(named(deleted, people(rng, (150, 110))), ReleaseSettings())
        for label, values in p.items():
            values += examined.persons.p_values[deleted.labels == label][:1].tolist()
        anybody.append(examined.identified.any())
    for values in p.values():
        assert len(values) > 300
        assert kstest(values, "uniform").pvalue > 0.01
    assert 0.015 < np.mean(anybody) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_p_values_are_valid_for_people_whose_records_are_of_several_classes():
    rng, p = np.random.default_rng(5), []
    for _ in range(500):
        sizes = rng.integers(1, 9, 300)
        rows = people(rng, rng.multinomial(int(sizes.sum()), [0.5, 0.5]))
        whose = rng.permutation(np.repeat(np.arange(300), sizes))
        references = Rows(rows.posteriors, rows.labels, whose)
        # four of the class that moves more, one of the other: no such mixture is common among references
        one = people(rng, (1, 4))
        examined = examine(named(Rows(one.posteriors, one.labels, np.zeros(5, int)), references), ReleaseSettings())
        assert 1 <= examined.persons.counted[0] <= 5
        assert examined.persons.references[0] >= 19
        p.append(examined.persons.p_values[0])
    assert kstest(p, "uniform").pvalue > 0.01


def test_records_of_a_class_that_references_lack_are_left_out_where_a_person_has_others():
    rng = np.random.default_rng(6)
    one = people(rng, (2, 3))
    references = people(rng, (400, 0))
    deleted = Rows(one.posteriors, one.labels, np.zeros(5, int))
    paired = Rows(references.posteriors, references.labels, np.repeat(np.arange(200), 2))
    examined = examine(named(deleted, paired), ReleaseSettings())
    assert examined.persons.counted.tolist() == [2]
    (note,) = findings_of([examined], ReleaseSettings(), {}).notes
    assert "or of classes that they do not have" in note


def test_where_labels_are_not_known_it_is_said_that_classes_could_not_be_checked():
    rng = np.random.default_rng(7)
    bare = [Rows(of.posteriors, np.full(len(of), -1), of.person) for of in (people(rng, (0, 2)), people(rng, (90, 90)))]
    found = findings_of([examine(named(*bare), ReleaseSettings())], ReleaseSettings(), {})
    assert (found.compared_by, found.labels_known) == ((), False)
    assert "it could not be checked whether the references are of the same classes" in found.summary
    assert "could not be checked" in found.limits[0]


def test_with_few_references_under_fdr_it_is_said_how_many_must_stand_out_together():
    rng = np.random.default_rng(8)
    settings = ReleaseSettings(control="fdr")
    found = findings_of([examine(named(people(rng, (10, 0)), people(rng, (24, 0))), settings)], settings, {})
    # each p-value is at least 1/25, and 0.05 · 8/10 is that much
    assert any("unless at least 8 of the 10 have small p-values together; with 199, one" in of for of in found.limits)
    found = findings_of([examine(named(people(rng, (10, 0)), people(rng, (199, 0))), settings)], settings, {})
    assert not any("have small p-values together" in of for of in found.limits)


def test_an_observer_of_several_classes_has_the_widest_interval_of_them():
    rng = np.random.default_rng(9)
    pair = named(people(rng, (3, 3)), people(rng, (4000, 200)))
    mixed = findings_of([examine(pair, ReleaseSettings())], ReleaseSettings(), {})
    rare = findings_of([examine(named(people(rng, (0, 6)), pair.references), ReleaseSettings())], ReleaseSettings(), {})
    for one, other in zip(mixed.flagging, rare.flagging, strict=True):
        assert one.wrong_share_ci[1] == other.wrong_share_ci[1]
        assert one.wrong_share_ci[0] <= one.wrong_share <= one.wrong_share_ci[1]
