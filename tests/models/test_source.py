import importlib
import importlib.util
import os
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, StackingClassifier, VotingClassifier, VotingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron, Ridge, RidgeClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import MODELS, resolve_model
from unlearn_audit.models.steps import last_step
from unlearn_audit.unlearning.training import known_to_answer, train
from unlearn_audit.utils.threads import one_thread


@pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")
@pytest.mark.parametrize("name", MODELS)
def test_the_zoo_makes_seeded_models_that_fit_and_repeat(name):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 16)), rng.integers(0, 3, 150)
    network = "torch" in name or name in ("simple-cnn", "resnet50", "densenet121")
    source = resolve_model(name, {"max_steps": 2, "batch_size": 10} if network else None)
    with one_thread():
        one, two, three = (source.make(seed).fit(X, y).predict_proba(X) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert one.shape == (150, 3)
    if name in ("random-forest-100", "mlp"):
        assert not np.array_equal(one, three)


def test_estimators_pipelines_and_factories():
    for model in (
        DecisionTreeClassifier(max_depth=3),
        make_pipeline(StandardScaler(), LogisticRegression()),
        lambda: DecisionTreeClassifier(max_depth=3),
        DecisionTreeClassifier,
    ):
        estimator = resolve_model(model).make(5)
        assert hasattr(estimator, "predict_proba")
    assert resolve_model(DecisionTreeClassifier(max_depth=3)).make(5).max_depth == 3


def test_a_factory_that_takes_a_seed_gets_it():
    def make(seed):
        return DecisionTreeClassifier(min_samples_leaf=1 + seed % 2)

    assert resolve_model(make).make(3).min_samples_leaf == 2


def test_every_random_state_is_set():
    model = make_pipeline(StandardScaler(), DecisionTreeClassifier())
    assert resolve_model(model).make(11).get_params()["decisiontreeclassifier__random_state"] == 11


def test_fingerprints_tell_models_apart():
    prints = {
        resolve_model(m).fingerprint
        for m in ("mlp", "decision-tree", DecisionTreeClassifier(), DecisionTreeClassifier(max_depth=2))
    }
    assert len(prints) == 4
    same = {resolve_model(DecisionTreeClassifier(max_depth=2)).fingerprint for _ in range(2)}
    assert len(same) == 1


def test_what_a_factory_closes_over_is_part_of_its_fingerprint():
    def maker(depth):
        return lambda: DecisionTreeClassifier(max_depth=depth)

    def plain(width):
        class Own:
            def __init__(self):
                self.width = width

            def fit(self, X, y):
                return self

            def predict_proba(self, X):
                return np.ones((len(X), 1))

        return Own

    for make in (maker, plain):
        assert resolve_model(make(2)).fingerprint == resolve_model(make(2)).fingerprint
        assert resolve_model(make(2)).fingerprint != resolve_model(make(5)).fingerprint


def test_changed_code_of_a_transformer_in_a_pipeline_is_another_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    helper = tmp_path / "helper_for_test.py"
    (tmp_path / "steps_for_test.py").write_text(
        "import helper_for_test\nfrom sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Step(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None):\n        return self\n"
        "    def transform(self, X):\n        return helper_for_test.change(X)\n"
    )

    def printed(body):
        helper.write_text(body)
        for module in ("steps_for_test", "helper_for_test"):
            sys.modules.pop(module, None)
        step = importlib.import_module("steps_for_test").Step()
        return resolve_model(make_pipeline(step, DecisionTreeClassifier())).fingerprint

    one, two = "def change(X):\n    return X\n", "def change(X):\n    return X * 2\n"
    assert printed(one) == printed(one)
    assert printed(one) != printed(two)


def test_functions_among_the_parameters_count():
    def pipeline(function):
        return make_pipeline(FunctionTransformer(function), DecisionTreeClassifier())

    prints = {resolve_model(pipeline(f)).fingerprint for f in (lambda X: X, lambda X: X * 2, np.abs, np.exp)}
    assert len(prints) == 4
    assert resolve_model(pipeline(lambda X: X * 3)).fingerprint == resolve_model(pipeline(lambda X: X * 3)).fingerprint


def test_factories_by_module_and_by_file(tmp_path, monkeypatch):
    text = "from sklearn.naive_bayes import GaussianNB\ndef make():\n    return GaussianNB()\n"
    (tmp_path / "my_models_for_test.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    for name in ("my_models_for_test:make", f"{tmp_path / 'my_models_for_test.py'}:make"):
        assert type(resolve_model(name).make(0)).__name__ == "GaussianNB"
    before = resolve_model("my_models_for_test:make").fingerprint
    assert before == resolve_model("my_models_for_test:make").fingerprint
    (tmp_path / "my_models_for_test.py").write_text(text + "# changed\n")
    assert resolve_model("my_models_for_test:make").fingerprint == before
    (tmp_path / "my_models_for_test.py").write_text(text.replace("GaussianNB()", "GaussianNB(var_smoothing=1)"))
    monkeypatch.delitem(sys.modules, "my_models_for_test")
    importlib.invalidate_caches()
    assert resolve_model("my_models_for_test:make").fingerprint != before


def raises():
    raise RuntimeError("no licence")


def no_classifier():
    return LinearRegression()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("gpt-9", "unknown model 'gpt-9'"),
        ("nowhere.at.all:make", "cannot be imported"),
        ("none.py:make", "cannot be imported"),
        ("os:nothing", "the module has no 'nothing'"),
        (raises, "raised RuntimeError: no licence"),
        (no_classifier, "model no_classifier is a LinearRegression, which predicts numbers"),
        (42, "a int is not a model"),
        (object, "without fit"),
    ],
)
def test_bad_models_are_told_in_one_sentence(model, said):
    with pytest.raises(AuditError) as caught:
        resolve_model(model)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


