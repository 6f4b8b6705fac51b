import pytest

from unlearn_audit.attacks.base import score_column
from unlearn_audit.errors import AuditError
from unlearn_audit.report.settings import publishable, without_folder
from unlearn_audit.report.wording import attack_words, role_words, roles


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ada/census.csv", "census.csv"),
        (r"C:\Users\ada\census.csv", "census.csv"),
        ("../ada/census.csv", "census.csv"),
        ("file:///home/ada/census.csv", "census.csv"),
        ("https://ada:secret@example.org/census.csv?token=1", "example.org/census.csv"),
        ("models.py:build", "models.py:build"),
        ("package.module:factory", "package.module:factory"),
        ("1/2", "1/2"),
    ],
)
def test_only_the_last_part_of_a_path_is_shown(text, shown):
    assert without_folder(text) == shown


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"record_ids": [1, 2, 3]}, [("record_ids", "3 values")]),
        ({"requests": [[17], [23]]}, [("requests", "2 values")]),
        ({"sizes": {"17": 1, "23": 2}}, [("sizes", "2 values")]),
        ({"layers": [64, 32]}, [("layers", "64, 32")]),
        ({"layers": list(range(9))}, [("layers", "9 values")]),
        ({"layers": []}, [("layers", "none")]),
        ({"empty": {}}, [("empty", "0 values")]),
        ({"a": {"b": {"c": True}}, "d": None}, [("a.b.c", "yes")]),
        ({"records": 48790, "seed": 48790}, [("records", "48,790"), ("seed", "48790")]),
        ({"rate": 0.1 + 0.2}, [("rate", "0.3")]),
    ],
)
def test_settings_in_publishable_form(settings, shown):
    assert publishable(settings) == shown


@pytest.mark.parametrize("game", ["deleted", "-vs-unseen", "deleted-vs-", ""])
def test_a_game_without_two_sides_is_an_error(game):
    with pytest.raises(AuditError, match="does not have two sides"):
        roles(game)


def test_an_attack_without_a_model_and_an_unknown_role_have_words():
    assert attack_words("score-difference", None) == score_column("score-difference", None) == "score-difference"
    assert role_words("poisoned") == "poisoned records"


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [
        ("file", "people/ada/census.csv", "census.csv"),
        ("file", r"people\ada\census.csv", "census.csv"),
        ("file", "https://ada:secret@example.org/ada/census.csv?token=1", "census.csv"),
        ("model", "dir/model.py:make", "model.py:make"),
        ("model", "/home/ada/model.py:make", "model.py:make"),
        ("model", "m:make", "m:make"),
        ("model", "random-forest", "random-forest"),
        ("folder", "runs/ada/", "ada"),
        ("store", "ada/store", "store"),
        ("out", "ada/out", "out"),
    ],
)
def test_of_a_setting_that_is_a_path_the_last_part_is_left(key, text, shown):
    assert publishable({"target": {key: text}}) == [(f"target.{key}", shown)]
    assert publishable({key: [text]}) == [(key, shown)]


def test_other_settings_may_hold_slashes():
    assert publishable({"share": "1/2"}) == [("share", "1/2")]


@pytest.mark.parametrize("texts", [{}, {"target": {"UserWarning: ada earns 3": 2}}, {"target": {"3": 2}}])
def test_what_training_warned_of_is_not_published(texts):
    assert publishable({"jobs": 2, "training_warnings": texts}) == [("jobs", "2")]
