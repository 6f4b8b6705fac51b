"""Every command that the documentation shows is run, with small sizes, on files as the pages describe them."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from test_doors import FILES
from unlearn_audit import Execution, run
from unlearn_audit.config import AuditConfig

ROOT = Path(__file__).parents[1]
ELSE = ("options.md", "start")
"""What is no page of commands to run one by one: `tests/test_site.py` runs quick starts from top to bottom."""
PAGES = [ROOT / "README.md", *sorted(p for p in (ROOT / "docs").rglob("*.md") if not {p.name, p.parent.name} & {*ELSE})]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SMALL = [
    "--shadow-worlds=2", "--target-worlds=2", "--train-size=80", "--deletions=6", "--unseen=2", "--references=12",
    "--feature=sorted-diff", "--attack-model=logistic-regression", "--jobs=1",
]  # fmt: skip
SMALLER = {
    "run": SMALL,
    "compare-methods": [*SMALL, "--train-size=700"],  # a shard of SISA holds a batch
    "name": [*SMALL, "--queries=12"],
    "reconstruct": ["--train-size=80", "--deletions=6", "--target-worlds=2", "--shadow-worlds=2"],
    "rectify": ["--train-size=80", "--deletions=10", "--target-worlds=2", "--shadow-worlds=2", "--references=12"],
    "predictions": ["--feature=sorted-diff", "--attack-model=logistic-regression"],
    "plan": SMALL,
    "plan-release": ["--releases=80", "--checks=80", "--train-size=200", "--batch=1", "--decimals=2"],
    "reproduce": ["--scale=smoke"],
}
"""Options appended to those that a page shows."""

OF_A_RUN = {"gate": {0, 1, 3}, "record": {0}}
"""Commands whose first argument is a run folder, and what they exit with where they could do what was asked."""

ELSEWHERE = {
    "unlearn-audit view": "it ends at Ctrl-C alone, as in tests/cli/test_view.py",
    "data fetch adult": "downloads are tested against a server of the tests' own",
    "--executor dask --scheduler": "a running cluster is used in tests/engine/test_executors.py",
    "unlearn-audit query": "versions are asked in tests/audits/query and tests/versions",
    "release answers/": "the walk of its page is taken in tests/audits/query/test_page.py",
    "reproduce all": "every experiment runs in tests/reproduce",
    "reproduce sisa --scale small": "the same at the scale smoke",
}
QUICK = ("README.md", "extending.md")
"""Pages whose commands run in `make test`, but for experiments and forests; all others run in `make figures`."""


def shown():
    """Yield every command of every page once, without what it is redirected to."""
    found = {}
    for page in PAGES:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                text = re.sub(r"^(\$ )?(\S+=\S+ )?", "", line.strip()).partition(" > ")[0]
                if text.startswith("unlearn-audit "):
                    found.setdefault(" ".join(text.split()), page.name)
    for text, page in found.items():
        heavy = page not in QUICK or "reproduce" in text or "random-forest" in text
        yield pytest.param(text, id=f"{page}: {text[14:60]}", marks=[pytest.mark.slow] if heavy else [])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that holds every file that commands of the pages name."""
    at = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    n = 600
    people = pd.DataFrame({"age": rng.normal(size=n), "hours": rng.normal(size=n), "customer": np.arange(n) // 2})
    people["income"] = np.where(people["age"] + rng.normal(size=n) > 0, "high", "low")
    people.to_csv(at / "people.csv", index=False)
    (at / "my_models.py").write_text("from sklearn.tree import DecisionTreeClassifier as make_model\n")
    shutil.copy(ROOT / "examples" / "audit.yaml", at / "audit.yaml")
    parts = [FILES["attacks"], FILES["unlearning"], FILES["defenses"], FILES["datasets"], FILES["models"]]
    mine = "\n".join(re.sub(r"^ {8}", "", part, flags=re.MULTILINE) for part in parts)
    mine += "\n\ndef forget(model, forget, retain, *, rng):\n    return model.fit(retain.X, retain.y)\n"
    shutil.copytree(ROOT / "examples", at / "examples")
    (at / "mine.py").write_text(mine.replace("def survey(", "def load(").replace("def bayes(", "def make_model("))
    worlds = {"shadow": 2, "target": 2, "train_size": 60, "deletions": 6, "references": 12, "unseen": 2}
    settings = {"worlds": worlds, "attacks": [], "features": ["sorted-diff"], "attack_models": ["logistic-regression"]}
    audited = run(AuditConfig.model_validate(settings), Execution(store=at / "store"))
    audited.save(at / "runs" / "one")
    for side, table in audited.observations.items():
        shutil.copy(at / "runs" / "one" / "observations" / f"{side}.parquet", at / f"{side}.parquet")
        columns = {f"before_{name}": table.posteriors[:, 0, i] for i, name in enumerate(table.classes)}
        columns |= {f"after_{name}": table.posteriors[:, -1, i] for i, name in enumerate(table.classes)}
        pd.DataFrame({"role": table.roles, **columns}).to_csv(at / f"{side}.csv", index=False)
    p = rng.uniform(0.05, 0.95, n)
    both = []
    for name, moved in (("before", p), ("after", np.clip(p + rng.normal(0, 0.01, n), 0.01, 0.99))):
        answers = pd.DataFrame({"record": np.arange(n), "p_no": 1 - moved, "p_yes": moved})
        answers.to_parquet(at / f"{name}.parquet")
        both.append(answers.assign(version=name))
    pd.concat(both).to_csv(at / "both.csv", index=False)
    (at / "deleted.txt").write_text("1\n2\n3\n")
    (at / "held-out.txt").write_text("\n".join(map(str, range(300, 600))))
    (at / "erased.txt").write_text("17\n")
    (at / "withdrawn.txt").write_text("\n".join(map(str, range(0, 300, 30))))
    return at


@pytest.mark.parametrize("text", list(shown()))
@pytest.mark.usefixtures("real_data")
def test_a_command_of_the_pages_runs(text, command, folder, monkeypatch):
    monkeypatch.setenv("PYTHON", sys.executable)  # which the example of a program takes
    if reason := next((reason for words, reason in ELSEWHERE.items() if words in text), None):
        pytest.skip(reason)
    here = Path.cwd()
    shutil.copytree(folder, here, dirs_exist_ok=True)
    name, *arguments = shlex.split(text)[1:]
    arguments = [str(path) for of in arguments for path in (here.glob(of) if "*" in of else [of])]
    if name in OF_A_RUN and not (here / arguments[0]).exists():
        shutil.copytree(here / "runs" / "one", here / arguments[0])
    done = command(name, *arguments, *SMALLER.get(name, []))
    assert done.code in OF_A_RUN.get(name, {0}), done.err
