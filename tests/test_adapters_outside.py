"""The examples of models outside Python run as they are, and in at most 25 lines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ADAPTERS = Path(__file__).parents[1] / "examples" / "adapters"
SAYS = {
    "http_api": ("569 records, 2 classes", "unlearn-audit release"),
    "onnx_model": ("178 records, 3 classes", "--deleted 0"),
    "torch_weights": ("150 records, 3 classes", "answers/before.parquet"),
    "outside_program": ("deleted", "regime same-seed"),
}
NEEDS = {"onnx_model": ("onnxruntime", "skl2onnx"), "torch_weights": ("torch", "safetensors")}


@pytest.mark.parametrize("name", SAYS)
def test_it_runs(name, tmp_path):
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library)
    if name == "outside_program" and sys.platform == "win32":
        pytest.skip("awk is not there")
    done = subprocess.run(
        [sys.executable, "-W", "error", ADAPTERS / f"{name}.py"],
        cwd=tmp_path,
        env={**os.environ, "UNLEARN_AUDIT_STORE": str(tmp_path / "store")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for words in SAYS[name]:
        assert words in done.stdout
    assert len((ADAPTERS / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 25
