import dataclasses

import numpy as np
import pytest

from unlearn_audit.attacks import LearnedAttack
from unlearn_audit.attacks.run import Policy
from unlearn_audit.config import build_config
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.assess import assess, share_moved
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_tables
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.metrics import auc

SMALL = {
    "attacks": [],
    "features": ["sorted-diff", "euclidean-distance"],
    "attack_models": ["logistic-regression", "decision-tree"],
}


def run(shadow, target, keep_going=False, **settings):
    tables, config = {"none": SideTables(shadow, target)}, build_config({**SMALL, **settings})
    return assess(tables, AttackPlan.of(config, available_in_tables(config, tables)), policy=Policy(keep_going))


@pytest.fixture(scope="module")
def found(table):
    return run(table(seed=1, leak=8, side="shadow"), table(seed=2, leak=8))


def test_every_attack_is_measured_on_the_papers_rows_and_on_all(found):
    keys = [(r.attack, r.attack_model, r.rows) for r in found.results]
    assert len(keys) == len(set(keys)) == (2 + 2) * 2 * 2
    paper = next(r for r in found.results if r.rows == "paper")
    everything = next(r for r in found.results if r.rows == "all")
    assert (paper.n_positive, paper.n_negative) == (24, 24)
    assert (everything.n_positive, everything.n_negative) == (24, 72)
    assert everything.n_worlds == 4
    assert everything.interval_unit == "world"


def test_figures_are_those_of_the_scores(found):
    for result in found.results:
        rows = found.scores if result.rows == "all" else found.scores[found.scores["paper"]]
        expected = auc(
            rows[f"{result.attack}/{result.attack_model}"].to_numpy(), (rows["role"] == "deleted").to_numpy()
        )
        assert result.auc == pytest.approx(expected)


def test_the_baseline_is_the_classical_attack_of_the_same_model_that_did_better_on_shadow(found):
    shadow = {(r.attack, r.attack_model): r.shadow_auc for r in found.results}
    for result in found.results:
        if result.view == "original":
            assert result.baseline is None
            assert result.deg_count is None
        else:
            better = max(("classical", "classical-sorted"), key=lambda name: shadow[name, result.attack_model])
            assert result.baseline == better
            strongest = max((key for key in shadow if key[0] in ("classical", "classical-sorted")), key=shadow.get)
            assert result.strongest_classical == "/".join(strongest)
            assert result.auc_minus_classical is not None
            assert result.bits is not None


def test_the_difference_of_auc_is_to_the_strongest_classical_attack(found):
    aucs = {(f"{r.attack}/{r.attack_model}", r.rows): r.auc for r in found.results}
    for result in found.results:
        if result.view == "pair":
            strongest = aucs[result.strongest_classical, result.rows]
            assert result.auc_minus_classical == pytest.approx(result.auc - strongest)


def test_bounds_on_epsilon_and_intervals_of_all_attacks_at_once(found):
    for result in found.results:
        assert 0 <= result.epsilon <= result.epsilon_ceiling
        low, high = result.auc_simultaneous_ci
        assert low <= result.auc_ci[0] + 0.01
        assert high >= result.auc_ci[1] - 0.01
    widths = [np.ptp(r.auc_simultaneous_ci) / np.ptp(r.auc_ci) for r in found.results if 0.2 < r.auc < 0.8]
    assert np.median(widths) > 1.1


def test_the_selected_attack_is_the_best_pair_attack_on_shadow(found):
    pair = [r for r in found.results if r.view == "pair"]
    assert found.selected.shadow_auc == max(r.shadow_auc for r in pair)
    assert found.selected.view == "pair"


def test_without_a_papers_mark_there_is_one_set_of_rows(table):
    shadow, target = (
        dataclasses.replace(t, rows=t.rows.assign(paper=True)) for t in (table(seed=1, side="shadow"), table(seed=2))
    )
    assert {r.rows for r in run(shadow, target).results} == {"all"}


def test_other_games_are_played_on_their_own_rows(table):
    found = run(
        table(seed=1, leak=8, side="shadow"), table(seed=2, leak=8), games=["deleted-vs-retained", "retained-vs-unseen"]
    )
    assert {r.game for r in found.results} == {"deleted-vs-retained", "retained-vs-unseen"}
    assert found.selected.game == "deleted-vs-retained"
    for game, of_game in found.scores.groupby("game"):
        assert set(of_game["role"]) == set(game.split("-vs-"))


