"""The change field as an attack: on real deletions, alone, learned, and shuffled as a control."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, audit
from unlearn_audit.attacks import GAMES
from unlearn_audit.attacks.influence import influence_for
from unlearn_audit.attacks.influence.attack import ChangeField, ChangeFieldFitted, ChangeFieldShuffled, explained
from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.audits.membership.plan import plan_audit
from unlearn_audit.audits.membership.run import run_audit
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.engine import Store, observe_worlds
from unlearn_audit.engine.executors import executor_for
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import auc
from unlearn_audit.models import resolve_model
from unlearn_audit.observations.views import LabelledView, attacker_view
from unlearn_audit.worlds.from_arrays import prepare_arrays

GAME = GAMES["deleted-vs-unseen"]
SIZES = {"shadow": 4, "target": 4, "deletions": 15, "unseen": 10, "references": 30, "train_size": 300}


def made():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2500, 5)) * [1, 4, 1, 1, 2] + 1
    return X, (X @ [1, 0.5, -1, 1, 0.3] + rng.logistic(size=2500) > 2).astype(int)


def subject(model="logistic-regression", **settings):
    side = {"data": "made", "model": model}
    asked = {"worlds": SIZES, "features": ["sorted-diff"], "attack_models": ["logistic-regression"], **settings}
    config = AuditConfig.model_validate({"target": side, **asked})
    records, source = prepare_arrays(*made(), None, "made", 0), resolve_model(model)
    return AuditTask(config, {"target": records, "shadow": records}, {"target": source, "shadow": source})


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """The influence, the shadow's labelled view, the target's view, and which of its rows are deleted."""
    tasks = plan_audit(subject()).undefended.tasks
    store = Store(tmp_path_factory.mktemp("store"))
    shadow, target = (t for _, t, _ in observe_worlds(list(tasks.values()), store, executor_for(None, 1), lambda *_: 0))
    task = tasks["target"]
    influence = influence_for(task.source, task.data, tasks["shadow"].plan.candidates, SIZES["train_size"])
    rows = GAME.rows(shadow, "shadow"), GAME.rows(target, "target")
    ids = task.data.record_ids
    labelled = LabelledView(attacker_view(shadow, "pair", rows[0], ids), shadow.roles[rows[0]] == "deleted")
    return influence, labelled, attacker_view(target, "pair", rows[1], ids), target.roles[rows[1]] == "deleted"


def attacks(influence):
    return [attack.with_influence(influence) for attack in (ChangeField(), ChangeFieldFitted(), ChangeFieldShuffled())]


def test_the_deleted_explain_what_changed_and_another_does_not(sides):
    influence, shadow, target, deleted = sides
    alone, fitted, control = (auc(a.fit(shadow, 3).score(target), deleted) for a in attacks(influence))
    assert alone > 0.85
    assert fitted > 0.9
    assert abs(control - 0.5) < 0.12


def test_a_field_is_silent_where_nothing_changed_and_a_forest_on_more_is_not(sides):
    influence, shadow, target, _ = sides

    def unmoved(view):
        beside = None if view.references is None else unmoved(view.references)
        still = np.repeat(view.posteriors[:, :1], view.posteriors.shape[1], axis=1)
        return dataclasses.replace(view, posteriors=still, references=beside)

    for attack in attacks(influence):
        scores = attack.fit(shadow, seed=3).score(unmoved(target))
        assert (np.ptp(scores) <= 1e-12) == attack.silent_without_change


def test_scores_do_not_depend_on_order_or_company(sides):
    influence, shadow, target, _ = sides
    for attack in attacks(influence):
        fitted = attack.fit(shadow, seed=3)
        scores = fitted.score(target)
        assert scores.shape == (len(target),)
        assert np.isfinite(scores).all()
        order = np.random.default_rng(0).permutation(len(target))
        assert np.allclose(fitted.score(target.take(order)), scores[order], atol=1e-12)
        assert np.allclose(fitted.score(target.take(np.array([7]))), scores[7], atol=1e-12)


def test_where_nothing_changed_nothing_is_explained(sides):
    influence, _, target, deleted = sides
    same = [dataclasses.replace(of, posteriors=of.posteriors[:, [0, 0]]) for of in (target, target.references)]
    still = dataclasses.replace(same[0], references=same[1])
    assert (explained(still, influence) == 0).all()
    assert auc(ChangeField(influence).score(still), deleted) == 0.5


def test_what_it_needs_is_named(sides):
    influence, _, target, _ = sides
    for view in (dataclasses.replace(target, positions=None), dataclasses.replace(target, references=None)):
        with pytest.raises(AuditError, match="need reference records, and a model of the attacker's own"):
            explained(view, influence)
    mixed = dataclasses.replace(target.references, positions=np.arange(len(target.references)))
    with pytest.raises(AuditError, match="different reference records"):
        explained(dataclasses.replace(target, references=mixed), influence)


def test_an_audit_runs_it_where_the_model_allows(tmp_path):
    execution = Execution(store=tmp_path)
    ran = {r.attack: r for r in run_audit(subject(), execution).findings.results if r.rows == "all"}
    assert ran["change-field-fitted"].auc > 0.9
    assert "change-field-shuffled" not in ran
    control = run_audit(subject(attacks=["change-field-shuffled"]), execution).findings
    assert next(r for r in control.results if r.attack == "change-field-shuffled").auc_ci[0] < 0.5
    bayes = run_audit(subject("sklearn.naive_bayes:GaussianNB"), execution).findings
    assert not any(r.attack.startswith("change-field") for r in bayes.results)
    assert any("a model for which the effect of deletions can be computed" in note.text for note in bayes.notes)
    assert any("ask by name, --attack change-field" in note.text for note in bayes.notes)


class Stages:
    """Notes what was begun, and how far it came."""

    def __init__(self):
        self.totals, self.done = {}, {}

    def stage(self, name, total):
        self.totals[name] = self.totals.get(name, 0) + total
        return lambda done: self.done.__setitem__(name, done)

    def say(self, line):
        raise AssertionError(line)


def looked_at(found):
    """How many records the game is played with, on either side."""
    tables = found.observations.values()
    return len(np.unique(np.concatenate([t.rows["record"][np.isin(t.roles, ("deleted", "unseen"))] for t in tables])))


BY_NAME = "Training the attacker's own model for each record"


@pytest.mark.parametrize(
    ("model", "references", "least"),
    [("sklearn.naive_bayes:GaussianNB", 30, 0.95), ("sklearn.neighbors:KNeighborsClassifier", 150, 0.58)],
)
def test_asked_for_by_name_it_runs_on_any_model(tmp_path, model, references, least):
    shown = Stages()
    names = ["change-field", "change-field-fitted", "change-field-shuffled"]
    asked = subject(model, attacks=names, worlds={**SIZES, "references": references})
    found = run_audit(asked, Execution(store=tmp_path, reporter=shown))
    # each record once, whoever looks it up, and as many again for the control
    rows = looked_at(found)
    assert rows < shown.totals[BY_NAME] == shown.done[BY_NAME] <= 2 * rows
    of = {r.attack: r for r in found.findings.results if r.rows == "all"}
    assert of["change-field"].auc_ci[0] > of["change-field-shuffled"].auc_ci[1]
    assert of["change-field"].auc > least
    again = run_audit(asked, Execution(store=tmp_path, jobs=2))
    assert again.scores["change-field-fitted"].equals(found.scores["change-field-fitted"])


def test_until_an_interval_is_narrow_nobody_is_trained_with_twice(tmp_path):
    shown = Stages()
    wanted = subject("sklearn.naive_bayes:GaussianNB", attacks=["change-field"], until={"auc": 0.2, "at_most": 20})
    found = run_audit(wanted, Execution(store=tmp_path, reporter=shown))
    assert shown.totals[BY_NAME] == looked_at(found)


@pytest.mark.parametrize("last", [LogisticRegression(tol=1e-8), DecisionTreeClassifier(max_leaf_nodes=6)])
def test_sparse_preprocessing_ends_no_audit(last, tmp_path):
    X, y = made()
    codes = X.round(1)
    sizes = {name: SIZES[name] for name in ("deletions", "unseen", "references", "train_size")}
    found = audit(
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), last), codes, y, shadow_worlds=3, target_worlds=3,
        features=["sorted-diff"], attack_models=["logistic-regression"], execution=Execution(store=tmp_path), **sizes
    ).findings  # fmt: skip
    assert "change-field" in {r.attack for r in found.results}


def test_what_it_cannot_do_is_noted_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_audit.attacks.influence.last_layer.MOST_PARAMETERS", 3)
    softmax = resolve_model(make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cholesky", tol=1e-8)))
    y = np.random.default_rng(1).integers(0, 3, 2500)
    records = prepare_arrays(made()[0], y, None, "made", 0)
    both = {"target": records, "shadow": records}
    task = AuditTask(subject().config, both, dict.fromkeys(both, softmax))
    found = run_audit(task, Execution(store=tmp_path)).findings
    assert any("influence attacks were left out: the last layer of" in note.text for note in found.notes)
    asked = subject(attacks=["change-field"]).config
    with pytest.raises(AuditError, match="a requested attack needs it: the last layer"):
        run_audit(AuditTask(asked, both, dict.fromkeys(both, softmax)), Execution(store=tmp_path))


@pytest.mark.usefixtures("two_threads")
def test_results_do_not_depend_on_jobs(tmp_path):
    one, two = (run_audit(subject(), Execution(jobs=jobs, store=tmp_path)).scores for jobs in (1, 2))
    assert one["change-field-fitted"].equals(two["change-field-fitted"])
