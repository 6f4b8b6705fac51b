"""Which attacks an audit leaves out, and the reason that it states."""

from unlearn_audit.attacks import CATALOGUE, GAMES
from unlearn_audit.attacks.choose import Available, attacks_of
from unlearn_audit.attacks.learned.features import FEATURES
from unlearn_audit.attacks.left_out import ANY, left_out
from unlearn_audit.config import build_config

GAME = "deleted-vs-unseen"


def reasons(available=None, **settings):
    """Reasons by attack and model; every registered attack ran or has one."""
    config = build_config(settings)
    there = available or Available(labels=True, references=100)
    ran = attacks_of(config, GAMES[GAME], there).runs
    found = {(name, model): why for name, model, why in left_out(config, GAME, there, ran)}
    assert {name for name, _ in found} - {ANY} == {*CATALOGUE, *FEATURES} - {attack.name for attack in ran}
    return found


def test_what_a_default_audit_lacks():
    found = reasons()
    lacking = {name for (name, _), why in found.items() if why.startswith("it needs ")}
    assert lacking == {
        name
        for name, attack in CATALOGUE.items()
        if attack.by_default
        and attack.needs & {"influence", "records", "probes", "sequence"}
        and attack.for_game(GAME) is not None
    }
    assert found["change-field-shuffled", None] == "runs only if requested by name"
    assert found["sorted-diff-sequence", None] == "the view of every version was not requested"
    assert "at least 6 shadow worlds" in found["lira", None]


def test_what_was_not_asked_for_is_said_to_be():
    found = reasons(attacks=["l-diff"], features=["sorted-diff"], attack_models=["mlp"])
    assert found["lira", None] == "not requested (attacks)"
    assert found["direct-diff", None] == "not requested (features)"
    assert found[ANY, "decision-tree"] == "not requested (attack_models)"


def test_what_is_missing_is_the_reason():
    found = reasons(Available(labels=False, references=3))
    assert "the label of every record" in found["margin-difference", None]
    assert "the smallest number here is 3" in reasons(Available(labels=True, references=3))["l-diff", None]
