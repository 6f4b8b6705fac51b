"""Models that give labels alone: only what a label shows is attacked, and the report says so."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from unlearn_audit import audit
from unlearn_audit.errors import AuditError

SIZES = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 40, "deletions": 6, "references": 20, "unseen": 3}


def people():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, np.array(["ill", "well", "unknown"])[rng.integers(0, 3, 300)]


def test_only_attacks_that_read_labels_run_and_one_sentence_says_so(tmp_path):
    X, y = people()
    model = make_pipeline(StandardScaler(), RidgeClassifier())
    result = audit(model, X, y, **SIZES, attack_models=["decision-tree"], store=tmp_path)
    findings = result.findings
    assert {of.attack for of in findings.results} == {
        "margin-original", "margin-unlearned", "label-gap", "direct-concat", "direct-diff", "euclidean-distance",
        "classical",
    }  # fmt: skip
    (said,) = [text for text in findings.warnings if "labels but no probabilities" in text]
    assert "CalibratedClassifierCV(RidgeClassifier(...))" in said
    assert "label-gap" in said
    assert "--probes 20" in said
    posteriors = result.observations["target"].posteriors
    assert set(np.unique(posteriors)) == {0.0, 1.0}
    page = result.write(tmp_path / "run")
    assert "labels but no probabilities" in page.read_text(encoding="utf-8")


def test_probes_are_recommended_only_where_records_are_rows_of_numbers(tmp_path):
    X, y = people()
    frame = pd.DataFrame(X, columns=list("abcd"))
    asked = {"attacks": ["label-gap"], "attack_models": ["none"], "store": tmp_path}
    model = make_pipeline(StandardScaler(), RidgeClassifier())
    (said,) = [of for of in audit(model, frame, y, **SIZES, **asked).findings.warnings if "no probabilities" in of]
    assert "probes" not in said
    assert "label-gap" in said


def test_labels_near_a_record_can_lead(tmp_path):
    X, y = people()
    asked = {"attacks": ["boundary-distance"], "attack_models": ["none"], "probes": 4}
    findings = audit(RidgeClassifier(), X, y, **SIZES, **asked, store=tmp_path).findings
    assert (findings.selected.attack, findings.selected.view) == ("boundary-distance", "pair")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"attacks": ["pair-scale"]}, "pair-scale needs probabilities, and the model gives only labels"),
        ({"attacks": [], "features": ["sorted-diff"]}, "label-gap and the feature direct-diff can see something"),
    ],
)
def test_attacks_that_labels_hide_everything_from_are_refused(asked, said):
    X, y = people()
    with pytest.raises(AuditError, match=said):
        audit(LinearSVC(), X, y, **SIZES, attack_models=["decision-tree"], **{"features": ["direct-diff"], **asked})


def test_shards_of_labels_answer_with_a_label(tmp_path):
    X, y = people()
    asked = {"attacks": ["label-gap"], "attack_models": ["decision-tree"], "features": ["direct-diff"]}
    unlearning = "sisa:shards=3"
    result = audit(RidgeClassifier(), X, y, **SIZES, **asked, unlearning=unlearning, store=tmp_path)
    assert set(np.unique(result.observations["target"].posteriors)) == {0.0, 1.0}
