"""Every notebook of the examples runs from top to bottom, shows little, and is kept without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import unlearn_audit

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.ipynb"))
MOST_LETTERS = 60_000
"""Of all text and HTML that a notebook shows; one result alone once took twice as many."""


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_there_is_one_for_each_kind_of_user():
    assert [path.stem for path in NOTEBOOKS] == ["only_files", "own_torch_model", "quick_start"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs_and_with_an_id_for_each_cell(path):
    found = read(path)
    code = [cell for cell in found["cells"] if cell["cell_type"] == "code"]
    assert [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)
    ids = [cell["id"] for cell in found["cells"]]
    assert len(set(ids)) == len(ids)
    assert path.stat().st_size < 10_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_shows_its_results_in_short(path, tmp_path, monkeypatch):
    nbformat, nbclient = (pytest.importorskip(name) for name in ("nbformat", "nbclient"))
    pytest.importorskip("ipykernel")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", str(Path(unlearn_audit.__file__).parents[1]))
    notebook = nbformat.read(path, as_version=4)
    (tmp_path / "cwd").mkdir()
    nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path / "cwd"}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type in ("error", "stream") and "name" not in output]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    shown = [output.data for output in outputs if "data" in output]
    assert sum(len(of.get("text/plain", "")) + len(of.get("text/html", "")) for of in shown) < MOST_LETTERS
    assert any("Verdict: " in of.get("text/html", "") for of in shown)
    assert any("image/png" in of for of in shown)
    auditing = [cell for cell in notebook.cells if "= audit" in cell.source]
    for cell in auditing:  # one output holds all bars of a cell
        assert sum("<progress" in output.get("data", {}).get("text/html", "") for output in cell.outputs) == 1
    assert auditing
    assert not list((tmp_path / "cwd").iterdir())
