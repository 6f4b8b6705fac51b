"""A share of `recorded/audits.py`, which compares every audit to the last bit on the machine that recorded it."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import sklearn

FOLDER = Path(__file__).parent / "recorded"
SHARE = ("logistic-regression", "sisa", "chain", "files", "release")


@pytest.fixture(scope="module")
def audits():
    spec = importlib.util.spec_from_file_location("recorded_audits", FOLDER / "audits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BEFORE_1_9 = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9)


@pytest.mark.skipif(BEFORE_1_9, reason="attacks were fitted with scikit-learn 1.9, which fits some otherwise")
@pytest.mark.parametrize("name", SHARE)
def test_no_number_changed(audits, name, monkeypatch):
    """Other processors may differ in the last bits, so that figures are compared here, and all else by its names."""
    monkeypatch.setattr("sys.argv", ["unlearn-audit"])
    monkeypatch.setenv("UNLEARN_AUDIT_STORE", "set by the audit")
    then, now = json.loads((FOLDER / "recorded.json").read_text(encoding="utf-8"))[name], audits.figures(name)
    assert now.keys() == then.keys()
    np.testing.assert_allclose(now.get("auc", []), then.get("auc", []), rtol=0, atol=1e-3)


def test_every_audit_is_recorded(audits):
    assert json.loads((FOLDER / "recorded.json").read_text(encoding="utf-8")).keys() == audits.COMMANDS.keys()
