"""The benchmark runs, and its two ways agree; how long they take is never tested."""

import ast
import importlib
import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from unlearn_audit import Execution

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
BENCHMARK = BENCHMARKS / "default_audit.py"
CASES = ("lr-adult-20", "trees", "forest-deletions", "attack-stage", "second-run")


@pytest.mark.parametrize("path", sorted(BENCHMARKS.rglob("*.py")), ids=lambda path: path.stem)
def test_what_is_imported_from_the_package_is_there(path):
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    for node in (node for node in nodes if (node.module or "").startswith("unlearn_audit")):
        module = importlib.import_module(node.module)
        for alias in node.names:
            assert hasattr(module, alias.name) or find_spec(f"{node.module}.{alias.name}"), (node.module, alias.name)


def test_both_ways_of_the_default_audit_agree(tmp_path):
    out = tmp_path / "results.json"
    command = [sys.executable, str(BENCHMARK), "--small", "--pairs", "1", "--jobs", "1", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    (pair,) = results["pairs"]
    rows = (5 + 3) * 4 * (1 + 1 + 1 + 4 + 5)
    assert pair["figures_compared"] > rows * 2 * 10
    assert results["machine"]["scikit-learn"]
    assert set(pair["plain"]["stages"]) == {"data", "fits", "queries", "attacks", "figures"}


@pytest.mark.usefixtures("real_data")
def test_networks_on_a_gpu_are_timed_without_what_only_other_parts_need(tmp_path):
    """The script runs where there is no pydantic, as on a rented machine, and without a GPU at a small size."""
    out = tmp_path / "gpu.json"
    code = (
        "import runpy, sys\n"
        "for name in ('pydantic', 'platformdirs', 'rich', 'typer', 'httpx', 'monai'):\n"
        "    sys.modules[name] = None\n"
        f"sys.argv = ['gpu.py', '--small', '--pairs', '1', '--out', {str(out)!r}]\n"
        f"runpy.run_path({str(BENCHMARK.with_name('gpu.py'))!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    assert [case["models_timed"]["batch"] for case in results["cases"]] == [4, 3]
    assert all(of["float64"] < 1e-9 and of["same_bits_beside_others"] for of in results["correctness"].values())


def test_both_sides_of_the_cases_agree():
    command = [sys.executable, str(BENCHMARKS / "suite.py"), "--small", *(f"--case={case}" for case in CASES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" x as fast") == len(CASES)


def test_sides_that_differ_fail_before_anything_is_timed(benchmark_modules):
    measure = benchmark_modules("measure")
    timed = []

    def agree(plain, ours):
        assert plain == ours

    case = measure.Case("a", "a", 1, lambda _: measure.Sides(lambda: timed.append(1) or 1, lambda: 2, agree))
    with pytest.raises(AssertionError):
        measure.measure(case, 3, small=True)
    assert len(timed) == 1


def test_ratios_are_taken_within_pairs_and_scaled(benchmark_modules):
    measure = benchmark_modules("measure")
    pair = {"plain": {"wall": 4.0, "cpu": 2.0}, "ours": {"wall": 1.0, "cpu": 1.0}}
    slow = {"plain": {"wall": 40.0, "cpu": 2.0}, "ours": {"wall": 20.0, "cpu": 1.0}}
    found = measure.summary([pair, slow, pair])
    assert (found["ratio"], found["ratio_range"], found["cpu_ratio"]) == (4.0, [2.0, 4.0], 2.0)
    case = measure.Case(
        "a", "a", 1, lambda _: measure.Sides(lambda: time.sleep(0.01), lambda: None, lambda *_: None, 100)
    )
    assert measure.measure(case, 1, small=True)["pairs"][0]["plain"]["wall"] >= 1


def test_the_cpu_time_of_workers_counts(benchmark_modules):
    measure = benchmark_modules("measure")
    before = measure.cpu_seconds()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as worker:
        while measure.cpu_seconds() < before + 0.1:
            assert worker.poll() is None
        worker.kill()


def test_the_page_is_what_the_figures_make(benchmark_modules):
    measure, performance = (benchmark_modules(name) for name in ("measure", "performance"))
    assert performance.PAGE.read_text(encoding="utf-8") == performance.page(measure.read_results())


def test_the_attack_tables_are_what_the_figures_make(benchmark_modules):
    table = benchmark_modules("attack_table")
    measured = json.loads(table.MEASURED.read_text(encoding="utf-8"))
    assert table.WHOLE.read_text(encoding="utf-8") == table.whole_page(measured)
    page = table.PAGE.read_text(encoding="utf-8")
    assert page == table.with_table(page, table.summary(measured))


def test_the_tables_of_per_record_attacks_are_what_the_figures_make(benchmark_modules):
    module = benchmark_modules("per_record_table")
    measured = json.loads(module.MEASURED.read_text(encoding="utf-8"))
    page = module.PAGE.read_text(encoding="utf-8")
    assert page == module.with_table(page, module.table(measured), marks=module.MARKS)
    assert page == module.with_table(page, module.verdicts(measured), marks=module.VERDICTS)


def test_the_curves_of_naming_are_measured_and_drawn(benchmark_modules, monkeypatch, tmp_path):
    module = benchmark_modules("naming_curves")
    monkeypatch.setattr(sys, "argv", ["naming_curves.py", "--small", "--out", str(tmp_path)])
    module.main()
    measured = json.loads((tmp_path / "naming_curves.json").read_text(encoding="utf-8"))
    assert list(measured) == list(module.SMALL_CONDITIONS)
    for of in measured.values():
        for name in ("first", "first_ten", "first_percent"):
            assert of[f"{name}_ci"][0] <= of[name] <= of[f"{name}_ci"][1]
    alone, rounded, together = (
        measured[name]["median_rank"] for name in (module.NOTHING, "1 decimal", "2 people at once")
    )
    assert alone < min(rounded, together)
    assert measured["2 people at once"]["deletions"] == 2 * measured[module.NOTHING]["deletions"]
    drawn = ElementTree.fromstring((tmp_path / "curves.svg").read_text(encoding="utf-8"))
    texts = {"".join(element.itertext()).strip() for element in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"found first", *(panel.words for panel in module.SMALL_PANELS)} <= texts


def test_the_curves_of_naming_are_what_the_figures_make(benchmark_modules):
    module = benchmark_modules("naming_curves")
    measured = json.loads(module.MEASURED.read_text(encoding="utf-8"))
    page = module.PAGE.read_text(encoding="utf-8")
    assert page == module.with_table(page, module.table(measured))
    drawn = ElementTree.fromstring(module.FIGURE.read_text(encoding="utf-8"))
    assert drawn.findtext("{http://www.w3.org/2000/svg}desc") == module.description(measured, module.PANELS)


def test_the_change_field_tells_the_deleted_where_columns_are_many(benchmark_modules):
    module = benchmark_modules("change_field")
    X, y = module.binary_table(0)
    assert X.shape == (4000, 400)
    assert np.isin(X, (0, 1)).all()
    assert np.array_equal(np.unique(y), np.arange(6))
    found = module.auc_of(module.made_up(0, module.SMALL_WORLDS), Execution())
    assert found["n_positive"] == 60
    assert found["auc"] > 0.85


def test_the_table_of_wide_tables_is_what_the_figures_make(benchmark_modules):
    module = benchmark_modules("change_field")
    measured = json.loads(module.MEASURED.read_text(encoding="utf-8"))
    page = module.PAGE.read_text(encoding="utf-8")
    assert page == module.with_table(page, module.table(measured), module.PAGE.name, module.MARKS)
    assert np.mean([measured[f"made-up, seed {seed}"]["auc"] for seed in module.SEEDS]) >= 0.85
    for data, least, key, named in (("digits", 0.97, "first", 0.42), ("checkins-nyc", 0.91, "first_ten", 0.43)):
        assert measured[data]["auc"] >= least
        assert measured[f"{data}, name"]["deletions"] >= 1000
        assert measured[f"{data}, name"][key] >= named


@pytest.fixture
def benchmark_modules(monkeypatch):
    """Import a benchmark's module by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_made_and_damaged_inputs_are_read_or_refused(benchmark_modules, tmp_path):
    tally = benchmark_modules("trust.inputs").inputs(1500, 0, tmp_path)
    assert tally.failed == []
    assert tally.tried == 1500


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("open('outside', 'w')", "did open"),
        ("__import__('os').system('true')", "did os.system"),
        ("bytearray(6 << 30)", "MemoryError"),
        ("(_ for _ in ()).throw(KeyboardInterrupt())", "KeyboardInterrupt"),
        ("time.sleep(60)", "no end after"),
        ("1", None),
    ],
)
def test_what_is_tried_can_fail(benchmark_modules, tmp_path, code, said):
    inputs = benchmark_modules("trust.inputs")
    lines = (
        "import signal, sys, time",
        "from pathlib import Path",
        "from trust import inputs",
        "inputs.SECONDS = 1",
        "watch = inputs.Watch(Path('allowed').resolve())",
        "sys.addaudithook(watch)",
        "signal.signal(signal.SIGALRM, inputs._late)",
        "with inputs.bounded():",
        f"    print(inputs.tried(lambda: {code}, watch))",
    )
    path = [str(Path(inputs.__file__).parents[1]), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert str(said) in done.stdout


def test_load_is_measured_in_processes_that_end(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "trust" / "load.py"), "--small", "--jobs=1", "--case=no-fit"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = json.loads(done.stdout)["no-fit"]["runs"]
    assert run["rows"] == 8000
    assert run["cpu_seconds"] > 0
    assert run["peak_bytes"] > run["grown_bytes"] > 0
    assert list(tmp_path.iterdir()) == []