OWN_NETWORKS = """
from torch import nn
from sklearn.tree import DecisionTreeClassifier

HIDDEN = 8

def flat(n_features, n_classes):
    return nn.Sequential(nn.Linear(n_features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_classes))

def image(image_shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(image_shape[1] * image_shape[2], n_classes))

def fixed_size():
    return nn.Linear(16, 3)

class Net(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.layer = nn.Linear(n_features, n_classes)

    def forward(self, x):
        return self.layer(x)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write a file of one's own networks, and return a function that imports one of its names."""
    monkeypatch.chdir(tmp_path)

    def imported(name, text=OWN_NETWORKS):
        (tmp_path / "nets.py").write_text(text)
        spec = importlib.util.spec_from_file_location("nets_for_test", tmp_path / "nets.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "nets_for_test", module)
        spec.loader.exec_module(module)
        return getattr(module, name)

    return imported


@pytest.mark.filterwarnings("ignore::unlearn_audit.models.networks.TrainingWarning")
@pytest.mark.parametrize("name", ["flat", "image", "fixed_size", "Net"])
@pytest.mark.parametrize("how", ["file", "object"])
def test_factories_of_modules(own, name, how):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 16)), rng.integers(0, 3, 40)
    factory = own(name)
    source = resolve_model(f"nets.py:{name}" if how == "file" else factory, {"max_steps": 2, "batch_size": 10})
    assert source.name == (f"nets.py:{name}" if how == "file" else name)
    model = source.make(4)
    network = source.network_in(model)
    assert (network.max_steps, network.batch_size) == (2, 10)
    # images go in as they are, all else is standardised
    assert (model is network) == (name == "image")
    one, again, other = (source.make(seed).fit(X, y).predict_proba(X) for seed in (4, 4, 5))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_settings_code_and_device_of_a_network_are_in_its_fingerprint(own, monkeypatch):
    from unlearn_audit.models.networks import TorchClassifier, modules

    same = {resolve_model("torch-mlp", {"epochs": 3}).fingerprint for _ in range(2)}
    assert len(same) == 1
    # the class reads no HIDDEN, and would stay the same without the change of its layer
    changed = OWN_NETWORKS.replace("HIDDEN = 8", "HIDDEN = 9").replace("= nn.Linear(n_f", "= nn.Bilinear(2, n_f")
    others = [
        resolve_model("torch-mlp").fingerprint,
        resolve_model("torch-mlp", {"epochs": 4}).fingerprint,
        resolve_model(own("flat")).fingerprint,
        resolve_model(own("Net")).fingerprint,
        resolve_model(own("flat", changed)).fingerprint,
        resolve_model(own("Net", changed)).fingerprint,
    ]
    assert len({*same, *others}) == 7
    assert resolve_model(own("flat")).fingerprint == others[2]
    assert len({resolve_model(TorchClassifier(m)).fingerprint for m in (modules.mlp, own("Net"), own("flat"))}) == 3

    for computed in ({"torch": "9.9", "device": "cpu"}, {"torch": "2.0", "device": "cuda"}):
        monkeypatch.setattr(TorchClassifier, "computed_with", lambda self, computed=computed: computed)
        same.add(resolve_model("torch-mlp", {"epochs": 3}).fingerprint)
    assert len(same) == 3


