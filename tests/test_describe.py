from types import SimpleNamespace

from unlearn_audit.describe import MOST_TEXTS, notes_on, warning_texts
from unlearn_audit.engine import WorldStats
from unlearn_audit.report.settings import publishable


def stats(**warnings):
    return {side: WorldStats((0.0,), texts, 0) for side, texts in warnings.items()}


def test_notes_tell_how_often_training_warned_and_not_of_what(table):
    found = stats(
        target={
            "UserWarning: record of Ada Lovelace, 36": 4,
            "UserWarning: no file /home/ada/people.csv": 2,
            "ConvergenceWarning: stopped after 200": 1,
            "no category at all of Ada: 36": 1,
        },
        shadow={},
    )
    records = {"target": SimpleNamespace(data=SimpleNamespace(name="people", notes=("2 rows were dropped",)))}
    seen = table()
    seen = seen.select(seen.roles != "unseen")
    tables = {"shadow": seen, "target": seen}
    notes = notes_on(records, tables, found)
    assert {note.level for note in notes} == {"note"}
    assert [note.text for note in notes] == [
        "people: 2 rows were dropped",
        "target side: training warned once (ConvergenceWarning)",
        "target side: training warned 6 times (UserWarning)",
        "target side: training warned once (Warning)",
    ]


def test_a_network_that_learned_nothing_is_told_with_what_to_try(table):
    texts = {f"TrainingWarning: network net learned nothing: 0.1{i}; try": 6 for i in range(2)}
    found = stats(
        shadow={"TrainingWarning: network net learned nothing: 0.10": 1}, target=texts | {"UserWarning: x": 1}
    )
    seen = table()
    seen = seen.select(seen.roles != "unseen")
    said = (
        "learned nothing: an accuracy on the training records no better than a constant guess; try more epochs or "
        "steps, another learning rate, or standardised features"
    )
    assert [(note.level, note.text) for note in notes_on({}, {"shadow": seen, "target": seen}, found)] == [
        ("warning", f"shadow side: 1 training {said}"),
        ("warning", f"target side: 12 trainings {said}"),
        ("note", "target side: training warned once (UserWarning)"),
    ]


def test_the_texts_are_kept_for_the_owner_the_most_frequent_first():
    texts = {f"UserWarning: record {i}": i for i in range(1, MOST_TEXTS + 6)}
    kept = warning_texts(stats(shadow={}, target=texts))
    assert list(kept) == ["target"]
    assert list(kept["target"].values()) == list(range(MOST_TEXTS + 5, 5, -1))
    assert publishable({"training_warnings": kept}) == []
