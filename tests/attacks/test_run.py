import dataclasses
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from unlearn_audit.attacks import GAMES, LearnedAttack
from unlearn_audit.attacks.cross_validation import cross_validation_splits
from unlearn_audit.attacks.run import Policy, run_attacks
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations

GAME = GAMES["deleted-vs-unseen"]
ATTACKS = [LearnedAttack("sorted-diff", "decision-tree"), LearnedAttack("classical", "logistic-regression")]


def run(shadow, target, attacks=ATTACKS, jobs=1, seed=0):
    done = []
    found = run_attacks(attacks, GAME, shadow, [target], seed, jobs, lambda: done.append(1)).scores[0]
    assert len(done) == len(attacks)
    return found


def test_the_targets_roles_reach_no_score(table):
    shadow, target = table(seed=1), table(seed=2)
    honest = run(shadow, target)
    rows = target.rows.copy()
    flip = {"deleted": "unseen", "unseen": "deleted"}
    rows["role"] = rows["role"].map(lambda role: flip.get(role, role))
    lied = run(shadow, dataclasses.replace(target, rows=rows))
    for one, two in zip(honest, lied, strict=True):
        assert np.array_equal(one.scores, two.scores)
        assert one.shadow_auc == two.shadow_auc


def test_the_selection_sees_nothing_of_the_target(table):
    shadow = table(seed=1)
    one, two = run(shadow, table(seed=2)), run(shadow, table(seed=3, leak=9))
    assert [o.shadow_auc for o in one] == [o.shadow_auc for o in two]


@pytest.mark.usefixtures("two_threads")
def test_workers_and_the_list_of_attacks_change_nothing(table):
    shadow, target = table(seed=1), table(seed=2)
    plain = run(shadow, target)
    for other in (run(shadow, target, jobs=2), run(shadow, target, ATTACKS[::-1])[::-1]):
        for one, two in zip(plain, other, strict=True):
            assert np.array_equal(one.scores, two.scores)
            assert np.array_equal(one.calibrated, two.calibrated)


