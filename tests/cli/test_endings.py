"""How commands end: one sentence, an exit code that is never that of a leak, and only results on standard output."""

import errno
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import unlearn_audit
from unlearn_audit.cli import cache
from unlearn_audit.cli.commands import COMMANDS

SMALL = ["--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--attack-model=logistic-regression"]
CHATTY = """
import os, sys
from sklearn.tree import DecisionTreeClassifier
print("import")
class Tree(DecisionTreeClassifier):
    def __init__(self, max_depth=3, random_state=None):
        super().__init__(max_depth=max_depth, random_state=random_state)
        print("made")
    def fit(self, X, y):
        print("fitted")
        return super().fit(X, y)
    def predict_proba(self, X):
        print("asked")
        return super().predict_proba(X)
class Leaves(Tree):
    def fit(self, X, y):
        sys.exit(0)
"""
SOURCE = Path(unlearn_audit.__file__).parent


def modes(folder):
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def test_models_that_print_leave_json_alone_and_what_is_written_is_private(command, tmp_path):
    Path("mine.py").write_text(CHATTY)
    before = os.umask(0o000)
    try:
        done = command("run", "--dataset=breast-cancer", "--model=mine.py:Tree", *SMALL, "--json", "--out=run")
    finally:
        os.umask(before)
    assert json.loads(done.out)["model"] == "mine.py:Tree"
    assert {"import", "made", "fitted", "asked"} <= set(done.err.split())
    public = {name for name, mode in modes(Path("run")).items() if mode not in (0o600, 0o700)}
    assert public == {"report.html", "report.md"}
    assert set(modes(tmp_path / "store").values()) == {0o600, 0o700}


def test_a_model_that_leaves_does_not_end_a_run_as_if_all_were_well(command):
    Path("mine.py").write_text(CHATTY)
    done = command("run", "--dataset=breast-cancer", "--model=mine.py:Leaves", *SMALL)
    assert done.code == 2
    assert done.out == ""
    line = CHATTY.splitlines().index("        sys.exit(0)") + 1
    assert "model mine.py:Leaves failed to fit" in done.err
    assert f"SystemExit: 0, at mine.py:{line}" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS), ["data", "list"], ["cache", "info"]])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_help_can_be_printed_in_every_encoding(monkeypatch, command, words, encoding):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding=encoding, errors="strict"))
    assert command(*words, "--help").code == 0
    sys.stdout.flush()
    assert b"Usage" in buffer.getvalue()


class Broken(io.StringIO):
    """A stream that cannot be written any more."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, _):
        raise self.error


@pytest.mark.parametrize(
    "words", ["list attacks", "list attacks --json", "data list", "cache info", "run --help-all", "--version"]
)
def test_a_reader_that_leaves_ends_a_command_in_silence(command, monkeypatch, words):
    monkeypatch.setattr(sys, "stdout", Broken(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    done = command(*words.split())
    assert (done.code, done.err) == (141, "")


@pytest.mark.parametrize("words", ["--help", "list --help"])
def test_a_reader_that_leaves_a_pipe_ends_the_process_in_silence(words):
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "unlearn_audit", *words.split()], stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_where_nobody_can_be_told_the_exit_code_stays(command, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Broken(OSError(errno.ENOSPC, "No space left on device")))
    assert command("run", "--dataset=nowhere").code == 2
    assert command("run", "--nothing").code == 2


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_behind_standard_output_is_one_sentence(command, monkeypatch, options):
    monkeypatch.setattr(sys, "stdout", Broken(OSError(errno.ENOSPC, "No space left on device")))
    command("list", "attacks", *options).says("No space left on device")


@pytest.fixture
def raising(monkeypatch):
    """Let ``cache info`` raise an error."""

    def that(error):
        def raise_it():
            raise error

        monkeypatch.setattr(cache, "default_store_folder", raise_it)

    return that


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "a/b"), "a/b cannot be read or written (No such file"),
        (PermissionError(13, "Permission denied", b"a/\xff"), r"a/\udcff cannot be read or written (Permission"),
        (OSError("odd"), "cannot be read or written (odd)"),
        (OSError(36, "File name too long", "x" * 4000), "xxx...xxx"),
        (MemoryError(), "memory ran out"),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"), "not allowed in names"),
        (ValueError("embedded null byte"), "not allowed in names"),
    ],
)
def test_what_the_system_refuses_is_one_sentence(command, raising, error, said):
    raising(error)
    done = command("cache", "info")
    done.says(said)
    assert len(done.err) < 2500


def test_a_fault_of_ours_is_said_to_be_one_and_is_no_leak(command, raising):
    raising(KeyError("Ada"))
    done = command("cache", "info")
    assert done.code == 70
    assert re.fullmatch(r"Error: unexpected KeyError, at test_endings\.py:\d+: a bug in unlearn-audit; .*\n", done.err)


def test_what_the_library_of_commands_would_take_for_a_wish_to_stop_is_no_leak(command, raising):
    raising(EOFError("half"))
    done = command("cache", "info")
    assert done.code == 70
    assert "unexpected EOFError, at" in done.err
    raising(KeyboardInterrupt())
    command("cache", "info").says("raised KeyboardInterrupt")


@pytest.mark.parametrize("arguments", [["--traceback", "cache", "info"], ["cache", "info", "--traceback"]])
def test_the_rest_is_shown_where_it_is_asked_for(command, raising, arguments):
    raising(KeyError("Ada"))
    done = command(*arguments)
    assert done.code == 70
    assert "Traceback" in done.err
    assert "'Ada'" in done.err


def test_the_rest_is_shown_where_the_environment_asks_for_it(command, raising, monkeypatch):
    monkeypatch.setenv("UNLEARN_AUDIT_TRACEBACK", "1")
    raising(OSError(2, "gone", "a"))
    assert "Traceback" in command("cache", "info").err


def test_results_and_messages_leave_by_one_door():
    for path in SOURCE.rglob("*.py"):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(SOURCE).as_posix()
        assert name == "utils/console.py" or not re.search(r"\bConsole\(", text), name
        # help and version are printed before a command runs
        assert name in ("cli/main.py", "cli/shared/help.py") or "typer.echo" not in text, name


METHOD = """
from dataclasses import dataclass
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.options import Options
from unlearn_audit.unlearning.retrain import Retrain

@dataclass(frozen=True)
class Lazy(Unlearner):
    regime: Regime
    retrain: Retrain
    def learn(self, source, data, training, seed):
        return self.retrain.learn(source, data, training, seed)
    def unlearn(self, original, request, seed):
        raise SystemExit(0)

class LazyOptions(Options):
    def unlearner(self, retrain):
        return Lazy(retrain.regime, retrain)
"""


def test_an_unlearning_method_that_leaves_is_an_error_of_the_method(command):
    Path("lazy.py").write_text(METHOD)
    done = command("run", "--dataset=breast-cancer", "--unlearning=lazy.py:LazyOptions", *SMALL)
    assert done.code == 2
    assert "unlearning method Lazy raised SystemExit: 0, at lazy.py:15" in done.err
    assert "Traceback" not in done.err
