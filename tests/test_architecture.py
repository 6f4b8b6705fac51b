"""Data moves one way through the rooms: no room imports one that stands later in the flow."""

import ast
from pathlib import Path

import pytest

import unlearn_audit

ROOT = Path(unlearn_audit.__file__).parent

FLOW = (
    "errors", "files", "seeds", "threads", "config", "progress", "data", "worlds", "models", "unlearning", "fields",
    "observations",
    "engine", "defenses", "metrics", "attacks", "report", "risk", "three_way", "assess", "describe", "result", "arms", "until",
    "audit", "naming", "reconstruction", "forecast", "reproduce", "release", "cli",
)  # fmt: skip
"""Every module and package of the first level, in the order of the flow; what all share comes first."""


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unlearn_audit."):
            yield node.module.split(".")[1]


MODULES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def test_every_room_has_its_place():
    assert {room(path) for path in MODULES} == set(FLOW)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_imports_a_later_one(path):
    place = FLOW.index(room(path))
    assert [name for name in imports(path) if FLOW.index(name) > place] == []


def test_heavy_libraries_are_imported_only_where_they_are_used():
    """The command line answers without matplotlib, and nothing needs torch, Dask or scikit-learn-intelex."""
    import subprocess
    import sys

    heavy = ("matplotlib", "torch", "httpx", "dask", "distributed", "sklearnex", "daal4py")
    code = f"import sys, unlearn_audit.cli.main; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