@dataclasses.dataclass(frozen=True)
class Mortal(LearnedAttack):
    """Kills its worker the first few times that it is fitted; its folder counts, and is named by who is no worker."""

    folder: str = ""
    deaths: int = 1

    def fit(self, shadow, seed):
        died = len(list(Path(self.folder).iterdir()))
        if os.getpid() != int(Path(self.folder).name) and died < self.deaths:
            (Path(self.folder) / str(died)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(shadow, seed)


@pytest.fixture
def mortal(tmp_path):
    def make(deaths):
        folder = tmp_path / str(os.getpid())
        folder.mkdir()
        return Mortal("sorted-diff", "decision-tree", folder=str(folder), deaths=deaths)

    return make


def test_an_attack_whose_worker_was_killed_is_fitted_again(table, mortal, capfd):
    shadow, target = table(seed=1), table(seed=2)
    attacks = [mortal(deaths=1), *ATTACKS[1:]]
    found = run(shadow, target, attacks, jobs=2)
    assert len(list(Path(attacks[0].folder).iterdir())) == 1
    for one, two in zip(run(shadow, target), found, strict=True):
        assert np.array_equal(one.scores, two.scores)
    assert capfd.readouterr() == ("", "")


def test_workers_that_die_of_an_attack_again_and_again_are_told_in_one_sentence(table, mortal):
    attacks = [mortal(deaths=99), *ATTACKS]
    with pytest.raises(AuditError, match=r"worker processes died 3 times in a row .*; \d attacks are not fitted yet"):
        run(table(seed=1), table(seed=2), attacks, jobs=2)


def test_the_order_of_shadow_worlds_is_kept_out_of_the_folds(table):
    shadow, target = table(seed=1, worlds=5), table(seed=2)
    order = np.argsort(-shadow.worlds, kind="stable")
    one, two = run(shadow, target), run(shadow.select(order), target)
    assert [o.shadow_auc for o in one] == pytest.approx([o.shadow_auc for o in two], abs=0.02)


def test_one_world_is_cross_validated_by_pair_and_one_pair_by_record(table):
    target = table(seed=2)
    by_pair = run(table(seed=1, worlds=1, pairs=20, leak=9), target)
    shadow = table(seed=1, worlds=4, pairs=5, leak=9)
    flat = shadow.rows.assign(world=0, request=0, record=np.arange(len(shadow)))
    by_record = run(dataclasses.replace(shadow, rows=flat), target)
    for found in (by_pair, by_record):
        assert 0.5 < found[0].shadow_auc <= 1


def test_too_few_rows_to_fit_are_refused(table):
    with pytest.raises(AuditError, match="9 rows of a role of deleted-vs-unseen"):
        run(table(worlds=3, pairs=3), table())


def test_a_game_without_its_roles_is_refused(table):
    target = table()
    with pytest.raises(AuditError, match="the target side has no row with role 'deleted'"):
        run(table(), target.select(target.roles != "deleted"))


def test_calibrated_scores_are_strictly_inside(table):
    for outcome in run(table(seed=1, leak=60), table(seed=2, leak=60)):
        assert ((outcome.calibrated > 0) & (outcome.calibrated < 1)).all()


def test_no_fold_is_fitted_on_a_record_that_it_scores(table):
    shadow = table(seed=1, worlds=8, pairs=8)
    positive, paper = shadow.roles == "deleted", shadow.paper
    rows = np.isin(shadow.roles, ("deleted", "unseen"))
    records = shadow.rows["record"].to_numpy() % 400
    game_rows = dataclasses.replace(shadow, rows=shadow.rows.assign(record=records)).select(rows)
    splits = cross_validation_splits(game_rows, positive[rows], paper[rows])
    seen = np.zeros(rows.sum(), dtype=int)
    for train, held in splits:
        ids = game_rows.rows["record"].to_numpy()
        assert not set(ids[train]) & set(ids[held])
        assert not set(game_rows.worlds[train]) & set(game_rows.worlds[held])
        assert not (train & ~paper[rows]).any()
        seen += held
    assert (seen == 1).all()


def test_records_that_recur_with_their_answer_do_not_fool_the_cross_validation(table):
    """Unseen records that stand in every world could be recognised: a full tree would look perfect."""
    rng = np.random.default_rng(0)
    pool = rng.dirichlet(np.ones(4), size=40)
    worlds, pairs = 8, 10
    answer = np.tile([True, False], worlds * pairs)
    record = np.where(answer, 1000 + np.arange(len(answer)), 20 + np.arange(len(answer)) // 2 % 20)
    original = np.where(answer[:, None], rng.dirichlet(np.ones(4), size=len(answer)), pool[record % 40])
    columns = {
        "role": np.where(answer, "deleted", "unseen"),
        "world": np.repeat(np.arange(worlds), 2 * pairs),
        "request": np.tile(np.repeat(np.arange(pairs), 2), worlds),
        "record": record,
    }
    shadow = Observations.create(columns, np.stack([original, original], axis=1), list("abcd"))
    attack = LearnedAttack("classical", "decision-tree")
    found = run_attacks([attack], GAME, shadow, [shadow], 0, 1, lambda: None).scores[0][0]
    assert abs(found.shadow_auc - 0.5) < 0.15


@dataclasses.dataclass(frozen=True)
class Broken(LearnedAttack):
    """An attack that cannot score."""

    def score(self, target):
        raise ZeroDivisionError("nothing to divide by")


def test_an_attack_that_fails_ends_the_run_unless_it_is_told_to_go_on(table):
    attacks = [LearnedAttack("sorted-diff", "decision-tree"), Broken("direct-diff", "decision-tree")]
    sides = table(seed=1, leak=8), [table(seed=2, leak=8)]
    game = GAMES["deleted-vs-unseen"]
    with pytest.raises(AuditError, match="the attack direct-diff/decision-tree failed: ZeroDivisionError: nothing to"):
        run_attacks(attacks, game, *sides, 0, 1, lambda: None)
    run = run_attacks(attacks, game, *sides, 0, 1, lambda: None, Policy(keep_going=True))
    ((kept,),) = run.scores
    ((alone,),) = run_attacks(attacks[:1], game, *sides, 0, 1, lambda: None).scores
    assert np.array_equal(kept.scores, alone.scores)
    (failure,) = run.failures
    assert (failure.attack.name, failure.game) == ("direct-diff", game.name)
    assert re.fullmatch(r"ZeroDivisionError: nothing to divide by, at test_run\.py:\d+", failure.reason)
