import numpy as np
import pytest
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.errors import AuditError
from unlearn_audit.models.posteriors import query

CLASSES = np.array(["a", "b", "c"])


class Answers:
    def __init__(self, answer, classes=None):
        self.answer = np.asarray(answer)
        if classes is not None:
            self.classes_ = np.asarray(classes)

    def predict_proba(self, X):
        return np.repeat(self.answer[None], len(X), axis=0)


def test_a_class_that_was_never_seen_has_probability_zero():
    model = DecisionTreeClassifier().fit([[0.0], [1.0]], ["a", "c"])
    assert query(model, np.array([[1.0]]), CLASSES, "tree").tolist() == [[0, 0, 1]]


def test_columns_follow_the_models_own_order():
    assert query(Answers([0.7, 0.2, 0.1], ["c", "a", "b"]), np.zeros((1, 1)), CLASSES, "m")[0] == pytest.approx(
        [0.2, 0.1, 0.7]
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Answers([0.5, 0.5]), r"\(2, 3\) is needed"),
        (Answers([0.5, 0.5], ["a", "z"]), "knows the classes"),
        (Answers([0.5, 0.2, 0.2]), "not probabilities"),
        (Answers([np.nan, 0.5, 0.5]), "not probabilities"),
        (Answers([-0.5, 1.0, 0.5]), "not probabilities"),
    ],
)
def test_answers_that_are_no_posteriors_are_refused(model, said):
    with pytest.raises(AuditError, match=said):
        query(model, np.zeros((2, 1)), CLASSES, "m")


def test_a_single_record_is_scaled_as_the_training_records_were():
    """A scaler refitted on the query would turn any single record into zeros."""
    from unlearn_audit.models import resolve_model

    rng = np.random.default_rng(0)
    X = rng.normal(50, 10, size=(300, 3))
    y = (X[:, 0] + rng.normal(0, 3, 300) > 50).astype(int)
    model = resolve_model("logistic-regression").make(0).fit(X, y)
    together = query(model, X, np.array([0, 1]), "lr")
    alone = np.concatenate([query(model, X[i : i + 1], np.array([0, 1]), "lr") for i in range(20)])
    assert np.allclose(together[:20], alone, atol=1e-6)
    assert np.ptp(alone[:, 1]) > 0.3


class Names:
    """A model that gives labels alone, as they are."""

    def __init__(self, labels):
        self.labels = np.asarray(labels)

    def predict(self, X):
        return self.labels


@pytest.mark.parametrize(
    ("labels", "classes", "expected"),
    [
        (["c", "a"], CLASSES, [[0, 0, 1], [1, 0, 0]]),
        (np.array(["c", "a"], dtype=object), CLASSES.astype(object), [[0, 0, 1], [1, 0, 0]]),
        ([7, 3], np.array([3, 7]), [[0, 1], [1, 0]]),
        ([[1.0], [0.0]], np.array([0, 1]), [[0, 1], [1, 0]]),
        ([True, False], np.array([False, True]), [[0, 1], [1, 0]]),
    ],
)
def test_labels_alone_are_certain_of_the_class_that_they_name(labels, classes, expected):
    assert query(Names(labels), np.zeros((2, 1)), classes, "m").tolist() == expected


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", "z"], "named the class .*'z'"),
        ([0, 1], "named the class"),
        (["a"], r"labels of shape \(1,\)"),
        ([[0, 1], [1, 0]], r"labels of shape \(2, 2\)"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, said):
    with pytest.raises(AuditError, match=said):
        query(Names(labels), np.zeros((2, 1)), CLASSES, "m")


def test_a_class_that_a_model_of_labels_never_saw_is_never_named():
    model = LinearSVC().fit([[0.0], [1.0]], ["a", "c"])
    assert query(model, np.array([[5.0], [-5.0]]), CLASSES, "svm").tolist() == [[0, 0, 1], [1, 0, 0]]
