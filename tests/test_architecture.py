"""The shape of the package: imports go one way, files and functions are short, and heavy libraries load on demand."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

import unlearn_audit
from unlearn_audit.cli.commands import COMMANDS, load

ROOT = Path(unlearn_audit.__file__).parent

FLOW = (
    "errors", "utils", "config", "data", "worlds", "models", "observations", "versions", "agents", "unlearning",
    "defenses", "engine", "metrics", "attacks", "findings", "report", "audits", "release", "api", "testing",
    "reproduce", "cli", "__main__",
)  # fmt: skip
"""Every room of the first level, in the order of the flow; what all share comes first."""

MODULES = sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path):
    """The modules of this package that a file imports, those for type checkers too, with what it takes from each."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unlearn_audit"):
            yield node.module, [alias.name for alias in node.names]


def test_every_room_has_its_place():
    assert {room(path) for path in MODULES} == set(FLOW)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_imports_a_later_one(path):
    place = FLOW.index(room(path))
    rooms = {module.split(".")[1] for module, _ in imported(path) if "." in module}
    assert [name for name in rooms if FLOW.index(name) > place] == []


def file_of(name):
    """The file of a module of this package, None if it is a name inside one."""
    path = ROOT.joinpath(*name.split(".")[1:])
    return next((p for p in (path / "__init__.py", path.with_suffix(".py")) if p.exists()), None)


def test_no_files_import_each_other_in_a_circle():
    """Imports inside functions and those for type checkers count too."""
    graph = {
        path: {file_of(f"{module}.{name}") or file_of(module) for module, names in imported(path) for name in names}
        for path in ROOT.rglob("*.py")
    }
    assert None not in set().union(*graph.values())
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(str(path.relative_to(ROOT)) for path in error.args[1]))


LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 60, 8

ROOT_MODULES = {"__init__", "__main__", "api", "config", "errors", "testing", "release"}

FROM_THE_CONFIGURATION = {
    "api.audit", "api.audit_observations", "api.compare_methods", "cli.compare_methods.compare_methods",
    "cli.run.run", "cli.plan.plan", "cli.plan_release.plan_release",
    "cli.name.name", "cli.rectify.rectify",
    "audits.query.run.query", "cli.query.query",
    "audits.agents.run.audit_agent", "audits.agents.plan.plan_agent", "cli.agent.agent",
    "cli.predictions.predictions", "cli.purge.purge_command", "cli.release.release", "cli.reproduce.reproduce_command",
}  # fmt: skip
"""Functions with a parameter for each setting, as users write them: their signature is a list and not counted."""

ESTIMATORS = {"models.networks.classifier.TorchClassifier.__init__"}
"""scikit-learn wants every hyper-parameter of an estimator to be a parameter of its ``__init__``."""


