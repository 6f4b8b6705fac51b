"""One thread for linear algebra, wherever a result is computed."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from unlearn_audit import Execution, audit
from unlearn_audit.attacks.formula.score_change import margin_difference
from unlearn_audit.attacks.formula.statistic import Statistic
from unlearn_audit.utils.threads import one_thread

SEEN: dict[str, set[int]] = {}


def note(where):
    SEEN.setdefault(where, set()).update(pool["num_threads"] for pool in threadpool_info())


class Watched(ClassifierMixin, BaseEstimator):
    """A classifier that notes how many threads it is given."""

    def fit(self, X, y):
        note("model")
        self.inner_ = LogisticRegression(max_iter=200).fit(X[:, :3] / 1000, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        note("query")
        return self.inner_.predict_proba(X[:, :3] / 1000)


@pytest.mark.usefixtures("two_threads")
def test_the_limit_holds_inside_and_is_lifted_after():
    assert max(pool["num_threads"] for pool in threadpool_info()) == 2
    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert max(pool["num_threads"] for pool in threadpool_info()) == 2


@pytest.mark.usefixtures("two_threads")
def test_the_limit_holds_for_torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_models_and_attacks_of_an_audit_get_one_thread(monkeypatch, tmp_path):
    def watched(attack, view):
        note("attack")
        return margin_difference(view) * attack.sign

    monkeypatch.setattr(Statistic, "score", watched)
    SEEN.clear()
    X, y = load_breast_cancer(return_X_y=True)
    result = audit(
        Watched(),
        X,
        y,
        shadow_worlds=2,
        target_worlds=2,
        deletions=5,
        references=12,
        attacks=["margin-difference"],
        features=["sorted-diff"],
        attack_models=["logistic-regression"],
        execution=Execution(store=tmp_path / "store"),
    )
    assert np.isfinite(result.findings.leading().auc)
    assert {"model": {1}, "query": {1}, "attack": {1}} == SEEN
