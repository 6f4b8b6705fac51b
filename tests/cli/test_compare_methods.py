"""``unlearn-audit compare-methods`` from the command line."""

import json
import textwrap

import pytest

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
    assert "mine.py:keep left every answer as it was: nothing was forgotten" in shown
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--unlearning=sisa"], "takes its methods from --method, which is repeatable; leave --unlearning out"),
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
