import pytest
from sklearn.ensemble import RandomForestClassifier

from unlearn_audit.config import UnlearningConfig
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime, RowOrder
from unlearn_audit.unlearning import Retrain, Sisa, unlearner_for

FOREST = resolve_model(RandomForestClassifier(n_estimators=5))


def made(n_training, n_deleted=1, asked=Regime.FIXED, source=FOREST, **config):
    return unlearner_for(UnlearningConfig(**config), source, asked, n_training, n_deleted)


@pytest.mark.parametrize(
    ("n_training", "n_deleted", "config", "better"),
    [
        (None, 1, {}, None),
        (512, 1, {}, None),
        (513, 1, {}, 512),
        (514, 1, {}, None),
        (514, 2, {}, 515),
        (520, 20, {}, 512),
        (530, 20, {}, 533),
        (2000, 1, {"method": "sisa"}, None),
        (2565, 1, {"method": "sisa", "shards": 5}, 2560),
        # one shard has 513 records, the others 512; then the others 514
        (2561, 1, {"method": "sisa", "shards": 5}, 2560),
        (2569, 1, {"method": "sisa", "shards": 5}, 2570),
        # all deleted records may have been in one shard
        (2580, 5, {"method": "sisa", "shards": 5}, 2590),
        (2000, 150, {"method": "sisa"}, 4070),
        (513, 1, {"method": "sisa", "shards": 1}, 512),
    ],
)
def test_a_forest_runs_fixed_where_its_bootstraps_stay(n_training, n_deleted, config, better):
    unlearner, note = made(n_training, n_deleted, **config)
    retrain = unlearner.inner if isinstance(unlearner, Sisa) else unlearner
    if better is None:
        assert retrain == Retrain(Regime.FIXED, RowOrder.REPLACE)
        assert note is None
        return
    assert retrain == Retrain(Regime.SAME_SEED, RowOrder.MINUS)
    assert note.endswith(f"so it ran as same-seed, and a train size of {better:,} would keep fixed")
    assert made(better, n_deleted, **config)[1] is None


def test_the_note_names_the_numbers_of_rows():
    _, note = made(2561, method="sisa", shards=5)
    assert "RandomForestClassifier anew where a fit goes from 513 records to 512" in note


def test_sizes_matter_only_where_a_bootstrap_draws_indices():
    assert made(513, source=resolve_model("decision-tree"))[0] == Retrain(Regime.FIXED, RowOrder.MINUS)
    assert made(513, asked=Regime.FRESH) == (Retrain(Regime.FRESH, RowOrder.MINUS), None)
    unlearner, note = made(513, source=resolve_model("mlp"))
    assert unlearner.regime is Regime.SAME_SEED
    assert "train size" not in note
