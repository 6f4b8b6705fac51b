"""The command line as one types it: help, completion, slips of the pen, pipes, folders that hold something."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from test_architecture import NEVER, loaded_by
from unlearn_audit.cli.commands import COMMANDS, load
from unlearn_audit.cli.shared.from_config import flags
from unlearn_audit.cli.shared.values import declared, registry_of
from unlearn_audit.config import AuditConfig
from unlearn_audit.utils.console import messages, output

SMALL = (
    "--shadow-worlds=2", "--target-worlds=2", "--train-size=100", "--deletions=5", "--unseen=3", "--references=5",
    "--attack=none", "--feature=sorted-diff", "--attack-model=logistic-regression",
)  # fmt: skip
TABLE = json.loads(files("unlearn_audit.cli").joinpath("completion.json").read_text(encoding="utf-8"))


def completed(monkeypatch, capsys, shell, line):
    """What a shell offers behind a line; the last word is incomplete."""
    from unlearn_audit.cli.main import main

    words = line.split(" ")
    given = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_TYPER_COMPLETE_ARGS": line,
             "_TYPER_COMPLETE_FISH_ACTION": "get-args", "_UNLEARN_AUDIT_COMPLETE": f"complete_{shell}"}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["unlearn-audit"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr()
    assert said.err == ""
    if shell == "zsh":  # a value, and maybe what it is
        return re.findall(r'"([^"]+)"(?::"[^"]*")?', said.out)
    return [line.partition("\t")[0] for line in said.out.splitlines() if line]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("unlearn-audit ru", ["run"]),
        ("unlearn-audit run --regime ", ["fixed", "same-seed", "fresh"]),
        ("unlearn-audit run --regime f", ["fixed", "fresh"]),
        ("unlearn-audit run --dataset checkins-n", ["checkins-nyc"]),
        ("unlearn-audit run --model decision-tree-", ["decision-tree-full"]),
        ("unlearn-audit run --seed 1 --attack pair-scale-l", ["pair-scale-local"]),
        ("unlearn-audit run --feature sorted-diff --feature sorted-c", ["sorted-concat"]),
        ("unlearn-audit plan --scenario multi", ["multi-version"]),
        ("unlearn-audit compare-methods --method gradient", ["gradient-ascent"]),
        ("unlearn-audit release --control ", ["holm", "fdr"]),
        ("unlearn-audit reproduce hyper", ["hyper-parameters"]),
        ("unlearn-audit list d", ["defenses", "datasets"]),
        ("unlearn-audit data f", ["fetch"]),
        ("unlearn-audit data fetch adu", ["adult"]),
        ("unlearn-audit run --retr", ["--retraining-arm"]),
        ("unlearn-audit run --no-retr", ["--no-retraining-arm"]),
    ],
)
def test_shells_complete_commands_options_and_values(monkeypatch, capsys, shell, line, offered):
    assert completed(monkeypatch, capsys, shell, line) == offered


@pytest.mark.parametrize("line", ["unlearn-audit run --data ", "unlearn-audit rnu --x", "unlearn-audit run --seed "])
def test_where_nothing_is_known_the_shell_is_left_to_offer_files(monkeypatch, capsys, line):
    assert completed(monkeypatch, capsys, "bash", line) == []


def test_the_table_of_values_is_what_the_commands_declare():
    """``python -m unlearn_audit.cli.shared.values > src/unlearn_audit/cli/completion.json`` writes it anew."""
    assert declared() == TABLE


def test_every_choice_of_a_configuration_can_be_completed():
    run = TABLE["commands"]["run"]
    by_flag = {name.partition("/")[0].split(",")[0].removeprefix("--"): values for name, values in run.items()}
    for flag in flags():
        assert flag.name in by_flag
        if flag.extra["family"]:
            assert by_flag[flag.name] == [f"@{flag.extra['family']}"]
    assert by_flag["attack-model"] == list(AuditConfig().attack_models)
    for family, names in TABLE["families"].items():
        assert names == list(registry_of(family)[0].own)


def test_a_shell_waits_for_no_library_that_calculates():
    heavy = (*NEVER, "numpy", "scipy", "pandas", "pyarrow", "sklearn", "joblib", "jinja2", "yaml", "rich.console")
    code = (
        "import os; os.environ.update(_UNLEARN_AUDIT_COMPLETE='complete_bash', COMP_CWORD='3', "
        "COMP_WORDS='unlearn-audit run --model '); sys.argv = ['unlearn-audit']\n"
        "from unlearn_audit.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print(len(sys.modules))\nimport sys"
    )
    assert loaded_by(code, heavy) == "[]"
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True, check=True)
    assert "decision-tree" in done.stdout.split()
    assert int(done.stdout.split()[-1]) < 700


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_read_what_completes_it(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code = "from unlearn_audit.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--show-completion", shell], capture_output=True, text=True, check=True
    )
    assert "_UNLEARN_AUDIT_COMPLETE=complete_" + shell in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


ALL = [[], *([name] for name in COMMANDS), *([name, of] for name in ("data", "cache") for of in load(name).commands)]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_cuts_nothing_and_shows_flags_as_flags(command, words):
    for ask in ["--help", "--help-all"] if words and "--help-all" in command(*words, "--help").out else ["--help"]:
        said = command(*words, ask)
        assert said.code == 0
        assert "…" not in said.out
        assert not re.search(r"<(bool|int|float|str|text|path|choice)>|[│╭]", said.out, re.IGNORECASE)
        assert max(map(len, said.out.splitlines())) <= 80


def test_the_short_help_of_run_is_short_and_names_every_choice(command):
    short, whole = command("run", "--help").out, command("run", "--help-all").out
    assert len(short.splitlines()) < 110
    assert "More options: --help-all" in short
    words = set(re.findall(r"[\w-]+", whole))
    for name, values in TABLE["commands"]["run"].items():
        assert name.partition("/")[0].split(",")[0] in whole
        assert not {of for of in values or () if not of.startswith("@")} - words
    assert {*TABLE["families"]["models"], *TABLE["families"]["unlearning"]} <= words
    assert "--retraining-arm, --no-retraining-arm" in whole


def test_a_group_without_a_command_shows_its_help(command):
    for words in ([], ["data"], ["cache"]):
        done = command(*words)
        assert done.code == 2
        assert "Commands:" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("rnu", "unknown command 'rnu'; did you mean run?"),
        ("cache prun", "unknown command 'prun'; did you mean prune?"),
        ("data zzz", "use one of list, where, fetch"),
        ("run --sed 1", "unknown option --sed; did you mean --seed"),
        ("run --modle mlp", "did you mean --model"),
        ("run --jobs x", "invalid value for '--jobs'"),
        ("run --jobs", "'--jobs' requires an argument"),
        ("run one.yaml two.yaml", "unexpected extra argument"),
        ("list attaks", "'attaks' is not one of"),
        ("--vers", "did you mean --version?"),
        ("verify", "missing argument"),
    ],
)
def test_a_slip_of_the_pen_is_one_sentence(command, words, said):
    command(*words.split()).says(said)


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "unlearn_audit", "rnu"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == "Error: unknown command 'rnu'; did you mean run?"


def test_lines_are_whole_where_no_terminal_reads_them(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    text = "word " * 100
    for console in (output(), messages()):
        console.print(text)
    said = capsys.readouterr()
    assert said.out == said.err == text + "\n"
    output(width=40).print(text)
    assert len(capsys.readouterr().out.splitlines()) > 10
    monkeypatch.setenv("COLUMNS", "60")
    output().print(text)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 60


def test_a_piped_summary_is_whole_and_force_replaces_another_run_and_nothing_else(command, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    small = ["--dataset=breast-cancer", *SMALL, "--out=run"]
    said = command("run", *small).out.splitlines()
    assert json.loads(Path("run/findings.json").read_text())["verdict"]["summary"] in said
    command("run", *small, "--seed=1").says("choose another --out, or replace it with --force")
    Path("run/notes.txt").write_text("mine")
    command("run", *small, "--seed=1", "--force").says("holds another run and notes.txt, which no run wrote")
    assert json.loads(Path("run/config.json").read_text())["seed"] == 0
    Path("run/notes.txt").unlink()
    assert command("run", *small, "--seed=1", "--force").code == 0
    assert json.loads(Path("run/config.json").read_text())["seed"] == 1
    assert command("verify", "run").code == 0
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("years of work")
    command("run", *small[:-1], "--out=mine", "--force").says("mine is not empty and holds no run")
    assert os.listdir("mine") == ["thesis.tex"]


def test_every_command_with_a_run_folder_takes_force():
    for name, parameters in TABLE["commands"].items():
        if name != "record":  # its folder holds two documents and is none of a run
            assert ("--force" in parameters) == ("--out" in parameters), name


def test_a_target_without_shadow_is_shown_the_way_to_release(command):
    command("predictions", "--target", "t.csv").says("unlearn-audit release BEFORE AFTER")
    command("predictions", "--shadow", "s.csv").says("needs --target")
