import pytest

from unlearn_audit.engine.store.explain import explain
from unlearn_audit.engine.store.store import Stored

COMMON = {
    "stage": "observations/2",
    "libraries": {"numpy": "2.4.6", "scikit-learn": "1.9.1"},
    "data": "aa",
    "model": "mlp 12",
    "unlearning": "Retrain(fixed)",
    "sizes": {"train_size": 500, "retained": None},
    "scenario": {"name": "single", "size": 1},
    "seed": 0,
    "side": "target",
}
ABOUT = {"dataset": "adult", "model": "mlp"}


def worlds(n, **changes):
    return [{**COMMON, **changes, "world": i} for i in range(n)]


def stored(documents, **about):
    return [Stored(f"{i}", document, {**ABOUT, **about}, 10, 0.0) for i, document in enumerate(documents)]


def told(there, kept, n=3):
    found = [i in there for i in range(n)]
    return explain(worlds(n), found, kept, ABOUT)


def test_all_reused():
    assert told({0, 1, 2}, stored(worlds(3))) == ["3 of 3 worlds are reused"]


def test_worlds_that_were_never_made():
    assert told({0}, stored(worlds(1)))[1:] == ["worlds 1, 2 were never made"]
    assert told({0, 1}, stored(worlds(2)))[1:] == ["world 2 was never made"]
    assert told({0}, stored(worlds(1)), n=14)[1:] == ["worlds 1 to 13 were never made"]


def test_worlds_that_are_damaged():
    assert told({0, 2}, stored(worlds(3)))[1:] == ["world 1 can no longer be read completely and is made again"]


def test_a_mark_that_names_no_world_is_passed_over():
    assert told({0}, stored([*worlds(1), {**COMMON, "world": [1]}]))[1:] == ["worlds 1, 2 were never made"]


def test_an_empty_store_or_one_of_other_things():
    said = ["worlds 0 to 2 were never computed, and the store has nothing similar to them"]
    assert told(set(), [])[1:] == said
    assert told(set(), stored(worlds(3, side="shadow")))[1:] == said
    assert told(set(), stored(worlds(3, stage="attacks/1")))[1:] == said
    assert told(set(), stored([{}]))[1:] == said


@pytest.mark.parametrize(
    ("changes", "about", "said"),
    [
        ({"sizes": {"train_size": 2000, "retained": None}}, {}, "train_size 2,000 → 500"),
        ({"sizes": {"train_size": 500, "retained": 3}}, {}, "retained 3 → none"),
        ({"libraries": {**COMMON["libraries"], "scikit-learn": "1.9.0"}}, {}, "scikit-learn 1.9.0 → 1.9.1"),
        ({"data": "bb"}, {}, "the data changed"),
        ({"data": "bb"}, {"dataset": "digits"}, "dataset digits → adult"),
        ({"model": "mlp 13"}, {}, "settings, code or libraries of mlp changed"),
        ({"model": "random-forest 7"}, {"model": "random-forest"}, "model random-forest → mlp"),
        ({"model": "random-forest 7"}, {"model": ""}, "model random-forest → mlp"),
        ({"unlearning": "Sisa"}, {}, "the unlearning method or its settings changed"),
        ({"trainer": "logistic/2"}, {}, "trainer logistic/2 → none"),
        ({"seed": 1234}, {}, "seed 1234 → 0"),
        ({"stage": "observations/1"}, {}, "stage observations/1 → observations/2"),
        ({"seed": 1, "data": "bb"}, {}, "the data changed; seed 1 → 0"),
    ],
)
def test_the_difference_to_the_nearest_is_named(changes, about, said):
    lines = told(set(), stored(worlds(3, **changes), **about))
    assert lines[1:] == [f"worlds 0 to 2 were never computed; the nearest in the store: {said}"]


def test_why_nothing_is_taken_is_said():
    lines = explain(worlds(3), [True, False, False], stored(worlds(3)), ABOUT, "reuse is set to never")
    assert lines == ["1 of 3 worlds are reused", "worlds 1, 2 are computed anew: reuse is set to never"]


def test_the_same_data_is_nearer_than_the_same_sizes():
    kept = stored(worlds(3, data="bb")) + stored(worlds(3, seed=4, unlearning="Sisa"))
    assert told(set(), kept)[1].endswith("in the store: seed 4 → 0; the unlearning method or its settings changed")