def test_one_target_world_gives_intervals_by_record(table):
    found = run(table(seed=1, leak=8, side="shadow"), table(seed=2, worlds=1, pairs=20, leak=8))
    assert {r.interval_unit for r in found.results} == {"record"}


def test_an_attack_is_not_scored_on_what_it_was_fitted_on(table):
    with pytest.raises(AuditError, match="hold the same posteriors"):
        run(table(seed=1), table(seed=1))
    with pytest.raises(AuditError, match="the shadow file says that it is the target side"):
        run(table(seed=1, side="target"), table(seed=2, side="shadow"))


def test_who_keeps_going_is_told_what_failed(table, monkeypatch):
    shadow, target = table(seed=1, leak=8, side="shadow"), table(seed=2, leak=8)
    scored = LearnedAttack.score

    def fails(attack, view):
        if attack.name == "euclidean-distance":
            raise ValueError("no distance today")
        return scored(attack, view)

    monkeypatch.setattr(LearnedAttack, "score", fails)
    with pytest.raises(
        AuditError, match=r"failed: ValueError: no distance today, at .*; --keep-going continues without it"
    ):
        run(shadow, target)
    found = run(shadow, target, keep_going=True)
    assert {(f.attack, f.attack_model) for f in found.failed} == {
        ("euclidean-distance", model) for model in SMALL["attack_models"]
    }
    assert all(f.reason.startswith("ValueError: no distance today, at test_assess.py:") for f in found.failed)
    assert "euclidean-distance" not in {r.attack for r in found.results}
    with pytest.raises(AuditError, match="no attack on more than one version is left"):
        run(shadow, target, keep_going=True, features=["euclidean-distance"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: dataclasses.replace(t, classes=("class 1", "class 0", "class 2")), "different orders"),
        (lambda t: dataclasses.replace(t, classes=("a", "b", "c")), "different classes"),
        (lambda t: dataclasses.replace(t, classes=("a", "b"), posteriors=t.posteriors[:, :, :2]), "target 2"),
        (lambda t: dataclasses.replace(t, partial=True), "only the target file is marked partial"),
        (lambda t: dataclasses.replace(t, posteriors=np.repeat(t.posteriors, 2, axis=1)), "2 versions of the model"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit_together_are_refused(table, change, said):
    with pytest.raises(AuditError, match=said):
        run(table(seed=1, side="shadow"), change(table(seed=2)))


def test_the_share_that_moved_counts_every_version_reference_and_probe(table):
    of = table(seed=1)
    still = dataclasses.replace(of, posteriors=np.repeat(of.posteriors[:, :1], of.n_versions, axis=1))
    assert share_moved(still) == 0
    one = still.posteriors.copy()
    one[3, -1] = one[3, -1, ::-1] + np.float32(0.125)
    assert share_moved(dataclasses.replace(still, posteriors=one)) == 1 / len(of)
    # a chain that ends where it began did move
    chain = np.concatenate([still.posteriors[:, :1], one[:, -1:], still.posteriors[:, :1]], axis=1)
    assert share_moved(dataclasses.replace(still, posteriors=chain)) == 1 / len(of)
    agreement = np.ones((len(of), of.n_versions))
    agreement[5, 1] = 0.5
    assert share_moved(dataclasses.replace(still, signals={"agreement": agreement})) == 1 / len(of)


def test_shadow_aucs_have_intervals_over_shadow_worlds(found):
    for result in found.results:
        assert result.shadow_auc_ci[0] < result.shadow_auc_ci[1]
        assert result.shadow_auc_ci[0] - 0.05 < result.shadow_auc < result.shadow_auc_ci[1] + 0.05
        assert result.shadow_auc_freedom >= 3
        assert result.silent_without_change == (result.attack in ("sorted-diff", "euclidean-distance"))


def test_intervals_by_which_attacks_claim_are_nested(found):
    for result in found.results:
        hint, ordinary, claim, family = (
            result.auc_hint_ci, result.auc_ci, result.auc_claim_ci, result.auc_simultaneous_ci
        )  # fmt: skip
        assert family[0] <= claim[0] <= ordinary[0] <= hint[0] <= hint[1] <= ordinary[1] <= claim[1] <= family[1]
