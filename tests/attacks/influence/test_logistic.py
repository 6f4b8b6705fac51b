"""The change field of logistic regression against real retraining, and what it makes of a register."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from unlearn_audit.attacks.influence import LogisticInfluence, influence_for
from unlearn_audit.attacks.influence.base import cosines
from unlearn_audit.attacks.influence.logistic import DAMPING
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import Retrain
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.worlds import Request
from unlearn_audit.worlds.from_arrays import prepare_arrays

TRAINING, OWN = np.arange(400), np.arange(400, 2400)
REFERENCES = np.arange(2400, 2440)


def made(classes):
    rng = np.random.default_rng(classes)
    X = rng.normal(size=(2500, 5)) * [1, 4, 1, 1, 2] + 1
    logits = X @ rng.normal(size=(5, classes)) / 3
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return prepare_arrays(X, y, None, "made", 0).data


def retrained(data, source, deleted):
    """(deletions, references) by how much the margins of references fell, and what they were."""
    retrain = Retrain.for_model(source, Regime.FIXED)[0]
    original = retrain.learn(source, data, TRAINING, 0)
    requests = [Request(np.array([at]), np.zeros(0, dtype=np.int64)) for at in deleted]
    asked, labels = data.X[REFERENCES], data.y[REFERENCES]
    before = margin(original.model.predict_proba(asked), labels)
    others = retrain.unlearn_many(original, requests, range(len(requests)))
    after = np.array([margin(one.model.predict_proba(asked), labels) for one in others])
    return before - after, np.tile(before, (len(deleted), 1))


@pytest.mark.parametrize("classes", [2, 4])
def test_the_field_is_what_retraining_does(classes):
    data, source = made(classes), resolve_model("logistic-regression")
    deleted = np.arange(30)
    change, _ = retrained(data, source, deleted)
    # of a model trained on the very records it is exact to second order, but for the scaler that moves with them
    exact = LogisticInfluence.of(source, data, TRAINING, len(TRAINING)).change(deleted, REFERENCES).T
    assert np.median(np.linalg.norm(exact - change, axis=1) / np.linalg.norm(change, axis=1)) < 0.05
    influence = influence_for(source, data, OWN, len(TRAINING))
    expected = influence.change(deleted, REFERENCES).T
    cosines = np.sum(expected * change, axis=1) / np.linalg.norm(expected, axis=1) / np.linalg.norm(change, axis=1)
    assert np.median(cosines) > 0.95
    size = np.linalg.norm(expected, axis=1) / np.linalg.norm(change, axis=1)
    assert 0.8 < np.median(size) < 1.25


@pytest.mark.parametrize("classes", [2, 4])
def test_the_deleted_explains_the_change_best(classes):
    data, source = made(classes), resolve_model("logistic-regression")
    deleted, register = np.arange(30), np.concatenate([TRAINING, np.arange(2440, 2500)])
    change, original = retrained(data, source, deleted)
    scores = influence_for(source, data, OWN, len(TRAINING)).explain(change, original, register, REFERENCES)
    assert scores.shape == (30, len(register))
    assert np.abs(scores).max() <= 1 + 1e-12
    ranks = (scores > scores[np.arange(30), deleted][:, None]).sum(axis=1)
    assert np.mean(ranks == 0) > (0.5 if classes == 2 else 0.7)
    # another pair's change says nothing of this pair's deletion
    shuffled = (scores > scores[np.arange(30), np.roll(deleted, 1)][:, None]).sum(axis=1)
    assert np.median(shuffled) > 50


def test_the_original_parameters_make_it_sharper_and_few_references_do_without():
    data, source = made(2), resolve_model("logistic-regression")
    change, original = retrained(data, source, np.arange(60))
    influence = influence_for(source, data, OWN, len(TRAINING))

    def true_scores(references):
        scores = influence.explain(
            change[:, :references], original[:, :references], np.arange(60), REFERENCES[:references]
        )
        return np.diag(scores)

    assert true_scores(40).mean() > true_scores(6).mean() - 0.05
    assert true_scores(6).mean() > 0.8


def test_references_weigh_by_the_standard_errors_of_their_margins():
    data, source = made(4), resolve_model("logistic-regression")
    change, original = retrained(data, source, np.arange(10))
    influence = influence_for(source, data, OWN, len(TRAINING))
    rng, candidates = np.random.default_rng(0), np.arange(20)
    # parameters drawn from N(θ, H⁻¹), output by output, move each margin by that much
    rows = influence.rows(REFERENCES)
    logits = np.stack(
        [
            (parameters + rng.normal(scale=1e-3, size=(20_000, len(parameters))) @ np.linalg.cholesky(inverse).T)
            @ rows.T
            for parameters, inverse in zip(influence.parameters.T, influence.inverse, strict=True)
        ],
        axis=-1,
    )
    s = 1 / (1 + np.exp(-logits))
    own = data.y[REFERENCES][:, None] == np.arange(4)
    margins = np.log((s * own).sum(axis=-1)) - np.log((s * ~own).sum(axis=-1))
    error = margins.std(axis=0) / 1e-3
    np.testing.assert_allclose(influence.standard_error(REFERENCES), error, rtol=0.03)
    expected = influence.margin_drop(candidates, REFERENCES, influence.pull_of_trained).T / error
    observed = change / error
    roots = [np.sign(of) * np.abs(of) ** DAMPING for of in (observed, expected)]
    one, other = (of / np.linalg.norm(of, axis=1, keepdims=True) for of in roots)
    assert np.abs(influence.explain(change, original, candidates, REFERENCES) - one @ other.T).max() < 0.02


def test_what_is_explained_is_that_of_a_model_trained_on_the_candidate():
    """The residual of an outsider after training on it solves r = t - σ(z + h r), and is smaller than before."""
    data, source = made(4), resolve_model("logistic-regression")
    influence = influence_for(source, data, OWN, len(TRAINING))
    candidates = np.setdiff1d(np.arange(len(data)), np.concatenate([OWN, REFERENCES]))[:40]
    rows = influence.rows(candidates)
    for output, inverse in enumerate(influence.inverse):
        pulled = rows @ inverse
        before = influence.pull(output, candidates, rows, pulled)
        after = influence.pull_of_trained(output, candidates, rows, pulled)
        logit = rows @ influence.parameters[:, output] + (rows * pulled).sum(axis=1) * after
        target = influence.is_class(candidates, output)
        np.testing.assert_allclose(after, target - 1 / (1 + np.exp(-logit)), atol=1e-9)
        assert (np.abs(after) < np.abs(before)).all()
    inside = OWN[:9]
    rows = influence.rows(inside)
    given = 0, inside, rows, rows @ influence.inverse[0]
    np.testing.assert_array_equal(influence.pull(*given), influence.pull_of_trained(*given))


def test_rounded_answers_are_explained_without_solving_for_parameters():
    """Rounded margins are linear in no parameters; the angles of margins remain."""
    data, source = made(2), resolve_model("logistic-regression")
    influence = influence_for(source, data, OWN, len(TRAINING))
    gone = np.arange(40)
    change, original = retrained(data, source, gone)
    solved = influence.explain(change, original, gone, REFERENCES)
    assert (solved.argmax(axis=1) == gone).mean() > 0.9
    step = np.median(np.abs(change), axis=1, keepdims=True)
    rounded = np.round(change / step) * step
    found = influence.explain(rounded, original, gone, REFERENCES)
    error = influence.standard_error(REFERENCES)
    expected = influence.margin_drop(gone, REFERENCES, influence.pull_of_trained).T / error
    one, other = (np.sign(of) * np.abs(of) ** DAMPING for of in (rounded / error, expected))
    np.testing.assert_allclose(found, cosines(one, other), atol=1e-9)
    assert (found.argmax(axis=1) == gone).mean() > 0.7


def test_nothing_changed_is_no_explanation():
    data, source = made(2), resolve_model("logistic-regression")
    influence = influence_for(source, data, OWN, len(TRAINING))
    zeros = np.zeros((2, len(REFERENCES)))
    assert (influence.explain(zeros, zeros, np.arange(9), REFERENCES) == 0).all()


def test_models_without_a_field_are_refused():
    data = made(4)
    balanced = resolve_model(OneVsRestClassifier(LogisticRegression(tol=1e-8, class_weight="balanced")))
    for source, says in ((balanced, "cannot be solved"),):
        with pytest.raises(AuditError, match=says):
            influence_for(source, data, OWN, len(TRAINING))
