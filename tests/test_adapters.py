"""Every file of examples/adapters runs as it is, in few lines; where a library is missing, it is skipped.

With ``UNLEARN_AUDIT_EVERY_ADAPTER=1``, as ``make adapters`` has it, none may be skipped, and each has a process of its
own.
"""

import ast
import importlib.util
import os
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "adapters"
FILES = sorted(FOLDER.glob("*.py"))
MOST_LINES = 25
EVERY = os.environ.get("UNLEARN_AUDIT_EVERY_ADAPTER") == "1"


def libraries_of(file):
    """The packages that a file imports."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return sorted({name.partition(".")[0] for name in names})


def test_there_is_one_for_each_kind_of_model_in_python():
    kinds = {
        "scikit_learn_pipeline", "stacking", "label_only", "sample_weight", "sparse_text", "mixed_columns",
        "skorch_network", "torch_module", "xgboost_model", "lightgbm_model", "catboost_model",
    }  # fmt: skip
    assert kinds <= {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_adapter_is_short_and_hides_no_library(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    assert file.stem not in libraries_of(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_adapter_runs_as_it_is(file, tmp_path, monkeypatch, capfd):
    missing = [name for name in libraries_of(file) if importlib.util.find_spec(name) is None]
    if missing and not EVERY:
        pytest.skip(f"{', '.join(missing)} is not installed (make adapters installs all)")
    if not EVERY:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [str(file)])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            runpy.run_path(str(file), run_name="__main__")
        printed = capfd.readouterr()
        assert printed.out.strip()
        assert not printed.err, "an example says nothing but its result"
        return
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        cwd=tmp_path,
        env={**os.environ, "UNLEARN_AUDIT_STORE": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not done.stderr, "an example says nothing but its result"
    assert not (tmp_path / "catboost_info").exists()
