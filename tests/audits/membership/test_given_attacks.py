"""Attacks that are given themselves, in Python, and not by a name."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, audit, audit_observations, compare_methods
from unlearn_audit.attacks import CATALOGUE
from unlearn_audit.attacks.base import Attack
from unlearn_audit.errors import AuditError

SIZES = {"shadow": 2, "target": 2, "train_size": 60, "deletions": 8, "references": 12}
OF_AUDIT = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 60, "deletions": 8, "references": 12}
OTHERS = {"features": ["sorted-diff"], "attack_models": ["none"]}


@dataclass(frozen=True)
class Cosine(Attack):
    """How far the answer turned."""

    power: int = 1

    name = "cosine"

    def score(self, target):
        a, b = target.original.astype(float), target.unlearned.astype(float)
        turned = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
        return (1 - np.minimum(turned, 1)) ** self.power


@pytest.fixture(scope="module")
def tables():
    X, y = load_iris(return_X_y=True)
    result = audit(DecisionTreeClassifier(), X, y, attacks=["score-difference"], **OF_AUDIT, **OTHERS)
    return result.observations


def ran(result):
    return {of.attack for of in result.findings.results}


@pytest.mark.parametrize("given", [[Cosine], [Cosine(2)], Cosine, (Cosine, "score-ratio")])
def test_an_audit_of_tables_takes_a_class_or_an_instance(tables, given):
    result = audit_observations(*tables.values(), attacks=given, **OTHERS)
    assert "cosine" in ran(result)
    assert result.findings.config["attacks"][0] == f"{__name__}:Cosine"
    assert type(result.findings.config["attacks"][0]) is str


def test_an_audit_of_a_model_and_a_comparison_take_a_class():
    X, y = load_iris(return_X_y=True)
    result = audit(DecisionTreeClassifier(), X, y, attacks=[Cosine], **OF_AUDIT, **OTHERS)
    assert "cosine" in ran(result)
    compared = compare_methods(
        DecisionTreeClassifier(), X, y, ["sisa:shards=2"], attacks=[Cosine], worlds=SIZES, **OTHERS
    )
    assert compared.findings.config["attacks"] == [f"{__name__}:Cosine"]


def test_an_attack_of_the_package_that_is_given_itself_keeps_its_name():
    assert AuditConfig(attacks=[CATALOGUE["pair-scale"]]).attacks == ("pair-scale",)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([3], "attacks.0"),
        ([np.mean], "is not an attack"),
        ([Path], "is not an attack"),
        (7, "attacks.0"),
        ([None], "attacks.0"),
    ],
)
def test_what_is_no_attack_is_refused_in_one_sentence(tables, given, says):
    with pytest.raises(AuditError, match=says):
        audit_observations(*tables.values(), attacks=given, **OTHERS)


def test_the_code_of_an_attack_decides_what_is_taken_from_the_store(tmp_path):
    X, y = load_iris(return_X_y=True)
    found = []
    for power in (1, 2, 1):
        given = {"attacks": [Cosine(power)], "store": tmp_path / "store", **OF_AUDIT, **OTHERS}
        found.append(
            audit(DecisionTreeClassifier(max_leaf_nodes=3, random_state=0), X, y, **given).scores["cosine"].to_numpy()
        )
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])
