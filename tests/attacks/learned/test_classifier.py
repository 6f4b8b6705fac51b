"""The attack models where there are few rows."""

import numpy as np
import pytest

from unlearn_audit.attacks.learned.classifier import ATTACK_MODELS


@pytest.mark.parametrize("model", ATTACK_MODELS)
@pytest.mark.parametrize("answers", [[0, 1] * 5, [0, 1] * 2, [0] * 19 + [1], [0, 1]])
def test_few_rows_are_fitted(model, answers):
    X = np.random.default_rng(0).normal(size=(len(answers), 3))
    fitted = ATTACK_MODELS[model](0).fit(X, np.array(answers, dtype=bool))
    assert fitted.predict_proba(X).shape == (len(answers), 2)


def test_enough_rows_stop_early_as_scikit_learn_does():
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.random(200) < 0.5
    theirs = MLPClassifier(early_stopping=True, learning_rate_init=0.01, random_state=3)
    ours, other = ATTACK_MODELS["mlp"](3).fit(X, y), make_pipeline(StandardScaler(), theirs).fit(X, y)
    assert np.array_equal(ours.predict_proba(X), other.predict_proba(X))