def returns_none():
    return None


def a_module():
    from torch import nn

    return nn.Linear(2, 2)


def raises_lines(n_features, n_classes):
    raise RuntimeError("no\nlicence")


@pytest.mark.parametrize(
    ("model", "settings", "said"),
    [
        ("decision-tree", {"epochs": 3}, "epochs was requested, but model decision-tree is not a neural network"),
        (
            "mlp",
            {"epochs": 3, "device": "cpu"},
            "epochs and device were requested, but model mlp is not a neural network",
        ),
        (returns_none, {}, "model returns_none is a NoneType without fit"),
        (a_module(), {}, "a Linear that already exists has weights, but each world trains its own; pass the class"),
        ("torch-mlp", {"device": "cuda:77"}, "device 'cuda:77' was requested"),
    ],
)
def test_networks_that_cannot_be_made_are_told_in_one_sentence(model, settings, said):
    with pytest.raises(AuditError) as caught:
        resolve_model(model, settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model", ["torch-mlp", "simple-cnn", raises_lines, a_module])
def test_pytorch_is_named_where_it_is_missing(model, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "torch" else find(name, *rest))
    name = getattr(model, "__name__", model)
    with pytest.raises(AuditError) as caught:
        resolve_model(model)
    assert str(caught.value) == (
        f"model {name} needs PyTorch, which is not installed; run: pip install 'unlearn-audit[torch]'"
    )


def test_the_accelerated_forest_is_named_where_its_library_is_missing(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "sklearnex" else find(name, *rest)
    )
    with pytest.raises(
        AuditError, match=r"needs scikit-learn-intelex, which .*pip install 'unlearn-audit\[accelerate\]'"
    ):
        resolve_model("random-forest-accelerated")


def test_the_current_folder_is_where_a_users_modules_are(tmp_path, monkeypatch):
    (tmp_path / "here_only.py").write_text("from sklearn.tree import DecisionTreeClassifier as make\n")
    monkeypatch.chdir(tmp_path)
    assert os.getcwd() == str(tmp_path)
    assert resolve_model("here_only:make").make(0) is not None


def small_table():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:80, :5], y[:80]


