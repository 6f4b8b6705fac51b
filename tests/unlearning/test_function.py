"""The user's own method as a function: what it gets, what it may return, and how it is named."""

import sys
import textwrap
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

from unlearn_audit import Execution, audit
from unlearn_audit.config import UnlearningConfig, build_config
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime
from unlearn_audit.testing import check_unlearner
from unlearn_audit.unlearning import Options, Retrain, Unlearner, code_of, options_of, unlearner_for
from unlearn_audit.unlearning.forgetting import WholeClassWarning
from unlearn_audit.worlds.design import Request

NOBODY = np.arange(0)


def made(n=60, classes=("no", "maybe", "yes"), width=4):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, width)).astype(np.float32)
    y = np.arange(n) % len(classes)
    X[:, 0] += 2 * y
    return Dataset("made", X, y, np.arange(len(classes)), classes, np.arange(n))


def linear(n_features, n_classes):
    return nn.Linear(n_features, n_classes)


def network(**settings):
    return make_pipeline(StandardScaler(), TorchClassifier(linear, epochs=2, batch_size=20, **settings))


def unlearned(function, model=None, deleted=(3, 5), data=None, regime=Regime.SAME_SEED):
    """Train, let a function unlearn, and return the original and the result."""
    data = made() if data is None else data
    source = resolve_model(GaussianNB() if model is None else model)
    method, _ = unlearner_for(UnlearningConfig.model_validate(function), source, regime)
    original = method.learn(source, data, np.arange(40), seed=1)
    return original, method.unlearn(original, Request(np.array(deleted), NOBODY), seed=2)


def answers(trained):
    return query(trained.model, trained.data.X, trained.data.class_values, trained.source.name)


def refit(model, forget, retain, *, rng):
    return model.fit(retain.X, retain.y)


def test_a_function_gets_a_copy_and_the_records_of_scikit_learn():
    seen = {}

    def forget(model, forget, retain, *, rng, recipe):
        seen.update(model=model, forget=forget, retain=retain, rng=rng, recipe=recipe, drawn=np.random.random())
        forget.X[:] = 0
        model.theta_[:] = 0  # in place
        return model

    before = answers(unlearned(refit)[0])
    original, after = unlearned(forget)
    assert seen["model"] is not original.model
    assert np.array_equal(answers(original), before)
    assert np.array_equal(original.data.X, made().X)
    assert not np.array_equal(answers(after), before)
    assert seen["forget"].y.tolist() == made().y[[3, 5]].tolist()
    assert np.array_equal(seen["retain"].X, made().X[[i for i in range(40) if i not in (3, 5)]])
    assert len(seen["forget"]) == 2
    assert isinstance(seen["rng"], np.random.Generator)
    assert seen["recipe"] is None


def test_refitting_in_a_function_is_retraining():
    original, after = unlearned(refit)
    source = original.source
    retrain, _ = Retrain.for_model(source, Regime.SAME_SEED)
    exact = retrain.unlearn(original, Request(np.array([3, 5]), NOBODY), 2)
    assert np.array_equal(answers(after), answers(exact))
    assert after.training.tolist() == exact.training.tolist()


def test_a_data_frame_stays_one():
    data = made()
    frame = replace(data, X=pd.DataFrame(data.X, columns=list("abcd")))

    def forget(model, forget, retain):
        assert list(retain.X.columns) == list("abcd")
        return model.fit(retain.X, retain.y)

    unlearned(forget, data=frame)


