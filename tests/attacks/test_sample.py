import numpy as np
import pytest

from unlearn_audit.api import audit_observations
from unlearn_audit.attacks.sample import FIT_ROWS, sample_by_world
from unlearn_audit.config import AuditConfig
from unlearn_audit.observations import Observations


def table(n=600, worlds=6, seed=0, share=0.5):
    rng = np.random.default_rng(seed)
    posteriors = rng.dirichlet(np.ones(3), size=(n, 2))
    columns = {
        "world": np.arange(n) % worlds,
        "record": rng.permutation(10_000)[:n],
        "role": np.where(rng.random(n) < share, "deleted", "unseen").astype(object),
        "label": posteriors[:, 0].argmax(axis=1),
    }
    return Observations.create(columns, posteriors, ["a", "b", "c"])


def drawn(of, most, seed=0):
    positive = of.roles == "deleted"
    return sample_by_world(np.ones(len(of), dtype=bool), positive, of, most, seed), positive


@pytest.mark.parametrize(("share", "of_positives"), [(0.5, 60), (0.8, 60), (0.05, None)])
def test_a_sample_has_both_roles_and_every_world_alike(share, of_positives):
    of = table(share=share)
    rows, positive = drawn(of, 120)
    assert rows.sum() == 120
    assert (rows & positive).sum() == (positive.sum() if of_positives is None else of_positives)
    for role in (positive, ~positive):
        counts = np.bincount(of.worlds[rows & role], minlength=6)
        assert counts.max() - counts.min() <= 1 or of_positives is None


def test_a_sample_depends_on_the_seed_and_not_on_the_order_of_rows():
    of, order = table(), np.random.default_rng(1).permutation(600)
    rows, _ = drawn(of, 100)
    again, _ = drawn(of.select(order), 100)
    assert sorted(of.records[rows]) == sorted(of.records[order][again])
    assert not np.array_equal(rows, drawn(of, 100, seed=1)[0])
    assert drawn(of, None)[0].all()
    assert drawn(of, 600)[0].all()


def audited(shadow, **settings):
    config = AuditConfig(attack_models=("logistic-regression",), features=("direct-diff",), **settings)
    return audit_observations(shadow, table(seed=9), config=config).findings


def test_attack_models_of_files_are_fitted_on_a_sample_and_that_is_said():
    shadow = table(n=FIT_ROWS + 400, seed=3)
    said = f"attack models were fitted on 2,000 of {FIT_ROWS + 400:,} shadow rows"
    bounded, whole = audited(shadow), audited(shadow, fit_rows=len(shadow))
    assert [note.text.startswith(said) for note in bounded.notes].count(True) == 1
    assert not any("attack models were fitted on" in note.text for note in whole.notes)

    def figures(found):
        return {(r.attack, r.attack_model): r.auc for r in found.results}

    learned = [key for key in figures(whole) if figures(whole)[key] != figures(bounded)[key]]
    assert {("direct-diff", "logistic-regression"), ("population-unlearned", None)} <= set(learned)
    assert "score-difference" not in {name for name, _ in learned}


def test_a_bound_above_the_rows_changes_nothing():
    shadow = table(n=300, seed=3)
    assert audited(shadow).results == audited(shadow, fit_rows=10_000).results