@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
@pytest.mark.parametrize(
    "model",
    [
        StackingClassifier([("tree", DecisionTreeClassifier())]),
        make_pipeline(StandardScaler(), StackingClassifier([("nb", GaussianNB())])),
        GridSearchCV(StackingClassifier([("nb", GaussianNB())]), {"cv": [2]}),
        VotingClassifier([("nb", GaussianNB()), ("tree", DecisionTreeClassifier())], voting="soft"),
        SelfTrainingClassifier(StackingClassifier([("nb", GaussianNB())])),
        CalibratedClassifierCV(LinearSVC()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_models_whose_methods_exist_only_once_fitted_are_taken(model):
    made = resolve_model(model).make(seed=0)
    X, y = small_table()
    assert made.fit(X, y).predict_proba(X).shape == (80, 2)


def svm():
    return make_pipeline(StandardScaler(), LinearSVC())


@pytest.mark.parametrize(
    "model",
    [
        SVC(),
        svm,
        make_pipeline(StandardScaler(), SVC()),
        make_pipeline(make_pipeline(SVC())),
        VotingClassifier([("nb", GaussianNB())]),
        GridSearchCV(SVC(), {"C": [1]}),
        StackingClassifier([("nb", GaussianNB())], final_estimator=LinearSVC()),
        RidgeClassifier(),
        Perceptron(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_model_that_never_answers_with_probabilities_is_known_to_give_labels_alone(model):
    assert resolve_model(model).labels_alone is True


def test_a_model_without_any_answer_is_refused():
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, refit=False)
    with pytest.raises(AuditError, match=r"GridSearchCV without predict; .*refit=True"):
        resolve_model(search)


def test_what_only_real_records_can_show_is_shown_by_a_few_of_them():
    texts = np.array(["aa bb", "bb cc"] * 40, dtype=object)
    y = np.array(["no", "yes"] * 40)
    data = Dataset("d", texts, y, np.unique(y), ("no", "yes"), np.arange(80))
    for last, labels_alone in ((LinearSVC(), True), (GaussianNB(), False)):
        dense = FunctionTransformer(lambda X: X.toarray(), accept_sparse=True)
        source = resolve_model(
            StackingClassifier([("tree", make_pipeline(CountVectorizer(), dense, last))], last, cv=2)
        )
        assert source.labels_alone is (None if labels_alone else False)
        assert known_to_answer(source, data).labels_alone is labels_alone


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            LinearRegression(),
            "predicts numbers; an audit needs a classifier: if the labels are classes, use one, such",
        ),
        (make_pipeline(StandardScaler(), LinearRegression()), "model Pipeline is a Pipeline, which predicts numbers"),
        (GridSearchCV(Ridge(), {"alpha": [1]}), "predicts numbers"),
        (VotingRegressor([("ridge", Ridge())]), "predicts numbers"),
        (KMeans(), "groups records without labels"),
        (IsolationForest(), "looks for outliers"),
        (GaussianMixture(), "estimates a density"),
        (PCA(), r"make_pipeline\(PCA\(\), LogisticRegression\(\)\)"),
        (MultiOutputClassifier(GaussianNB()), "audit one label at a time"),
        (type("LGBMRanker", (BaseEstimator,), {"fit": len, "predict": len})(), "ranks records"),
        (DBSCAN(), "groups records without labels"),
    ],
    ids=lambda of: type(of).__name__,
)
def test_models_that_are_no_classifiers_are_refused_with_what_to_do_instead(model, said):
    with pytest.raises(AuditError, match=said) as caught:
        resolve_model(model)
    assert "\n" not in str(caught.value)


class LosesItsMethod(GaussianNB):
    def fit(self, X, y):
        self.predict_proba = None
        return super().fit(X, y)


def test_a_model_that_loses_its_method_in_fit_is_told_at_the_first_training():
    source = resolve_model(LosesItsMethod())
    X, y = small_table()
    data = Dataset("d", X, y, np.unique(y), ("0", "1"), np.arange(80))
    with pytest.raises(AuditError, match="LosesItsMethod without predict_proba"):
        train(source, data, np.arange(80), 0)


class ChangesWhatItIsGiven(ClassifierMixin, BaseEstimator):
    """As CatBoost does with ``cat_features``: what it keeps is a copy."""

    def __init__(self, cat_features=None):
        self.cat_features = None if cat_features is None else list(cat_features)

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize("make", [lambda of: of, lambda of: make_pipeline(StandardScaler(), of)])
def test_what_cannot_be_cloned_is_copied_as_long_as_it_knows_no_records(make):
    model = make(ChangesWhatItIsGiven([0]))
    source = resolve_model(model)
    one, two = source.make(0), source.make(0)
    assert one is not two
    one.fit(np.zeros((4, 2)), [0, 1, 0, 1])
    assert not hasattr(last_step(two), "classes_")
    assert not hasattr(last_step(model), "classes_")
    model.fit(np.zeros((4, 2)), [0, 1, 0, 1])
    with pytest.raises(AuditError, match=r"ChangesWhatItIsGiven.* cannot be cloned .*; give a function that makes the"):
        resolve_model(model)
    assert resolve_model(lambda: ChangesWhatItIsGiven([0])).make(seed=0).cat_features == [0]