def test_a_function_gets_a_module_in_training_mode_and_what_it_takes():
    seen = {}

    def forget(model, forget, retain, *, rng, recipe=None):
        seen.update(training=model.training, X=retain.X, y=retain.y, recipe=recipe, noise=torch.rand(1).item())
        optimizer = recipe.make_optimizer(model)
        optimizer.zero_grad()
        getattr(nn.functional, recipe.loss)(model(retain.X), retain.y).backward()
        optimizer.step()
        return model

    original, after = unlearned(forget, network(learning_rate=0.25, optimizer="sgd"))
    once, noise = answers(after), seen["noise"]
    rows = [i for i in range(40) if i not in (3, 5)]
    scaler = original.model[0]
    assert seen["training"]
    assert seen["X"].dtype == torch.float32
    assert np.allclose(seen["X"].numpy(), scaler.transform(made().X[rows]))
    assert seen["y"].dtype == torch.int64
    assert seen["y"].tolist() == made().y[rows].tolist()
    recipe = seen["recipe"]
    assert (recipe.learning_rate, recipe.batch_size, recipe.epochs, recipe.steps) == (0.25, 20, 2, 4)
    assert recipe.make_optimizer(nn.Linear(1, 1)).defaults["momentum"] == 0.9
    assert not after.model[-1].module_.training
    assert not np.array_equal(once, answers(original))
    again, after = unlearned(forget, network(learning_rate=0.25, optimizer="sgd"))
    assert np.array_equal(answers(original), answers(again))
    assert np.array_equal(answers(after), once)
    assert seen["noise"] == noise  # the global generators are seeded too


def test_bytes_are_scaled_and_images_have_their_shape():
    rng = np.random.default_rng(0)
    data = replace(made(), X=rng.integers(0, 256, size=(60, 16), dtype=np.uint8))
    seen = []

    def make(image_shape, n_classes):
        return nn.Sequential(nn.Flatten(), nn.Linear(16, n_classes))

    def forget(model, forget, retain):
        seen.append(forget.X)
        return model

    unlearned(forget, TorchClassifier(make, epochs=1, batch_size=20), data=data)
    assert seen[0].shape == (2, 1, 4, 4)
    assert np.allclose(seen[0].numpy().reshape(2, 16), data.X[[3, 5]] / 255)


@pytest.mark.parametrize("regime", Regime)
def test_draws_come_from_the_original_unless_the_regime_is_fresh(regime):
    drawn = []

    def forget(model, forget, retain, *, rng):
        drawn.append((rng.random(), np.random.random()))
        return model

    source = resolve_model(LogisticRegression())
    method, _ = unlearner_for(UnlearningConfig.model_validate(forget), source, regime)
    original = method.learn(source, made(), np.arange(40), seed=1)
    for seed in (2, 3):
        method.unlearn(original, Request(np.array([3]), NOBODY), seed)
    assert (drawn[0] == drawn[1]) is (regime is not Regime.FRESH)
    assert method.regime is regime


def of(body, parameters="model, forget, retain, *, rng, recipe=None"):
    names = {"np": np, "nn": nn, "torch": torch, "GaussianNB": GaussianNB}
    exec(f"def forget({parameters}):\n" + textwrap.indent(body, "    "), names)
    return names["forget"]


BAD = {
    "returned nothing; return the unlearned model": "model.fit(retain.X, retain.y)",
    "returned a dict; return a fitted classifier": "return {}",
    "raised ZeroDivisionError: division by zero": "return 1 / 0",
    "raised SystemExit: 3": "raise SystemExit(3)",
    "cannot answer, as it raised NotFittedError": "return GaussianNB()",
    "answered with numbers that are not probabilities": "model.theta_[:] = np.nan\nreturn model",
    "knows the classes [": "return GaussianNB().fit(retain.X, retain.y + 7)",
    "cannot answer, as it raised ValueError: X has 4 features": "return GaussianNB().fit(retain.X[:, :3], retain.y)",
}


@pytest.mark.parametrize("said", BAD)
def test_what_cannot_stand_in_for_a_model_is_named(said):
    with pytest.raises(AuditError) as caught:
        unlearned(of(BAD[said]))
    assert said in str(caught.value)
    assert "unlearning method " in str(caught.value)
    assert ":forget" in str(caught.value)


