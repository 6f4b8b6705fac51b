import dataclasses

import numpy as np
import pytest

from unlearn_audit.observations.views import Asked, View, attacker_view


def test_a_view_has_no_ground_truth(table):
    made = table()
    seen = attacker_view(made, "pair", np.ones(len(made), dtype=bool))
    names = {f.name for f in dataclasses.fields(View)}
    assert names == {"posteriors", "labels", "pair", "signals", "references", "positions", "records"}
    assert seen.positions is None
    assert seen.records is None
    assert not any(hasattr(seen, word) for word in ("role", "roles", "world", "worlds", "request", "record", "rows"))


def test_changing_roles_changes_nothing_that_an_attack_sees(table):
    made = table()
    rows = made.roles != "reference"
    swapped = made.rows.copy()
    swapped["role"] = swapped["role"].replace({"deleted": "unseen", "unseen": "deleted"})
    swapped["deleted_at"] = np.where(swapped["role"] == "deleted", 1, -1)
    other = dataclasses.replace(made, rows=swapped)
    one, two = attacker_view(made, "pair", rows), attacker_view(other, "pair", rows)
    for field in ("posteriors", "labels", "pair"):
        assert np.array_equal(getattr(one, field), getattr(two, field))


@pytest.mark.parametrize(("view", "versions"), [("pair", [0, 1]), ("original", [0]), ("unlearned", [1])])
def test_a_view_holds_its_versions_alone(table, view, versions):
    made = table()
    rows = made.roles == "deleted"
    seen = attacker_view(made, view, rows)
    assert np.array_equal(seen.posteriors, made.posteriors[rows][:, versions])


def test_references_stand_apart_and_are_never_scored(table):
    made = table()
    seen = attacker_view(made, "pair", np.ones(len(made), dtype=bool))
    assert len(seen) == (made.roles != "reference").sum()
    assert len(seen.references) == (made.roles == "reference").sum()
    assert set(seen.pair) == set(seen.references.pair)


@pytest.mark.parametrize(("view", "versions"), [("original", [0]), ("pair", [0, 1]), ("labels", [0, 1])])
def test_the_references_of_every_view_are_those_of_the_table(table, view, versions):
    made = table()
    of = np.flatnonzero(made.roles == "reference")
    beside = attacker_view(made, view, made.roles == "unseen").references
    answers = made.posteriors[of][:, versions]
    expected = np.eye(answers.shape[-1])[answers.argmax(axis=-1)] if view == "labels" else answers
    assert np.array_equal(beside.posteriors, expected)
    assert np.array_equal(beside.labels, made.rows["label"].to_numpy()[of])
    # numbered over all rows, so that a row finds the references of its pair
    assert np.array_equal(beside.pair, made.pairs[of])


def test_views_share_the_memory_of_their_references(table):
    made = table()
    others, rows = made.references, made.roles == "unseen"
    seen = [Asked.of(made, of, rows, others=others) for of in ("pair", "original")]
    assert all(np.shares_memory(of.references.posteriors, others.posteriors) for of in seen)
    first, second = seen[0], seen[1].sharing(seen[0])
    assert second.rows is first.rows
    assert second.references.pair is first.references.pair
    for one, other in zip(seen[1].blocks(), second.blocks(), strict=True):
        assert np.array_equal(one.posteriors, other.posteriors)
        assert np.array_equal(one.pair, other.pair)
