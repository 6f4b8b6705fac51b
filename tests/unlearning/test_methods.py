import re

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from unlearn_audit.config import UnlearningConfig
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime, RowOrder
from unlearn_audit.unlearning import METHODS, Retrain, Sisa, Unlearner, options_of, parse_method, unlearner_for
from unlearn_audit.unlearning.options import Options
from unlearn_audit.worlds.design import Request

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
    assert note.endswith(f"so it ran as same-seed; a train size of {better:,} would keep fixed")
    assert made(better, n_deleted, **config)[1] is None


def test_the_note_names_the_numbers_of_rows():
    _, note = made(2561, method="sisa", shards=5)
    assert "RandomForestClassifier anew if a fit goes from 513 records to 512" in note


def test_sizes_matter_only_where_a_bootstrap_draws_indices():
    assert made(513, source=resolve_model("decision-tree"))[0] == Retrain(Regime.FIXED, RowOrder.MINUS)
    assert made(513, asked=Regime.FRESH) == (Retrain(Regime.FRESH, RowOrder.MINUS), None)
    unlearner, note = made(513, source=resolve_model("mlp"))
    assert unlearner.regime is Regime.SAME_SEED
    assert "train size" not in note


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"method": "magic"}, "unknown unlearning method 'magic'; use one of retrain, sisa"),
        ({"method": "retrain", "shards": 4}, "unlearning method retrain has no option 'shards'; it has none"),
        ({"method": "sisa", "shard": 4}, "no option 'shard'; its options are shards, slices, aggregation"),
        ({"method": "sisa", "shards": 0}, "unlearning.shards: Input should be greater than or equal to 1"),
        ({"method": "sisa", "aggregation": "max"}, "unlearning.aggregation: Input should be 'mean' or 'vote'"),
    ],
)
def test_what_no_method_or_option_is_called_is_an_error(config, message):
    with pytest.raises(AuditError, match=message):
        options_of(UnlearningConfig(**config))


def test_a_configuration_written_out_in_full_names_the_same_method():
    for config in (UnlearningConfig(), UnlearningConfig(method="sisa", shards=3), UnlearningConfig(method="sisa")):
        assert options_of(UnlearningConfig(**config.model_dump())) == options_of(config)
    assert options_of(UnlearningConfig(method="sisa")).unlearner(SAME) == Sisa(SAME)


SAME = Retrain(Regime.SAME_SEED, RowOrder.MINUS)


class Forgetful(Unlearner):
    """Learns as retraining does and unlearns by keeping a share of the model it had: all of it."""

    def __init__(self, retrain, share):
        self.retrain, self.share, self.regime = retrain, share, retrain.regime

    def learn(self, source, data, training, seed):
        return self.retrain.learn(source, data, training, seed)

    def unlearn(self, original, request, seed):
        return original


class ForgetfulOptions(Options):
    share: float = 1.0
    shards: int = 4

    def unlearner(self, retrain):
        return Forgetful(retrain, self.share)


def test_a_new_method_needs_its_options_and_a_name(monkeypatch):
    monkeypatch.setitem(METHODS, "forgetful", ForgetfulOptions)
    unlearner, note = unlearner_for(UnlearningConfig(method="forgetful", share=0.5), FOREST, Regime.FIXED, 513)
    assert (unlearner.share, unlearner.regime) == (0.5, Regime.SAME_SEED)
    assert "a train size of 512" in note
    nothing = Request(np.arange(0), np.arange(0))
    assert list(unlearner.unlearn_many("model", [nothing] * 2, [0, 1])) == ["model"] * 2
    assert list(unlearner.unlearn_chains("model", [(nothing,) * 2], lambda j, t: 0)) == [["model"] * 3]
    assert unlearner.trainer(FOREST, None) is unlearner.why_plain(FOREST, None) is None


@pytest.mark.parametrize(("given", "shards"), [({}, 4), ({"shards": 10}, 10), ({"shards": 3}, 3)])
def test_an_option_that_is_called_as_one_of_sisa_keeps_what_was_given(monkeypatch, given, shards):
    monkeypatch.setitem(METHODS, "forgetful", ForgetfulOptions)
    config = UnlearningConfig(method="forgetful", **given)
    again = UnlearningConfig(**config.model_dump())
    assert options_of(config).shards == options_of(again).shards == shards


def test_a_method_that_has_no_such_options_takes_a_configuration_written_out_in_full(monkeypatch):
    class Plain(Options):
        share: float = 1.0

    monkeypatch.setitem(METHODS, "plain", Plain)
    assert options_of(UnlearningConfig(method="plain", shards=10, slices=1, aggregation="mean")) == Plain()
    with pytest.raises(AuditError, match="no option 'shards'"):
        options_of(UnlearningConfig(method="plain", shards=9))


def test_exact_retraining_is_known_by_its_options():
    assert [name for name, options in METHODS.items() if options().is_retraining] == ["retrain"]
    assert not ForgetfulOptions().is_retraining


@pytest.mark.parametrize(
    ("text", "method", "options"),
    [
        ("retrain", "retrain", {}),
        ("sisa:shards=5", "sisa", {"shards": 5}),
        ("sisa: shards = 5 , aggregation=vote", "sisa", {"shards": 5, "aggregation": "vote"}),
        ("scrub:gamma=0.9,alpha=1e-3,rewind=false", "scrub", {"gamma": 0.9, "alpha": 0.001, "rewind": False}),
        ("fine-tune:learning_rate=none,optimizer=sgd", "fine-tune", {"learning_rate": None, "optimizer": "sgd"}),
    ],
)  # fmt: skip
def test_options_follow_the_name_of_a_method(text, method, options):
    config = parse_method(text)
    assert (config.method, config.options) == (method, options)
    assert config == UnlearningConfig.model_validate({"method": text})
    assert options_of(config) == options_of(UnlearningConfig.model_validate({"method": method, **options}))
    # what is recorded is read again as the same
    assert UnlearningConfig.model_validate(config.model_dump()) == config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scrub:gamma", "cannot be imported"),
        ("scrub:gamma=", "'gamma=' is not an option of a method; write NAME:option=value,option=value"),
        ("scrub:=1", "'=1' is not an option of a method"),
        ("scrub:gamma=1,", "'' is not an option of a method"),
        ("scrub:gamma=1,gamma=2", "option gamma is given twice"),
        ("scrub:method=sisa", "option method is given twice"),
        ("scrub:gama=1", "scrub has no option 'gama'; its options are gamma"),
        ("scrub:gamma=much", "unlearning.gamma: Input should be a valid number"),
        ("scrubb:gamma=1", "scrubb"),
        ("retrain:epochs=3", "retrain has no option 'epochs'; it has none"),
    ],
)
def test_a_text_that_names_no_method_or_option_says_what_is_wrong(text, said):
    with pytest.raises(AuditError, match=re.escape(said)):
        parse_method(text)


def test_a_file_of_a_method_may_have_options_after_it(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from unlearn_audit.unlearning.options import RetrainOptions\n\n\n"
        "class Mine(RetrainOptions):\n    most: int = 0\n"
    )
    config = parse_method(f"{path}:Mine:most=3")
    assert config.method == f"{path}:Mine"
    assert options_of(config).most == 3