BAD_NETWORKS = {
    "another architecture ('weight' has shape (3, 9), in the original (3, 4))": "return nn.Linear(9, 3)",
    "another architecture ('bias' is missing)": "return nn.Linear(4, 3, bias=False)",
    "another architecture ('weight' is missing)": "return nn.Sequential(model)",
    "another architecture ('0.weight' is not a weight of the original)": "model.add_module('0', nn.Linear(1, 1))\n"
    "return model",
    "broken weights ('bias' holds values that are not finite numbers)": "model.bias.data[1] = np.nan\nreturn model",
    "broken weights ('weight' holds": "model.weight.data[:] = np.inf\nreturn model",
    "returned a Tensor; return the nn.Module": "return model(retain.X)",
    "returned nothing; return the unlearned model": "model.bias.data[:] = 0",
}


@pytest.mark.parametrize("said", BAD_NETWORKS)
def test_what_cannot_stand_in_for_a_network_is_named(said):
    with pytest.raises(AuditError) as caught:
        unlearned(of(BAD_NETWORKS[said]), network())
    assert said in str(caught.value)
    assert "unlearning method " in str(caught.value)


def test_numbers_that_break_later_are_told_with_who_made_them():
    class Late:
        classes_ = np.arange(3)

        def predict_proba(self, X):
            far = (X[:, 0] > 8)[:, None]
            return np.where(far, np.nan, np.full((len(X), 3), 1 / 3))

    data = made()
    data.X[50, 0] = 9
    _, after = unlearned(lambda model, forget, retain: Late(), data=data)
    with pytest.raises(
        AuditError,
        match=r"GaussianNB, unlearned by .*<lambda>, answered with "
        "numbers that are not pro",
    ):
        answers(after)


@pytest.mark.parametrize("parameters", ["model", "model, data", "model, forget, retain, steps", "*, rng"])
def test_a_wrong_signature_is_refused_before_anything_is_trained(parameters):
    with pytest.raises(AuditError, match=r"cannot be called as \(model, forget, retain, \*, rng, recipe=None\): it ta"):
        code_of(UnlearningConfig.model_validate(of("return model", parameters)))


@pytest.mark.parametrize(
    "parameters", ["m, f, r", "model, forget, retain, rng", "model, forget, retain, **others", "*all"]
)
def test_rng_and_recipe_may_be_left_out(parameters):
    unlearned(of(f"return {parameters.partition(',')[0].strip('*')}{'[0]' * (parameters == '*all')}", parameters))


def test_a_request_for_everything_is_refused_and_one_for_a_class_is_told():
    with pytest.raises(AuditError, match="deletes all 40 training records"):
        unlearned(refit, deleted=range(40))
    _, after = unlearned(refit, deleted=[i for i in range(40) if i % 3 == 1])
    assert list(after.warnings) == [f"{WholeClassWarning.__name__}: a request forgets every training record of maybe"]
    assert answers(after)[:, 1].max() == 0  # a class that the refitted model never saw
    assert not unlearned(refit)[1].warnings


@pytest.mark.parametrize("model", ["logistic-regression", "decision-tree"])
def test_the_public_check_takes_functions(model):
    assert check_unlearner(refit, model) is refit


def by_kind():
    """A pipeline that picks columns of a DataFrame by what they hold."""
    texts = (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number"))
    return make_pipeline(make_column_transformer(texts, remainder="passthrough"), LogisticRegression())


def test_the_public_check_takes_records():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(size=200), "city": rng.choice(["a", "b"], 200), "y": np.arange(200) % 2})
    assert check_unlearner(refit, by_kind(), frame, "y") is refit
    assert check_unlearner(refit, by_kind(), frame.drop(columns="y"), frame["y"]) is refit
    with pytest.raises(AuditError, match=r"it was tried on made-up numbers .*check_unlearner\(method, model, X, y\)"):
        check_unlearner(refit, by_kind())
    with pytest.raises(AuditError, match="at least 160 records, and X has 100"):
        check_unlearner(refit, by_kind(), frame[:100], "y")
    with pytest.raises(AuditError, match=r"of 160 records drawn from X only \d\d differ"):
        check_unlearner(refit, by_kind(), frame.assign(age=np.arange(200) % 30), "y")
    with pytest.raises(AuditError, match="needs y too"):
        check_unlearner(refit, by_kind(), frame)