def functions(path):
    """The functions and methods of a file with their full names, those inside functions too."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    pending = [(module, ast.parse(path.read_text(encoding="utf-8")))]
    while pending:
        name, node = pending.pop()
        for child in ast.iter_child_nodes(node):
            full = f"{name}.{child.name}" if hasattr(child, "name") and isinstance(child, ast.stmt) else name
            pending.append((full, child))
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield full, child


def n_lines(name, function):
    """How many lines a function has, without its docstring, and without its signature where that is a list."""
    doc = function.body[0] if ast.get_docstring(function) is not None else None
    signature = function.body[0].lineno - function.lineno if name in FROM_THE_CONFIGURATION else 0
    return function.end_lineno - function.lineno + 1 - signature - (doc.end_lineno - doc.lineno + 1 if doc else 0)


def n_parameters(function):
    of = function.args
    names = [arg.arg for arg in (*of.posonlyargs, *of.args, of.vararg, *of.kwonlyargs, of.kwarg) if arg is not None]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_the_root_of_the_package_holds_what_users_import_and_rooms():
    assert {path.stem for path in ROOT.glob("*.py")} <= ROOT_MODULES


def test_the_exceptions_are_there():
    found = {name for path in MODULES for name, _ in functions(path)}
    assert found >= FROM_THE_CONFIGURATION | ESTIMATORS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    own = dict(functions(path))
    assert {name: n_lines(name, of) for name, of in own.items() if n_lines(name, of) > LONGEST_FUNCTION} == {}
    counted = {name: n_parameters(of) for name, of in own.items() if name not in FROM_THE_CONFIGURATION | ESTIMATORS}
    assert {name: n for name, n in counted.items() if n > MOST_PARAMETERS} == {}


def loaded_by(code, heavy):
    """Which of some modules a process of its own has loaded once it has run some code."""
    said = f"import sys; {code}; print([n for n in {heavy} if n in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    return done.stderr.strip().splitlines()[-1]


NEVER = ("matplotlib", "torch", "httpx", "dask", "distributed", "sklearnex", "daal4py")


def test_heavy_libraries_are_imported_only_where_they_are_used():
    """The command line answers without matplotlib, and nothing needs torch, Dask or scikit-learn-intelex."""
    assert loaded_by("from unlearn_audit.cli.commands import *; [load(name) for name in COMMANDS]", NEVER) == "[]"


def test_help_waits_for_no_library_that_calculates():
    heavy = (*NEVER, "numpy", "scipy", "pandas", "pyarrow", "sklearn", "joblib", "jinja2")
    code = "from unlearn_audit.cli.main import app; app(['--help'], standalone_mode=False)"
    assert loaded_by(code, heavy) == "[]"


def test_a_look_at_two_files_waits_for_nothing_that_trains(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("before", "after"):
        p = rng.uniform(size=60)
        np.savez(
            tmp_path / f"{name}.npz",
            record=np.arange(60),
            posteriors=np.column_stack([p, 1 - p]),
            label=np.arange(60) % 2,
        )
    (tmp_path / "held-out.txt").write_text("\n".join(map(str, range(1, 60))))
    folder = tmp_path.as_posix()
    words = [
        "release", f"{folder}/before.npz", f"{folder}/after.npz", "--deleted=0", f"--reference={folder}/held-out.txt",
        f"--out={folder}/out",
    ]  # fmt: skip
    code = f"from unlearn_audit.cli.main import app; app({words}, standalone_mode=False)"
    assert loaded_by(code, (*NEVER, "sklearn", "scipy.stats", "scipy.optimize")) == "[]"
    assert (tmp_path / "out" / "findings.json").exists()


@pytest.mark.parametrize("package", ["", ".attacks", ".engine", ".unlearning"])
def test_a_name_imported_on_demand_is_no_module_and_is_there(package):
    module = importlib.import_module(f"unlearn_audit{package}")
    assert sorted(module.__all__) == [name for name in dir(module) if not name.startswith("__")]
    modules = {of.name for of in pkgutil.iter_modules(module.__path__)}
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name not in modules
    with pytest.raises(AttributeError, match="no attribute 'unheard_of'"):
        module.unheard_of  # noqa: B018


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_its_own_first_sentence(name):
    first = load(name).help.partition("\n\n")[0]
    assert " ".join(first.split()) == COMMANDS[name][2]


def own_names(tree):
    """What a file defines itself, so that it may use it whatever its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            yield node.attr


def private_names(tree):
    """The private names of this package that a test reaches into: imported, read off an object, or patched by text."""
    own = set(own_names(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unlearn_audit"):
            yield from (alias.name for alias in node.names if alias.name.startswith("_"))
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            yield from () if node.attr in own | {"_exit"} else (node.attr,)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("unlearn_audit."):
            yield from re.findall(r"\._[a-z]\w*", node.value)


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.rglob("*.py")), ids=lambda path: path.name)
def test_no_test_reaches_into_private_names(path):
    assert list(private_names(ast.parse(path.read_text(encoding="utf-8")))) == []
