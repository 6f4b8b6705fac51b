"""The core without what only extras bring, and nothing in it that only one system has."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np

import unlearn_audit

ROOT = Path(unlearn_audit.__file__).parent

OPTIONAL = (
    "torch",
    "dask",
    "distributed",
    "opacus",
    "monai",
    "skorch",
    "safetensors",
    "mlflow",
    "sklearnex",
    "onnx",
    "numba",
)
"""What only extras bring; matplotlib is of the core, and is imported where a plot is drawn."""

ABSENT = """
import sys
class Absent:
    names = set({names})
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""

EVERY_MODULE = """
import importlib, pkgutil, unlearn_audit
for module in pkgutil.walk_packages(unlearn_audit.__path__, "unlearn_audit.", onerror=lambda name: None):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        print(module.name, error.name)
"""

OF_EXTRAS = ("models.accelerated", "models.cart.kernel", "models.networks", "unlearning.networks")
"""Where a library of an extra may be imported with the module."""


FEW = ["--feature=sorted-diff", "--attack-model=logistic-regression", "--attack=none"]


def without(names, code):
    """What a process prints that runs code where some libraries are not installed."""
    done = subprocess.run(
        [sys.executable, "-c", ABSENT.format(names=list(names)) + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_of_the_core_is_imported_without_the_libraries_of_extras_and_plots():
    failed = [line.split() for line in without([*OPTIONAL, "matplotlib"], EVERY_MODULE).splitlines()]
    assert [module for module, _ in failed if not module.removeprefix("unlearn_audit.").startswith(OF_EXTRAS)] == []
    assert {library for _, library in failed} <= {"torch", "sklearnex", "numba"}


def test_the_core_answers_and_audits_without_the_libraries_of_extras(tmp_path):
    rng = np.random.default_rng(0)
    for side in ("shadow", "target"):
        p, q = rng.uniform(size=(2, 60))
        rows = zip(np.tile(["deleted", "unseen"], 30), p, 1 - p, q, 1 - q, strict=True)
        lines = ["role,before_no,before_yes,after_no,after_yes", *(",".join(map(str, row)) for row in rows)]
        (tmp_path / f"{side}.csv").write_text("\n".join(lines), encoding="utf-8")
    folder, out = tmp_path.as_posix(), (tmp_path / "out").as_posix()
    audit = [
        "run", f"--out={out}", f"--store={folder}/store", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5",
        "--unseen=4", "--references=5", *FEW, "--model=decision-tree",
    ]  # fmt: skip
    files = ["predictions", f"--shadow={folder}/shadow.csv", f"--target={folder}/target.csv", f"--out={folder}/files"]
    calls = [["--version"], ["list", "models"], ["list", "unlearning"], ["run", "--help"], [*files, *FEW], audit]
    code = f"""
from unlearn_audit.cli.main import app
for words in {calls}:
    app(words, standalone_mode=False)
"""
    said = without(OPTIONAL, code)
    assert said.startswith("unlearn-audit ")
    assert "torch-mlp" in said
    assert "digits" in (tmp_path / "out" / "findings.json").read_text(encoding="utf-8")
    for name in ("out", "files"):
        assert "<svg" in (tmp_path / name / "report.html").read_text(encoding="utf-8")


def test_an_own_method_of_a_model_that_could_be_kept_is_audited_without_safetensors():
    said = without(
        ["safetensors"],
        """
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB
from unlearn_audit import audit

def refit(model, forget, retain, *, rng):
    return model.fit(retain.X, retain.y)

found = audit(
    GaussianNB(), *load_digits(return_X_y=True), unlearning=refit, shadow_worlds=3, target_worlds=3, train_size=60,
    deletions=5, unseen=4, references=5, attacks=["score-difference"], attack_models=["none"], progress=False,
)
print(found.findings.selected.attack)
""",
    )
    assert said.strip() == "score-difference"


POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}

POSIX_NAMES = {
    "os": {
        "chown", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid", "killpg",
        "mkfifo", "nice", "pidfd_open", "register_at_fork", "sched_getaffinity", "setpgid", "setsid", "statvfs",
        "sysconf", "uname", "wait", "waitid", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK",
    },
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm", "pthread_sigmask", "setitimer"},
}  # fmt: skip
"""What Windows lacks."""

GUARDED = {("cli/shared/signals.py", "pthread_sigmask"), ("cli/shared/signals.py", "register_at_fork")}
"""Used only where the system has it: in a hook of forks, and after a look at it."""


TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}


def guarded(tree):
    """What stands in a try that expects an ImportError, or below a look at the system."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any("ImportError" in ast.unparse(h.type or node) for h in node.handlers):
            yield from (inner for statement in node.body for inner in ast.walk(statement))
        if isinstance(node, ast.If) and "sys.platform" in ast.unparse(node.test):
            yield from ast.walk(node)


def of_posix(path, tree):
    """The lines of a file that fail where the system is not POSIX."""
    allowed = set(guarded(tree))
    for node in set(ast.walk(tree)) - allowed:
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [of.name for of in node.names]
            if POSIX_MODULES & set(modules):
                yield node.lineno
        lacking = POSIX_NAMES.get(ast.unparse(node.value), ()) if isinstance(node, ast.Attribute) else ()
        if lacking and node.attr in lacking and (path, node.attr) not in GUARDED:
            yield node.lineno


def test_what_only_posix_has_is_used_with_a_look_at_the_system():
    assert [(path, line) for path, tree in TREES.items() for line in of_posix(path, tree)] == []
    assert sorted(of_posix("made.py", ast.parse("import fcntl\nos.killpg(1, 9)"))) == [1, 2]
    assert list(of_posix("made.py", ast.parse("try:\n    import resource\nexcept ImportError:\n    pass"))) == []


def opens_text(call):
    """Whether a call reads or writes text, whose encoding would be the system's if it is not said."""
    of = call.func
    name = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
    if name in ("read_text", "write_text", "TextIOWrapper"):
        return True
    strings = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    modes = [text for text in strings if text and set(text) <= set("rwaxbt+")]
    if isinstance(of, ast.Name):
        return name == "open" and not any("b" in mode for mode in modes)
    return name in ("open", "fdopen") and bool(modes) and "b" not in modes[0]


def unsaid(tree):
    """The lines at which a text is opened and its encoding not said."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and opens_text(node) and "encoding" not in {of.arg for of in node.keywords}:
            yield node.lineno


def test_every_text_says_how_it_is_encoded():
    assert [(path, line) for path, tree in TREES.items() for line in unsaid(tree)] == []
    assert list(unsaid(ast.parse('open(p)\np.open("a")\np.read_text()\nopen(p, "rb")\nos.fdopen(n, "w")'))) == [
        1,
        2,
        3,
        5,
    ]
