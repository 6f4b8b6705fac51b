"""The arm of exact retraining beside another unlearning method."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit import AuditConfig, Execution, audit_observations, run
from unlearn_audit.attacks import GAMES, LearnedAttack
from unlearn_audit.attacks.base import score_column
from unlearn_audit.attacks.run import Policy, run_attacks
from unlearn_audit.audits.membership.arms import has_retraining_arm
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.assess import assess
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_tables
from unlearn_audit.findings.notes import as_note
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.findings.three_arms import compare_arms, play_arm
from unlearn_audit.metrics import Clusters, auc_difference
from unlearn_audit.report.html import render
from unlearn_audit.report.three_arms import arms_words
from unlearn_audit.reproduce import EXPERIMENTS, SCALES

SMALL = {
    "attacks": ["margin-difference"],
    "target": {"data": "breast-cancer", "model": "decision-tree"},
    "unlearning": {"method": "sisa", "shards": 3},
    "worlds": {"shadow": 4, "target": 5, "deletions": 10, "unseen": 20, "references": 5},
    "features": ["sorted-diff"],
    "attack_models": ["logistic-regression"],
}


def configured(**changes):
    return AuditConfig.model_validate({**SMALL, **changes})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Execution(store=tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def compared(store):
    return run(configured(), store)


@pytest.fixture(scope="module")
def retrained(store, compared):
    """The audit of retraining alone, made after the one that has it as an arm."""
    return run(configured(unlearning="retrain"), store)


def test_an_audit_of_retraining_alone_finds_all_its_worlds_made(compared, retrained):
    assert retrained.findings.execution["worlds_reused"] == 4 + 5
    for side in ("shadow", "target"):
        arm, alone = compared.observations[f"{side}-retraining"], retrained.observations[side]
        assert np.array_equal(arm.posteriors, alone.posteriors)
        assert arm.rows.equals(alone.rows)
        assert arm.rows.equals(compared.observations[side].rows)
    assert (compared.observations["target"].posteriors != arm.posteriors).any()


def test_each_arm_gets_the_figures_of_an_audit_of_its_own(compared, retrained):
    found = compared.findings.retraining
    assert (found.method, found.game) == ("sisa", "deleted-vs-unseen")
    assert (found.attack, found.attack_model) == (
        compared.findings.selected.attack,
        compared.findings.selected.attack_model,
    )
    alone = next(
        r
        for r in retrained.findings.results
        if (r.attack, r.attack_model, r.rows) == (found.attack, found.attack_model, "all")
    )
    for arm, result in ((found.unlearned, compared.findings.leading()), (found.retrained, alone)):
        assert (arm.auc, arm.auc_ci) == (result.auc, result.auc_ci)
        assert arm.tpr == result.tpr_at_fpr["0.01"] is not None
        assert arm.tpr_ci == result.tpr_at_fpr_ci["0.01"]
        assert arm.realised_fpr == result.realised_fpr["0.01"]
        assert arm.regime == "fixed"


def test_the_difference_is_paired_by_row(compared, retrained):
    found = compared.findings.retraining
    column = score_column(found.attack, found.attack_model)
    one, other = (of.scores for of in (compared, retrained))
    shared = Clusters(one["world"].to_numpy(), one["record"].to_numpy())
    expected = auc_difference(
        one[column].to_numpy(), other[column].to_numpy(), (one["role"] == "deleted").to_numpy(), shared
    )
    assert (found.difference, found.difference_ci) == (expected.value, expected.interval)
    assert found.difference == pytest.approx(found.unlearned.auc - found.retrained.auc)
    assert found.difference != 0


def test_one_shard_differs_in_nothing(store):
    found = run(configured(unlearning={"method": "sisa", "shards": 1}), store).findings.retraining
    assert found.unlearned == found.retrained
    assert (found.difference, found.difference_ci, found.excess) == (0, (0, 0), 0)


@pytest.mark.parametrize(("arm", "gate"), [(True, "fail"), (False, "cannot-tell")])
def test_a_method_that_forgets_nothing_does_not_pass(store, arm, gate):
    found = run(configured(unlearning="none", retraining_arm=arm), store).findings
    assert (found.moved, found.verdict.kind, found.verdict.gate) == (0, "unchanged", gate)


def test_workers_change_nothing(compared, tmp_path):
    parallel = run(configured(), Execution(jobs=2, store=tmp_path))
    assert parallel.findings.model_dump(exclude={"execution"}) == compared.findings.model_dump(exclude={"execution"})


def test_it_can_be_left_out_and_changes_nothing_else(store, compared):
    without = run(configured(retraining_arm=False), store)
    assert without.findings.retraining is None
    assert set(without.observations) == {"shadow", "target"}
    assert without.findings.results == compared.findings.results
    assert without.scores.equals(compared.scores)


def test_retraining_is_not_compared_with_itself(retrained):
    assert retrained.findings.retraining is None
    assert set(retrained.observations) == {"shadow", "target"}


def test_page_and_folder_hold_it(compared, tmp_path):
    page = render(compared.findings, compared.scores)
    assert arms_words(compared.findings.arms)[0].replace("'", "&#39;") in page
    # the verdict leaves the comparison to the three arms, which read all attacks
    assert "retrain" not in compared.findings.verdict.summary
    compared.save(tmp_path / "run")
    assert (tmp_path / "run" / "observations" / "target-retraining.parquet").is_file()


def test_an_audit_that_stops_early_grows_both_arms(store):
    found = run(configured(until={"auc": 0.001, "at_most": 21}), store)
    assert {name: table.rows["world"].nunique() for name, table in found.observations.items()} == {
        "shadow": 4, "target": 21, "shadow-retraining": 4, "target-retraining": 21,
        "shadow-no-unlearning": 4, "target-no-unlearning": 21,
    }  # fmt: skip
    assert found.findings.retraining.unlearned.auc == found.findings.leading().auc


def test_the_same_records_in_all_worlds_widen_the_interval(store):
    sizes = {"layout": "per-record", "shadow": 6, "target": 6, "deletions": 7, "unseen": 3, "train_size": 100}
    result = run(configured(worlds=sizes, attacks=[]), store)
    found, scores = result.findings.retraining, result.scores
    table = result.observations["target-retraining"]
    game, best = GAMES[found.game], LearnedAttack("sorted-diff", "logistic-regression")
    assert (found.attack, found.attack_model) == (best.name, best.attack_model)
    shadow = result.observations["shadow-retraining"]
    ((other,),) = run_attacks([best], game, shadow, [table], 0, 1, lambda: None).scores
    own, deleted = (
        scores[score_column(best.name, best.attack_model)].to_numpy(),
        (scores["role"] == "deleted").to_numpy(),
    )
    crossed = auc_difference(
        own, other.scores, deleted, Clusters(scores["world"].to_numpy(), scores["record"].to_numpy())
    )
    assert found.difference_ci == crossed.interval
    alone = auc_difference(own, other.scores, deleted, scores["world"].to_numpy())
    assert np.ptp(crossed.interval) >= np.ptp(alone.interval)


def assessed(unlearned, retrained):
    tables = {"none": SideTables(**unlearned), "retraining": SideTables(**retrained)}
    config = configured(attacks=[])
    return assess(tables, AttackPlan.of(config, available_in_tables(config, tables))).retraining


def test_forgetting_too_much_is_a_leak_too(table):
    """Who is reliably wrong knows as much as who is right: the AUC is lower and the leak larger."""
    shadow = table(seed=1, leak=8, worlds=20, side="shadow")
    reversed_ = table(seed=2, leak=-16, worlds=20)
    found = assessed(
        {"shadow": shadow, "target": reversed_},
        {"shadow": table(seed=3, leak=0, worlds=20, side="shadow"), "target": table(seed=2, leak=0, worlds=20)},
    )
    assert found.unlearned.auc < 0.2
    assert abs(found.retrained.auc - 0.5) < 0.2
    assert found.difference_ci[1] < 0 < found.excess_ci[0]
    turned = 1 - found.unlearned.auc
    assert found.excess == pytest.approx(turned - max(found.retrained.auc, 1 - found.retrained.auc))


def test_a_leak_that_is_the_same_turned_round_is_as_large(table):
    sides = {"shadow": table(seed=1, leak=8, worlds=8, side="shadow"), "target": table(seed=2, leak=8, worlds=8)}
    flipped = dataclasses.replace(sides["shadow"], posteriors=sides["shadow"].posteriors[:, ::-1])
    found = assessed({"shadow": flipped, "target": sides["target"]}, sides)
    assert found.unlearned.auc < 0.5 < found.retrained.auc
    assert found.difference < -0.5
    assert found.excess == pytest.approx(0, abs=0.1)


def test_arms_that_were_asked_otherwise_are_not_compared(table):
    sides = {"shadow": table(seed=1, leak=8, side="shadow"), "target": table(seed=2, leak=8)}
    with pytest.raises(AssertionError, match="did not query the same"):
        assessed(sides, {**sides, "target": table(seed=3, leak=8)})


@dataclasses.dataclass(frozen=True)
class Broken(LearnedAttack):
    """An attack that cannot score."""

    def score(self, target):
        raise ZeroDivisionError("nothing to divide by")


def test_an_attack_that_fails_on_retrained_worlds_ends_the_run_unless_it_is_told_to_go_on(table):
    sides = SideTables(table(seed=1, leak=8, side="shadow"), table(seed=2, leak=8))
    game, attack = GAMES["deleted-vs-unseen"], LearnedAttack("sorted-diff", "logistic-regression")
    played, _ = play_arm(game, [attack], sides, "unlearned", 0, 1, lambda: None)
    broken = [Broken("sorted-diff", "logistic-regression")]
    with pytest.raises(AuditError, match="failed: ZeroDivisionError: nothing to divide by"):
        play_arm(game, broken, sides, "retrained", 0, 1, lambda: None)
    retrained, failures = play_arm(game, broken, sides, "retrained", 0, 1, lambda: None, Policy(keep_going=True))
    assert compare_arms("sisa", (played, sides), (retrained, sides)) is None
    (reason,) = (f.reason for f in failures)
    assert reason.startswith("on retrained worlds: ZeroDivisionError: nothing to divide by, at test_retraining_arm.py:")


def test_files_have_no_such_arm(table):
    found = audit_observations(table(seed=1, side="shadow"), table(), config=configured(attacks=[]))
    assert found.findings.retraining is None


def test_regimes_that_differ_are_told():
    """One record fewer redraws every bootstrap of the whole forest, and of no shard."""
    subject = AuditTask.load(
        configured(
            target={"data": "digits", "model": "random-forest-100"},
            unlearning={"method": "sisa", "shards": 5},
            worlds={**SMALL["worlds"], "train_size": 257},
        )
    )
    plan = plan_audit(subject)
    arms, notes = plan.arms, plan.notes
    assert [str(arm.tasks["target"].unlearner.regime) for arm in arms] == ["fixed", "same-seed", "same-seed"]
    told = [note for note in notes if "exact retraining ran in the regime same-seed and sisa in fixed" in note]
    assert len(told) == 2
    assert "a train size of 256 would keep fixed" in told[0]
    assert {as_note(note).level for note in told} == {"warning"}
    fresh = subject.config.model_copy(update={"regime": "fresh"})
    notes = plan_audit(dataclasses.replace(subject, config=fresh)).notes
    assert not any("exact retraining" in note for note in notes)


@pytest.mark.parametrize("scale", SCALES)
def test_the_experiment_that_retrains_by_itself_has_no_such_arm(scale):
    for experiment in EXPERIMENTS.values():
        assert not any(has_retraining_arm(cell.config) for cell in experiment.grid(SCALES[scale]))
