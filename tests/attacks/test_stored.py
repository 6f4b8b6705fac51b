"""Scores of attacks in the store: equal cold and warm, and taken only where nothing that decides them changed."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import Execution, audit
from unlearn_audit.attacks import GAMES, LearnedAttack, run, stored
from unlearn_audit.attacks.base import Attack
from unlearn_audit.attacks.formula.score_change import ATTACKS as FORMULAS
from unlearn_audit.attacks.run import Policy, run_attacks
from unlearn_audit.attacks.stored import ScoreStore
from unlearn_audit.engine import Store
from unlearn_audit.engine.store.keys import digest
from unlearn_audit.observations import Observations

GAME = GAMES["deleted-vs-unseen"]
TREE = LearnedAttack("direct-diff", "decision-tree")


def table(seed, n=120):
    rng = np.random.default_rng(seed)
    columns = {
        "world": np.arange(n) % 4,
        "role": np.where(rng.random(n) < 0.5, "deleted", "unseen").astype(object),
        "label": rng.integers(0, 3, n),
    }
    return Observations.create(columns, rng.dirichlet(np.ones(3), size=(n, 2)), ["a", "b", "c"])


SHADOW, TARGET = table(0), table(1)


def kept(tmp_path, policy="mine", **more):
    return ScoreStore(Store(tmp_path), policy, **more)


def key(store, attack=TREE, game=GAME, shadow=SHADOW, targets=(TARGET,), seed=0, fit_rows=None):
    document = store.documents([attack], game, shadow, targets, seed, fit_rows)[0]
    return None if document is None else digest(document)


def changed(of, name, value):
    rows = of.rows.copy()
    rows.loc[5, name] = value
    return dataclasses.replace(of, rows=rows)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"attack": LearnedAttack("direct-diff", "logistic-regression")},
        {"attack": LearnedAttack("sorted-diff", "decision-tree")},
        {"attack": FORMULAS[0]},
        {"game": GAMES["deleted-vs-retained"]},
        {"shadow": table(2)},
        {"targets": (table(2),)},
        {"targets": (TARGET, TARGET)},
        {"shadow": changed(SHADOW, "role", "retained")},
        {"shadow": changed(SHADOW, "world", 3)},
        {"shadow": changed(SHADOW, "label", -1)},
        {"shadow": changed(SHADOW, "record", 999)},
        {"targets": (dataclasses.replace(TARGET, signals={"agreement": np.zeros((120, 2))}),)},
        {"fit_rows": 100},
    ],
    ids=lambda other: next(iter(other)),
)
def test_whatever_decides_scores_is_in_their_key(tmp_path, other):
    store = kept(tmp_path)
    assert key(store) == key(store)
    assert key(store) != key(store, **other)


@pytest.mark.parametrize("name", ["library_versions", "program"])
def test_versions_and_code_are_in_the_key(tmp_path, monkeypatch, name):
    before = key(kept(tmp_path))
    monkeypatch.setattr(stored, name, lambda: {"numpy": "0.1"})
    assert key(kept(tmp_path)) != before


@dataclasses.dataclass(frozen=True)
class Theirs(Attack):
    name = "theirs"

    def score(self, target):
        return target.posteriors[:, 0, 0].astype(np.float64)


@dataclasses.dataclass(frozen=True)
class Reads(Theirs):
    def score(self, target):
        return super().score(target) * len(open("weights.txt").read())


def test_attacks_of_others_are_kept_where_their_code_can_be_followed(tmp_path):
    assert key(kept(tmp_path), attack=Theirs()) is not None
    assert key(kept(tmp_path), attack=Reads()) is None
    assert key(kept(tmp_path, "always"), attack=Reads()) is not None


def test_scores_that_rest_on_an_influence_need_its_key(tmp_path):
    attack = dataclasses.replace(TREE)
    object.__setattr__(attack, "influence", object())
    assert key(kept(tmp_path), attack=attack) is None
    first, second = (key(kept(tmp_path, influence=of), attack=attack) for of in ("one", "other"))
    assert first != second


def test_tables_are_digested_once_for_all_attacks(tmp_path, monkeypatch):
    digested, digest_of = [], stored.content_digest
    monkeypatch.setattr(stored, "content_digest", lambda of: digested.append(of) or digest_of(of))
    kept(tmp_path).documents([TREE, *FORMULAS], GAME, SHADOW, [TARGET], 0, None)
    assert len(digested) == 2


@pytest.fixture
def fits(monkeypatch):
    """Count the attacks that are run."""
    counted = []
    foreign = run.foreign  # in which each attack is run
    monkeypatch.setattr(run, "foreign", lambda doing: counted.append(doing) or foreign(doing))
    return counted


def scores(store, attacks=(TREE, FORMULAS[0]), seed=0):
    done = []
    found = run_attacks(attacks, GAME, SHADOW, [TARGET], seed, 1, lambda: done.append(1), Policy(kept=store))
    assert len(done) == len(attacks)
    return found.scores[0]


def same(one, other):
    for a, b in zip(one, other, strict=True):
        assert (a.attack, a.shadow_auc, a.shadow, a.threshold) == (b.attack, b.shadow_auc, b.shadow, b.threshold)
        assert np.array_equal(a.scores, b.scores)
        assert np.array_equal(a.calibrated, b.calibrated)


def test_a_second_run_takes_the_same_bits_and_fits_what_is_new(tmp_path, fits):
    cold = scores(kept(tmp_path))
    assert len(fits) == 2
    same(cold, scores(kept(tmp_path)))
    assert len(fits) == 2
    more = scores(kept(tmp_path), (LearnedAttack("direct-diff", "logistic-regression"), TREE, FORMULAS[0]))
    assert len(fits) == 3
    same(cold, more[1:])
    scores(kept(tmp_path), seed=1)
    assert len(fits) == 5


def test_nothing_is_taken_where_reuse_is_refused_or_an_artefact_is_damaged(tmp_path, fits):
    cold = scores(kept(tmp_path))
    same(cold, scores(kept(tmp_path, "never")))
    assert len(fits) == 4
    for path in tmp_path.glob("??/*.npz"):
        path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    same(cold, scores(kept(tmp_path)))
    assert len(fits) == 6


def test_an_audit_run_again_gives_the_same_findings_without_fitting(tmp_path, fits):
    X, y = make_classification(300, 5, random_state=0)
    settings = {"shadow_worlds": 3, "target_worlds": 2, "train_size": 60, "deletions": 6, "references": 10}
    quick = {"features": ["direct-diff"], "attack_models": ["decision-tree"], "defenses": ["rounding:1"]}

    def found(**more):
        model = DecisionTreeClassifier(max_depth=3)
        return audit(model, X, y, execution=Execution(store=tmp_path), **settings, **quick, **more)

    cold = found()
    n = len(fits)
    assert n > 0
    warm = found()
    assert len(fits) == n
    assert warm.findings.model_copy(update={"execution": {}}) == cold.findings.model_copy(update={"execution": {}})
    assert warm.scores.equals(cold.scores)
    found(reuse="never")
    assert len(fits) == 2 * n