def scaled(model, forget, retain):
    binary = model[-1].estimators_[0]
    binary.coef_ *= 2
    return model


@pytest.mark.parametrize("classes", [("no", "yes"), ("no", "maybe", "yes")])
def test_a_model_that_is_solved_and_not_fitted_is_a_fitted_estimator_to_a_function(classes):
    seen = []

    def left(model, forget, retain):
        seen.append(model)
        return model

    data = made(classes=classes)
    data.X[:, 3] = 7
    original, after = unlearned(left, "logistic-regression", data=data)
    assert np.array_equal(answers(after), answers(original))
    own = seen[0]
    assert isinstance(own[-1], OneVsRestClassifier)
    assert np.allclose(own.predict_proba(data.X), original.model.predict_proba(data.X))
    exact = original.source.make(0).fit(data.X[:40], data.y[:40])
    assert np.allclose(own.predict_proba(data.X), exact.predict_proba(data.X), atol=1e-4)
    assert vars(exact[0]).keys() == vars(own[0]).keys()
    assert np.allclose(own[0].scale_, exact[0].scale_)
    assert np.allclose(own[0].var_, np.where(np.ptp(data.X[:40], axis=0) == 0, 1, exact[0].var_))
    assert vars(exact[-1]).keys() == vars(own[-1]).keys()
    assert vars(exact[-1].estimators_[0]).keys() == vars(own[-1].estimators_[0]).keys()
    _, after = unlearned(scaled, "logistic-regression", data=data)
    assert np.allclose(answers(after), scaled(own, None, None).predict_proba(data.X), atol=1e-6)


def drifting(model, forget, retain):
    """Changes with every call."""
    drifting.calls += 1
    model[-1].estimators_[0].coef_ += drifting.calls
    return model


drifting.calls = 0


def test_the_public_check_refuses_one_that_does_not_repeat():
    with pytest.raises(AuditError, match=r"drifting .*draw random numbers only from the seed"):
        check_unlearner(drifting)
    with pytest.raises(AuditError, match="int is neither a class of options nor a function"):
        check_unlearner(3)


def of_neighbours_alone(model, forget, retain):
    return model.set_params(n_neighbors=3).fit(retain.X, retain.y)


def test_the_public_check_says_which_model_it_tried_where_pytorch_is_not_installed(monkeypatch):
    def absent(name):
        raise AuditError(f"model {name} needs PyTorch")

    monkeypatch.setattr("unlearn_audit.models.zoo.require_torch", absent)
    with pytest.raises(AuditError, match=r"raised ValueError.*; it was tried on logistic-regression, give your own as"):
        check_unlearner(of_neighbours_alone)
    with pytest.raises(AuditError, match=r"raised ValueError(?!.*give your own)"):
        check_unlearner(of_neighbours_alone, "decision-tree")
    assert check_unlearner(refit) is refit


def test_what_a_function_promises_is_not_declared():
    assert options_of(UnlearningConfig.model_validate(refit)).exactness == "not declared"
    assert options_of(UnlearningConfig(command="forget {original} {forget} {retain} {unlearned}")).exactness == (
        "not declared"
    )


@pytest.mark.parametrize(
    ("body", "hint"),
    [("recipe.make_optimizer(model)", True), ("len(recipe)", True), ("None.fit", False), ("1 / 0", False)],
)
def test_a_recipe_that_is_none_is_named_where_a_function_fails_on_it(body, hint):
    parameters = "model, forget, retain, recipe" if hint else "model, forget, retain"
    names = {}
    exec(f"def forgetting({parameters}):\n    {body}\n    return model", names)
    with pytest.raises(AuditError) as caught:
        unlearned(names["forgetting"])
    assert ("; recipe is None for every model but a TorchClassifier" in str(caught.value)) == hint


