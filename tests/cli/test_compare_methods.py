"""``unlearn-audit compare-methods`` from the command line."""

import json
import re
import textwrap

import pytest

from unlearn_audit.audits.membership import plan as membership_plan
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.audits.methods import plan
from unlearn_audit.audits.methods.plan import methods_asked, plan_methods
from unlearn_audit.cli import compare_methods
from unlearn_audit.cli.plan import say_forecast
from unlearn_audit.config import build_config
from unlearn_audit.utils.notes import Caution

SMALL = [
    "compare-methods", "--dataset=breast-cancer", "--model=decision-tree", "--shadow-worlds=3", "--target-worlds=4",
    "--deletions=6", "--unseen=4", "--references=5", "--attack=margin-difference", "--feature=sorted-diff",
    "--attack-model=logistic-regression",
]  # fmt: skip


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        textwrap.dedent("""
            def keep(model, forget, retain):
                return model
        """)
    )
    return f"{path}:keep"


def test_one_table_for_people_and_one_for_machines(command, own, tmp_path):
    arguments = [
        *SMALL,
        "--method=sisa:shards=2",
        f"--method={own}",
        f"--store={tmp_path / 'store'}",
        f"--out={tmp_path / 'out'}",
    ]
    done = command(*arguments)
    assert done.code == 0, done.err
    shown = " ".join(done.out.split())
    assert shown.startswith("2 methods were compared with exact retraining by what the update gives away: ")
    assert "mine.py:keep changed no answer: nothing was forgotten" in shown
    assert str(tmp_path / "out" / "index.html") in done.out
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"methods.csv", "methods.json", "index.html"}
    again = command(*arguments, "--json")
    assert again.code == 0, again.err
    found = json.loads(again.out)
    assert found["schema"] == "unlearn-audit/methods/1"
    assert [of["method"] for of in found["methods"]] == ["retrain", "none", "sisa:shards=2", "mine.py:keep"]
    assert found["execution"]["worlds_reused"] == 4 * (3 + 4)
    checked = command("verify", tmp_path / "out")
    assert checked.code == 0, checked.err


def test_a_plan_says_what_it_takes_and_makes_no_folder(command, tmp_path):
    out, store = tmp_path / "out", tmp_path / "store"
    done = command(*SMALL, "--method=sisa", "--plan", "--json", f"--out={out}", f"--store={store}")
    assert done.code == 0, done.err
    sides = json.loads(done.out)["sides"]
    assert {side["arm"] for side in sides} == {"none", "retraining", "sisa"}
    assert not out.exists()
    assert not store.exists()


def test_a_plan_calls_arms_as_the_table_does_and_adds_up(command, tmp_path):
    done = command(*SMALL, "--method=sisa", "--plan", f"--store={tmp_path / 'store'}")
    assert done.code == 0, done.err
    named = [line.split()[0] for line in done.out.splitlines() if line.split()]
    assert [named.count(arm) for arm in ("none", "retrain", "sisa", "attacks")] == [2, 2, 2, 1]
    assert not {"undefended", "retraining"} & set(named)


def test_a_plan_says_each_assumption_once_and_cuts_nothing(command, tmp_path, monkeypatch, capsys):
    planned = []
    monkeypatch.setattr(compare_methods, "say_forecast", lambda found, **_: planned.append(found))
    methods = [f"--method=sisa:shards={n},aggregation=vote" for n in (2, 3, 4)]
    done = command(*SMALL, *methods, "--plan", f"--store={tmp_path / 'store'}")
    assert done.code == 0, done.err
    (found,) = planned
    assert len(found.assumptions) == len(set(found.assumptions)) > 1
    shown = {}
    for columns in (200, 80, 50):
        monkeypatch.setenv("COLUMNS", str(columns))
        say_forecast(found, as_json=False)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= columns
        shown[columns] = sorted("".join("".join(lines).replace("─", "").split()))
    assert shown[200] == shown[80] == shown[50]


def test_notes_that_methods_share_are_said_once_and_keep_their_weight(monkeypatch):
    config = build_config({"target": {"data": {"name": "breast-cancer"}, "model": "decision-tree"}})
    asked = methods_asked(["sisa:shards=2", "sisa:shards=3", "sisa:shards=4"])
    of_audit = membership_plan.plan_audit

    def noting(task, claims):
        planned = of_audit(task, claims)
        if task.config.unlearning.method != "sisa":
            return planned
        own = [f"{task.config.unlearning.shards} parts"] if task.config.unlearning.shards == 4 else []
        return planned.noting(Caution("as all"), "as all too", *own)

    monkeypatch.setattr(plan, "plan_audit", noting)
    notes = plan_methods(AuditTask.load(config), asked).audit.notes
    three = "sisa:shards=2, sisa:shards=3, sisa:shards=4"
    assert list(notes[-3:]) == [f"{three}: as all", f"{three}: as all too", "sisa:shards=4: 4 parts"]
    assert [isinstance(note, Caution) for note in notes[-3:]] == [True, False, False]


def test_help_lists_what_it_takes_alone(command):
    done = command("compare-methods", "--help-all")
    listed = set(re.findall(r"--[a-z-]+", done.out))
    assert {"--method", "--dataset", "--target-worlds"} <= listed
    assert not {"--unlearning", "--unlearning-command", "--unlearning-timeout", "--shards", "--defense"} & listed
    assert {"--unlearning", "--shards"} <= set(re.findall(r"--[a-z-]+", command("run", "--help-all").out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shards=3"], "takes its methods from --method, which can be repeated; leave --shards out"),
        (["--aggregation=mean"], "leave --aggregation out and write options behind a name, as in --method sisa:sha"),
        (["--unlearning=retrain"], "leave --unlearning out"),
        (["--unlearning-timeout=5"], "leave --unlearning-timeout out"),
        (["--unlearning=sisa"], "takes its methods from --method, which can be repeated; leave --unlearning out"),
        (["--method=scrub"], "--method scrub: "),
        (["--method=sisas"], "sisa"),
        (["--method=sisa:shards=0"], "shards"),
        (["--until=auc ± 0.1", "--method=sisa"], "give --target-worlds, and no --until"),
        (["--defense=label-only", "--method=sisa"], "try defences on one of them with run"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_made(command, tmp_path, arguments, said):
    done = command(*SMALL, *arguments, f"--out={tmp_path / 'out'}", f"--store={tmp_path / 'store'}")
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "out" / "methods.json").exists()
