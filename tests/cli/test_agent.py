"""The command ``agent``, and ``gate`` and ``plan`` on it."""

import json
import sys
from pathlib import Path

import pytest

AGENTS = Path(__file__).parents[1] / "made_note_agents.py"
SMALL = ["--canaries=16", "--cycles=1", "--samples=2"]


def test_a_deletion_that_is_none(command, tmp_path):
    done = command("agent", f"--adapter={AGENTS}:Pretends", *SMALL, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "The deletion does not delete." in done.out
    assert "Residual copies in memory" in done.out
    gated = command("gate", tmp_path / "out")
    assert gated.code == 1
    assert "the verdict is leak" in gated.out
    assert command("gate", tmp_path / "out", "--max", "recovered=0.2").code == 1
    assert command("gate", tmp_path / "out", "--max", "recovered=1").code == 0
    command("gate", tmp_path / "out", "--max", "auc=0.6").says("no measure 'auc'")
    assert command("verify", tmp_path / "out").code == 0


def test_a_deletion_that_is_one(command, tmp_path):
    done = command("agent", f"--adapter={AGENTS}:Notes", *SMALL, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["verdict"]["kind"] == "none-found"
    assert found == json.loads((tmp_path / "out" / "findings.json").read_text())
    assert command("gate", tmp_path / "out").code == 0
    undecided = command("gate", tmp_path / "out", "--max", "recovered=0.01")
    assert undecided.code == 3
    assert "more --canaries" in undecided.out
    # the same again asks nothing that it has not forgotten, and another audit is another folder
    assert command("agent", f"--adapter={AGENTS}:Notes", *SMALL, "--out", tmp_path / "out").code == 0
    command("agent", f"--adapter={AGENTS}:Notes", *SMALL, "--seed=1", "--out", tmp_path / "out").says("another run")


@pytest.mark.parametrize("words", [["agent", "--plan"], ["plan"]])
def test_a_plan_counts_prompts(command, words):
    done = command(*words, f"--adapter={AGENTS}:Notes")
    assert done.code == 0, done.err
    assert "prompts, about" in done.out
    assert "No log-probabilities are offered" in done.out


@pytest.mark.parametrize("probes", [[], ["--probe=hop"], ["--probe=direct", "--probe=about"]])
def test_the_plan_counts_what_is_asked(command, tmp_path, probes):
    words = ["agent", f"--adapter={AGENTS}:Notes", *SMALL, *probes, "--json"]
    planned = json.loads(command(*words, "--plan").out)
    found = json.loads(command(*words, "--out", tmp_path / "out").out)
    assert planned["prompts"] == found["behaviour"]["prompts"] + found["behaviour"]["repeated"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--adapter"),
        (["--adapter=nothing"], "names no agent"),
        ([f"--adapter={AGENTS}"], "did you mean"),
        ([f"--adapter={AGENTS}:Note"], "Notes"),
        ([f"--adapter={AGENTS}:Notes", "--canaries=2"], "4"),
        ([f"--adapter={AGENTS}:Notes", "--probe=direkt"], "direct"),
        ([f"--adapter={AGENTS}:Notes", "--header=Authorization: abc"], "environment"),
        (["--adapter=http://127.0.0.1:9/agent", "--timeout=1"], "127.0.0.1"),
    ],
)
def test_bad_input_is_one_sentence(command, tmp_path, options, said):
    done = command("agent", *options, "--out", tmp_path / "out")
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_a_program_that_speaks_json_lines(command, tmp_path):
    program = tmp_path / "agent.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(AGENTS.parent)!r})\n"
        "import json, types, made_note_agents\n"
        "agent = made_note_agents.Pretends()\n"
        "for line in sys.stdin:\n"
        "    said = json.loads(line)\n"
        "    call = said.pop('call')\n"
        "    if call == 'hello':\n"
        "        answer = {'offers': ['cycle', 'memory_dump', 'set_memory'], 'asking_changes_nothing': True}\n"
        "    elif call == 'ingest':\n"
        "        train = said.pop('train')\n"
        "        answer = agent.ingest(types.SimpleNamespace(**said), train)\n"
        "    else:\n"
        "        answer = getattr(agent, call)(**said)\n"
        "    print(json.dumps({'answer': answer}), flush=True)\n"
    )
    done = command("agent", f"--adapter={sys.executable} {program}", *SMALL, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    same = command("agent", f"--adapter={AGENTS}:Pretends", *SMALL, "--out", tmp_path / "same", "--json")
    assert json.loads(done.out)["rates"] == json.loads(same.out)["rates"]


@pytest.mark.parametrize("family", ["agents", "probes"])
def test_lists(command, family):
    done = command("list", family)
    assert done.code == 0, done.err
    assert ("direct" if family == "probes" else "http") in done.out
