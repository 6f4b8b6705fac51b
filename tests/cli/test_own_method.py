"""What goes wrong with a method of one's own ends a run in one sentence, before its worlds are made."""

import shlex
import sys
import textwrap

import pytest

SMALL = (
    "--dataset=breast-cancer", "--shadow-worlds=2", "--target-worlds=1", "--train-size=60", "--deletions=5",
    "--unseen=3", "--references=12", "--attack=none", "--feature=sorted-diff", "--attack-model=logistic-regression",
)  # fmt: skip

FUNCTIONS = """
def raises(model, forget, retain, *, rng):
    raise ValueError(f"the record {retain.X[0].tolist()} is odd")

def nothing(model, forget, retain, *, rng):
    model.fit(retain.X, retain.y)

def no_model(model, forget, retain, *, rng):
    return "a model"

def no_numbers(model, forget, retain, *, rng, recipe):
    for value in model.parameters():
        value.data[:] = float("nan")
    return model

def another(model, forget, retain, *, rng, recipe):
    import torch
    return torch.nn.Linear(3, 2)

def unasked(model, data):
    return model

class Unlearner:
    pass
"""

NETWORK = ("--model=torch-logistic-regression", "--epochs=1", "--batch-size=30")


@pytest.mark.parametrize(
    ("name", "flags", "said"),
    [
        ("raises", (), "raised ValueError: the record [values left out] is odd, at mine.py:2"),
        ("nothing", (), "returned nothing; return the unlearned model, even if it was changed in place, at mine.py:4"),
        ("no_model", (), "returned a str; return a fitted classifier with predict_proba, at mine.py:7"),
        ("no_numbers", NETWORK, "returned broken weights ('"),
        ("another", NETWORK, "returned another architecture ('"),
        ("unasked", (), "cannot be called as (model, forget, retain, *, rng, recipe=None): it takes (model, data)"),
        ("Unlearner", (), "is neither a class of options nor a function"),
        ("gone", (), "the module has no 'gone'"),
    ],
)
def test_a_function_that_is_none_is_named(command, tmp_path, name, flags, said):
    (tmp_path / "cwd" / "mine.py").write_text(textwrap.dedent(FUNCTIONS).lstrip())
    done = command("run", *SMALL, *flags, f"--unlearning=mine.py:{name}")
    done.says(said)
    done.says(f"unlearning method mine.py:{name}")


@pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("echo working >&2; echo out of luck >&2; exit 3", "unlearning command sh ended with exit code 3: out of luck"),
        ("sleep 600", "unlearning command sh took more than 1 seconds and was stopped"),
        ("true", "unlearning command sh wrote no file to {unlearned}"),
        ("head -c 99 /dev/urandom > {unlearned}", "unlearning command sh wrote no file of posteriors"),
    ],
)
def test_a_program_that_fails_is_named(command, code, said):
    program = f"sh -c {shlex.quote(code)} {{original}} {{unlearned}}"
    command("run", *SMALL, f"--unlearning-command={program}", "--unlearning-timeout=1").says(said)


def test_a_program_that_is_not_there_is_named(command):
    flag = "--unlearning-command=./forget.sh {original} {unlearned}"
    command("run", *SMALL, flag).says("unlearning command ./forget.sh cannot be run: there is no file ./forget.sh")
    command("run", *SMALL, flag, "--unlearning=sisa").says("unlearning method sisa has no option 'command'")
    command("run", *SMALL, "--unlearning-timeout=3").says("unlearning method retrain has no option 'timeout'")


def test_a_request_for_everything_is_refused(command, tmp_path):
    (tmp_path / "cwd" / "mine.py").write_text("def keep(model, forget, retain):\n    return model\n")
    done = command("run", *SMALL, "--scenario=group", "--size=60", "--unlearning=mine.py:keep")
    assert done.code == 2
    assert "Error: " in done.err