SMALL = {
    "shadow_worlds": 3, "target_worlds": 3, "train_size": 60, "deletions": 4, "unseen": 3, "references": 12,
    "attacks": [], "features": ["sorted-diff"], "attack_models": ["logistic-regression"],
}  # fmt: skip


@pytest.fixture
def records():
    data = made(400)
    return data.X.astype(np.float64), data.y


def test_the_code_of_a_function_counts(records, tmp_path):
    def audited(function):
        execution = Execution(store=tmp_path)
        return audit(LogisticRegression(), *records, unlearning=function, execution=execution, **SMALL).findings

    strength = 0.5

    def shrunk(model, forget, retain, *, rng):
        model.coef_ *= strength * rng.random()
        return model

    one = audited(shrunk)
    assert one.config["unlearning"] == {"method": f"{__name__}:shrunk"}
    assert one.regime == "fixed"
    before = len(list(tmp_path.rglob("*.arrow")))
    strength = 0.25  # what a function reads counts as its code
    audited(shrunk)
    assert len(list(tmp_path.rglob("*.arrow"))) > before


def test_draws_that_cannot_be_seeded_are_seen(records, tmp_path):
    def shaken(model, forget, retain):
        model.coef_ = model.coef_ + np.random.default_rng().normal(size=model.coef_.shape)
        return model

    findings = audit(
        LogisticRegression(), *records, unlearning=shaken, execution=Execution(store=tmp_path), **SMALL
    ).findings
    assert findings.regime == "fresh"
    assert "gave different models; it draws from a source that cannot be seeded" in findings.regime_note
    told = [note for note in findings.warnings if "so a difference between them may come from the regime" in note]
    assert len(told) == 2
    assert all("use the regime fresh" in note for note in told)


def test_a_configuration_holds_the_name_of_a_function():
    config = build_config({"unlearning": refit})
    assert config.model_dump()["unlearning"] == {"method": f"{__name__}:refit"}
    assert config.unlearning.given is refit
    assert build_config({"unlearning": "sisa"}).unlearning.given is None
    # one that bears a name of ours is another method
    named = of("return model")
    named.__name__ = "sisa"
    method, _ = unlearner_for(UnlearningConfig.model_validate(named), resolve_model(GaussianNB()), Regime.FIXED)
    assert isinstance(method, Unlearner)
    assert type(method).__name__ == "OwnFunction"


def test_a_function_is_named_by_its_module_or_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_package").mkdir()
    text = 'def refit(model, forget, retain):\n    """Refits."""\n    return model.fit(retain.X, retain.y)\n'
    for name in ("own_package/methods.py", "mine.py"):
        (tmp_path / name).write_text(text)
    for method in ("own_package.methods:refit", "mine.py:refit", str(tmp_path / "mine.py:refit")):
        config = UnlearningConfig.model_validate(method)
        assert type(options_of(config)).__doc__ == "Refits."
        unlearner, _ = unlearner_for(config, resolve_model(GaussianNB()), Regime.FRESH)
        # no path of a disk in what goes into keys and messages
        assert unlearner.name == method.removeprefix(f"{tmp_path}/")
        assert "tmp" not in repr(unlearner)
    same = code_of(UnlearningConfig.model_validate("mine.py:refit"))
    (tmp_path / "mine.py").write_text(text.replace("retain.y", "retain.y[::-1]"))
    assert code_of(UnlearningConfig.model_validate("mine.py:refit")).digest != same.digest


class Factor(Options):
    factor: int = 1

    def unlearner(self, retrain):
        return retrain


def test_options_are_given_as_an_object_too():
    config = build_config({"unlearning": Factor(factor=3)})
    assert config.model_dump()["unlearning"] == {"method": f"{__name__}:Factor", "factor": 3}
    assert options_of(config.unlearning) == Factor(factor=3)
    assert options_of(build_config({"unlearning": Factor}).unlearning) == Factor()
