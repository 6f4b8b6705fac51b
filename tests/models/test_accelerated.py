import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime, RowOrder, remaining_rows
from unlearn_audit.unlearning import Retrain, train
from unlearn_audit.utils.threads import one_thread, several_threads
from unlearn_audit.worlds.from_arrays import prepare_arrays

pytest.importorskip("sklearnex")
NAME = "random-forest-accelerated"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(700, 6))
    return prepare_arrays(X, (X[:, 0] + rng.normal(size=700) > 0).astype(int), None, "made", 0).data


def answers(data, rows, seed=1):
    return train(resolve_model(NAME), data, rows, seed).model.predict_proba(data.X)


def test_it_takes_the_parameters_of_the_plain_forest():
    fast, plain = (clone(resolve_model(name).make(3)).get_params() for name in (NAME, "random-forest"))
    assert (fast.pop("n_jobs"), plain.pop("n_jobs")) == (1, None)
    assert {name: fast[name] for name in plain} == plain


def test_it_is_a_forest_like_the_plain_one(data):
    rows = np.arange(400)
    fast, plain = answers(data, rows), train(resolve_model("random-forest"), data, rows, 1).model.predict_proba(data.X)
    assert np.abs(fast - plain).mean() < 0.06
    assert np.corrcoef(fast[:, 1], plain[:, 1])[0, 1] > 0.97


def test_threads_change_no_bit(data):
    rows = np.arange(400)
    alone = answers(data, rows)
    with several_threads(4):
        assert np.array_equal(answers(data, rows), alone)
    assert not np.array_equal(answers(data, rows, seed=2), alone)


def test_linear_algebra_on_one_thread_means_its_threads_too():
    import daal4py

    before = daal4py.num_threads()
    daal4py.daalinit(3)
    try:
        with one_thread():
            assert daal4py.num_threads() == 1
        assert daal4py.num_threads() == 3
    finally:
        daal4py.daalinit(before)


def test_outside_the_main_thread_it_gives_the_same_and_says_nothing(data):
    rows, found = np.arange(400), []

    def work():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found.extend([train(resolve_model(NAME), data, rows, 1), caught])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    trained, caught = found
    assert trained.warnings == ()
    assert caught == []
    assert np.array_equal(trained.model.predict_proba(data.X), answers(data, rows))


def test_a_deletion_shifts_its_draws_so_it_runs_as_same_seed(data):
    """What a deletion changes beside what another seed changes, with the last row in the place of the deleted one."""
    rows = np.arange(600)
    rest = remaining_rows(rows, np.array([100]), RowOrder.REPLACE)

    def changed(name):
        source = resolve_model(name)
        original, unlearned, fresh = (
            train(source, data, r, seed).model.predict_proba(data.X) for r, seed in ((rows, 1), (rest, 1), (rest, 2))
        )
        return np.abs(unlearned - original).mean() / np.abs(fresh - original).mean()

    assert changed("random-forest") < 0.4
    assert changed(NAME) > 0.6
    unlearner, note = Retrain.for_model(resolve_model(NAME), Regime.FIXED)
    assert unlearner.regime is Regime.SAME_SEED
    assert "random-forest-accelerated cannot keep each draw with its record" in note


def test_its_libraries_are_in_its_fingerprint(monkeypatch):
    from unlearn_audit.models import accelerated

    before = resolve_model(NAME).fingerprint
    assert resolve_model(NAME).make(0).computed_with().keys() == {"scikit-learn-intelex", "daal"}
    monkeypatch.setattr(accelerated, "version", lambda name: "0.0")
    assert resolve_model(NAME).fingerprint != before


def test_scikit_learn_itself_stays_as_it_is():
    code = (
        "from unlearn_audit.models import resolve_model; resolve_model('random-forest-accelerated').make(0); "
        "from sklearn.ensemble import RandomForestClassifier as R; print(R.__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "sklearn.ensemble._forest"
    assert RandomForestClassifier.__module__ == "sklearn.ensemble._forest"
