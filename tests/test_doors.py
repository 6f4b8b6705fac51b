"""What third parties add: each in one file outside the package, by path and by entry point."""

import importlib
import json
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from unlearn_audit import Execution, run
from unlearn_audit.attacks import Attack
from unlearn_audit.attacks.catalogue import CATALOGUE
from unlearn_audit.attacks.conformance import SEEDS, made_sides
from unlearn_audit.config import AuditConfig, read_config
from unlearn_audit.data import DATASETS, Images, Table, load_dataset
from unlearn_audit.defenses import DEFENSES
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.testing import check_attack, check_dataset, check_defense, check_unlearner
from unlearn_audit.unlearning import METHODS, Options, Retrain, Unlearner, check_request
from unlearn_audit.unlearning.conformance import made_data
from unlearn_audit.utils import doors, registry

FILES = {
    "attacks": """
        from dataclasses import dataclass

        import numpy as np

        from unlearn_audit.attacks import Attack


        @dataclass(frozen=True)
        class LargestChange(Attack):
            '''The largest change of any class's probability.'''

            name = "largest-change"
            needs = frozenset()
            games = ("deleted-vs-unseen",)
            silent_without_change = True

            def score(self, target):
                return np.abs(target.original - target.unlearned).max(axis=1).astype(np.float64)
        """,
    "unlearning": """
        from dataclasses import dataclass

        from unlearn_audit.models.regimes import Regime
        from unlearn_audit.unlearning import Options, Retrain, Unlearner, check_request


        @dataclass(frozen=True)
        class Lazy(Unlearner):
            '''Retrains where many records leave, and keeps the model where few do.'''

            regime: Regime
            retrain: Retrain
            most: int

            def learn(self, source, data, training, seed):
                return self.retrain.learn(source, data, training, seed)

            def unlearn(self, original, request, seed):
                check_request(original.training, request)
                few = len(request.deleted) <= self.most
                return original if few else self.retrain.unlearn(original, request, seed)


        class LazyOptions(Options):
            '''Retrain where many records leave, and keep the model where few do.'''

            most: int = 0

            def unlearner(self, retrain):
                return Lazy(retrain.regime, retrain, self.most)
        """,
    "defenses": """
        import numpy as np

        from unlearn_audit.defenses import DefenseKind, Parameter


        def mixed(posteriors, share):
            return ((1 - share) * posteriors + share / posteriors.shape[-1]).astype(np.float32)


        MIXED = DefenseKind(mixed, Parameter(float, "SHARE", 0, most=1), "mixed with the uniform distribution")


        def halved(posteriors):
            '''Half way to the uniform distribution.'''
            return mixed(posteriors, 0.5)
        """,
    "datasets": """
        import numpy as np
        import pandas as pd

        from unlearn_audit.data import Table


        def survey(folder):
            '''A survey that nobody answered.'''
            rng = np.random.default_rng(0)
            X = pd.DataFrame({"age": rng.normal(size=900), "sex": pd.Categorical(rng.choice(["f", "m"], 900))})
            y = (X["age"] + rng.normal(size=900) > 0).astype(np.int64).to_numpy()
            return Table("survey", X, y, ("no", "yes"))
        """,
    "models": """
        from sklearn.naive_bayes import GaussianNB


        def bayes():
            '''Gaussian naive Bayes.'''
            return GaussianNB()
        """,
}
MEMBERS = {
    "attacks": "LargestChange",
    "unlearning": "LazyOptions",
    "defenses": "MIXED",
    "datasets": "survey",
    "models": "bayes",
}
SMALL = [
    "--shadow-worlds=3", "--target-worlds=3", "--train-size=60", "--deletions=4", "--unseen=3", "--references=12",
    "--feature=sorted-diff", "--attack-model=logistic-regression", "--no-retraining-arm",
]  # fmt: skip


def written(folder, family):
    """Write a family's file, and return how its member is named by path."""
    path = folder / f"my_{family}.py"
    path.write_text(textwrap.dedent(FILES[family]).lstrip())
    assert len(path.read_text().splitlines()) <= 40
    return f"{path}:{MEMBERS[family]}"


@pytest.fixture
def named(tmp_path):
    return {family: written(tmp_path, family) for family in FILES}


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_five_run_together_by_path(command, named, tmp_path, jobs):
    out = tmp_path / "out"
    done = command(
        "run", *SMALL, f"--dataset={named['datasets']}", f"--model={named['models']}",
        f"--unlearning={named['unlearning']}", f"--attack={named['attacks']}", f"--defense={named['defenses']}:0.25",
        f"--defense={named['defenses']}:0.5+rounding:2", f"--jobs={jobs}", "--out", out, "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    found = done.findings
    assert {"largest-change", "sorted-diff"} <= {result["attack"] for result in found["results"]}
    defenses = {result["defense"] for result in found["results"]}
    assert {"my_defenses.py:MIXED:0.25", "my_defenses.py:MIXED:0.5+rounding:2"} <= defenses
    assert "my_models.py:bayes" in (out / "report.html").read_text()


def test_options_of_a_method_by_path_stand_in_a_configuration(named, tmp_path):
    config = tmp_path / "audit.yaml"
    settings = {"target": {"data": "breast-cancer", "model": "logistic-regression"}, "attacks": []}
    settings |= {"worlds": {"shadow": 3, "target": 3, "train_size": 60, "deletions": 4, "references": 12, "unseen": 3}}
    settings |= {"unlearning": {"method": named["unlearning"], "most": 3}, "retraining_arm": False}
    config.write_text(json.dumps(settings))
    lazy = run(read_config(config, allow_code=True), Execution(store=tmp_path / "store"))
    # what keeps the model for few deletions changes no answer
    assert lazy.findings.verdict.kind == "unchanged"


def test_changed_code_of_a_method_makes_worlds_anew(named, tmp_path):
    config = AuditConfig.model_validate(
        {
            "target": {"data": "breast-cancer", "model": "logistic-regression"},
            "worlds": {"shadow": 3, "target": 3, "train_size": 60, "deletions": 4, "references": 12, "unseen": 3},
            "unlearning": {"method": named["unlearning"]},
            "features": ["sorted-diff"],
            "attack_models": ["logistic-regression"],
            "attacks": [],
            "retraining_arm": False,
        }
    )
    store = tmp_path / "store"

    def trained():
        before = {path.name for path in store.rglob("*") if path.is_file()}
        run(config, Execution(store=store))
        return {path.name for path in store.rglob("*") if path.is_file()} - before

    assert trained()
    assert not trained()
    path = tmp_path / "my_unlearning.py"
    path.write_text(path.read_text().replace("<= self.most", "< self.most"))
    assert trained()
    path.write_text("# a comment\n" + path.read_text())
    assert not trained()


@pytest.mark.parametrize("family", FILES)
def test_a_configuration_alone_runs_no_code_of_others(command, named, tmp_path, family):
    marker = tmp_path / "ran"
    path = tmp_path / f"my_{family}.py"
    path.write_text(f"open({str(marker)!r}, 'w').close()\n" + path.read_text())
    settings = {
        "attacks": {"attacks": [named["attacks"]]},
        "unlearning": {"unlearning": named["unlearning"]},
        "defenses": {"defenses": [f"rounding:2+{named['defenses']}:0.5"]},
        "datasets": {"target": {"data": named["datasets"]}},
        "models": {"shadow": {"model": named["models"]}},
    }[family]
    config = tmp_path / "audit.yaml"
    config.write_text(json.dumps(settings))
    for name in ("run", "plan", "name"):
        command(name, config).says("would run third-party code")
    assert not marker.exists()
    with pytest.raises(AuditError, match="pass --allow-code"):
        read_config(config)
    assert read_config(config, allow_code=True) == AuditConfig.model_validate(settings)
    if family in ("attacks", "unlearning"):  # named by a flag too, it is vouched for
        flag = {"attacks": "--attack", "unlearning": "--unlearning"}[family]
        assert command("plan", config, f"{flag}={named[family]}", *SMALL, "--dataset=breast-cancer").code == 0
        assert marker.exists()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that adds one member to each family by an entry point, as if it were installed."""
    folder = tmp_path / "site"
    info = folder / "third_party-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    lines = []
    for family, text in FILES.items():
        (folder / f"third_{family}.py").write_text(textwrap.dedent(text).lstrip())
        lines.append(f"[{registry.GROUPS[family]}]\nthird-{family} = third_{family}:{MEMBERS[family]}\n")
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(folder)
    doors.installed.cache_clear()
    yield folder
    doors.installed.cache_clear()


def test_all_five_run_together_by_entry_point(command, package, tmp_path):
    flags = [
        *SMALL, "--dataset=third-datasets", "--model=third-models", "--unlearning=third-unlearning",
        "--attack=third-attacks", "--defense=third-defenses:0.25",
    ]  # fmt: skip
    done = command("run", *flags, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert {"largest-change"} <= {result["attack"] for result in done.findings["results"]}
    config = tmp_path / "audit.yaml"
    config.write_text(json.dumps({"attacks": ["third-attacks"]}))
    command("run", config).says("would run third-party code (attacks: third-attacks)")


def test_a_package_is_found_in_a_process_of_its_own(package):
    found = subprocess.run(
        [sys.executable, "-m", "unlearn_audit", "list", "attacks", "--json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    listed = {of["name"]: of for of in json.loads(found)}
    about = "The largest change of any class's probability"
    assert listed["third-attacks"] == {"name": "third-attacks", "about": about, "from": "third-party"}


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ('class A:\n    """Turns `x` into [bold]y[/bold].\n\n    More."""', "Turns x into [bold]y[/bold]"),
        ("class A:\n    pass", ""),
        ("A = 3", ""),
        ("class A(", ""),
        ('def A():\n    """Makes one."""\nraise SystemExit(3)', "Makes one"),
        (None, ""),
    ],
)
def test_list_describes_what_packages_add_without_running_it(command, package, text, about):
    file = package / "third_attacks.py"
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    (package / "third_party-1.0.dist-info" / "entry_points.txt").write_text(
        "[unlearn_audit.attacks]\nthird-attacks = third_attacks:A\n"
    )
    importlib.invalidate_caches()
    doors.installed.cache_clear()
    listed = {of["name"]: of["about"] for of in json.loads(command("list", "attacks", "--json").out)}
    assert listed["third-attacks"] == about
    assert not [of for of in listed.values() if "`" in of]
    if "[" in about:
        assert "[bold]" in command("list", "attacks").out


@pytest.mark.parametrize(
    ("family", "own"), [("attacks", CATALOGUE), ("unlearning", METHODS), ("defenses", DEFENSES), ("datasets", DATASETS)]
)
def test_list_shows_what_there_is_in_one_line_each(command, package, family, own):
    listed = json.loads(command("list", family, "--json").out)
    assert [of["name"] for of in listed] == [*own, f"third-{family}"]
    assert all(of["about"] and of["from"] == "built in" for of in listed[:-1])
    assert listed[-1]["from"] == "third-party"
    printed = command("list", family).out
    assert all(of["name"] in printed for of in listed)


def test_the_public_checks_let_them_pass(named, tmp_path):
    found = {family: doors.Door.of(family, name).open() for family, name in named.items()}
    assert check_attack(found["attacks"]).name == "largest-change"
    assert check_unlearner(found["unlearning"]) is found["unlearning"]
    assert check_unlearner(found["unlearning"](most=1)).most == 1
    assert check_defense(found["defenses"]) is found["defenses"]
    assert (
        check_defense(doors.Door.of("defence", named["defenses"].replace("MIXED", "halved")).open()).parameter is None
    )
    assert check_dataset(found["datasets"](tmp_path)).name == "survey"


@pytest.mark.parametrize("method", METHODS)
def test_our_own_methods_pass_them_too(method):
    assert check_unlearner(METHODS[method]) is METHODS[method]


@pytest.mark.parametrize("model", ["logistic-regression", "decision-tree"])
@pytest.mark.parametrize("method", METHODS)
def test_our_own_methods_pass_them_on_every_model_that_they_can_take(method, model):
    reason = METHODS[method]().why_not(resolve_model(model), made_data())
    if reason is None:
        assert check_unlearner(METHODS[method], model) is METHODS[method]
        return
    with pytest.raises(AuditError, match=re.escape(reason)):
        check_unlearner(METHODS[method], model)


@pytest.mark.parametrize("name", DEFENSES)
def test_our_own_defences_pass_them_too(name):
    assert check_defense(DEFENSES[name]) is DEFENSES[name]


@pytest.mark.parametrize("name", ["digits", "breast-cancer", "adult", "checkins-jakarta", "us-accidents", "mnist"])
def test_our_own_datasets_pass_them_too(name, real_data):
    if not DATASETS[name][0].usable(real_data):
        pytest.skip(f"{name} is not in the data folder")
    assert check_dataset(load_dataset(name, real_data)).name == name


class Fine(Attack):
    name = "fine"
    needs = frozenset()

    def score(self, target):
        return (target.original[:, 0] - target.unlearned[:, 0]).astype(np.float64)


def wrong(**members):
    """An attack that differs from a right one."""
    return type("Wrong", (Fine,), members)


WRONG_ATTACKS = {
    "is not an attack, without needs": type("Nothing", (), {"name": "nothing"}),
    "needs a name of small letters": wrong(name="My Attack"),
    "states needs 'luck'": wrong(needs=frozenset({"luck"})),
    "states games 'chess'": wrong(games=("chess",)),
    "states view 'all'": wrong(view="all"),
    "cannot be made without arguments": wrong(__init__=lambda self, x: None),
    "scores of shape (": wrong(score=lambda self, target: target.original),
    "not finite": wrong(score=lambda self, target: np.full(len(target), np.nan)),
    "lie outside 0 to 1": wrong(probabilistic=True),
    "with the same seed": wrong(score=lambda self, target: np.random.default_rng().random(len(target))),
    "by its position in the table": wrong(score=lambda self, target: np.arange(len(target), dtype=float)),
    "by other rows of the target": wrong(
        score=lambda self, target: Fine.score(self, target) - target.original[:, 0].mean()
    ),
    "is changed by fit": wrong(fit=lambda self, shadow, seed: (setattr(self, "seen", len(shadow.view)), self)[1]),
    "is silent without change": wrong(silent_without_change=True, score=lambda self, target: target.original[:, 0]),
    "fails on a made-up table (ZeroDivisionError": wrong(score=lambda self, target: 1 / 0),
}


@pytest.mark.parametrize("problem", WRONG_ATTACKS)
def test_a_wrong_attack_is_refused_with_what_was_found(problem):
    assert check_attack(Fine).name == "fine"
    with pytest.raises(AuditError) as caught:
        check_attack(WRONG_ATTACKS[problem])
    assert problem in str(caught.value)


def test_an_attack_that_sees_the_answers_of_the_target_is_refused():
    """Whatever finds a leak where there is none has seen what it should not."""
    seen = {}

    def score(self, target):
        key = target.posteriors.tobytes()
        return seen.get(key, Fine.score(self, target))

    for seed in SEEDS:
        of = made_sides(Fine(), leak=0.0, seed=seed)
        seen[of.target.posteriors.tobytes()] = of.positive.astype(float)
    with pytest.raises(AuditError, match=r"finds a leak where there is none: its mean AUC is 1\.000"):
        check_attack(wrong(score=score))


@dataclass(frozen=True)
class Kept(Unlearner):
    """Keeps the model."""

    regime: Regime
    retrain: Retrain

    def learn(self, source, data, training, seed):
        return self.retrain.learn(source, data, training, seed)

    def unlearn(self, original, request, seed):
        check_request(original.training, request)
        return original


def method(**members):
    """Options of a method that differs from a right one."""
    made = type("Made", (Kept,), members)
    return type("Wrong", (Options,), {"unlearner": lambda self, retrain: made(retrain.regime, retrain)})


def refits_in_place(self, original, request, seed):
    original.model.fit(original.data.X[:20], original.data.y[:20])
    return original


def brings_back(self, original, request, seed):
    training = np.setdiff1d(np.arange(96), request.deleted)
    return self.retrain.learn(original.source, original.data, training, seed)


def draws(self, original, request, seed):
    training = np.random.default_rng().permutation(original.training)[:40]
    return self.retrain.learn(original.source, original.data, training, seed)


WRONG_METHODS = {
    "changes the original": method(unlearn=refits_in_place),
    "brings back an earlier deletion": method(unlearn=brings_back),
    "unlearns to a different model with the same seed": method(unlearn=draws),
    "does not say what it consists of": method(__repr__=object.__repr__),
    "makes a str": type("Wrong", (Options,), {"unlearner": lambda self, retrain: "nothing"}),
    "is neither a class of options": dict,
    "fails on a made-up table (ZeroDivisionError": method(learn=lambda *given, **named: 1 / 0),
}


@pytest.mark.parametrize("problem", WRONG_METHODS)
def test_a_wrong_method_is_refused_with_what_was_found(problem):
    assert check_unlearner(method())
    with pytest.raises(AuditError) as caught:
        check_unlearner(WRONG_METHODS[problem], "decision-tree")
    assert problem in str(caught.value)


WRONG_DEFENSES = {
    "changes the posteriors it is given": lambda p: np.multiply(p, 1, out=p) if p.setfield(0, p.dtype) else p,
    "returns (12, 2, 3) for": lambda p: p[..., :3],
    "returns float64": lambda p: p.astype(np.float64),
    "not finite": lambda p: np.log(np.zeros_like(p)),
    "not a probability distribution": lambda p: p * np.float32(0.5),
    "must draw no": lambda p: np.random.default_rng().dirichlet(np.ones(p.shape[-1]), p.shape[:-1]).astype(np.float32),
    "depending on those of other": lambda p: np.broadcast_to(p.reshape(-1, p.shape[-1]).mean(0), p.shape).copy(),
    "is a function of 2 arguments": lambda p, share: p,
    "is neither a DefenseKind": "top-k",
    "fails on made-up posteriors (KeyError": lambda p: {}["missing"],
}


@pytest.mark.parametrize("problem", WRONG_DEFENSES)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_wrong_defence_is_refused_with_what_was_found(problem):
    assert check_defense(lambda p: p).parameter is None
    with pytest.raises(AuditError) as caught:
        check_defense(WRONG_DEFENSES[problem])
    assert problem in str(caught.value)


def records(**changes):
    """A table that differs from a right one."""
    right = {
        "features": pd.DataFrame({"x": np.arange(6.0)}),
        "labels": np.array([0, 1, 0, 1, 0, 1]),
        "class_names": ("no", "yes"),
    }
    return Table("made", **(right | changes))


PIXELS = np.zeros((6, 1, 2, 2), dtype=np.uint8)
WRONG_DATASETS = {
    "loads a dict": {},
    "labels of type float64": records(labels=np.arange(6.0)),
    "names 3 classes": records(class_names=("a", "b", "c")),
    "persons of shape (5,)": records(persons=np.arange(5)),
    "4 rows of features": records(features=pd.DataFrame({"x": np.arange(4.0)})),
    "has no feature": records(features=pd.DataFrame(index=range(6))),
    "a custom index": records(features=pd.DataFrame({"x": np.arange(6.0)}, index=list("abcdef"))),
    "Python objects, x": records(features=pd.DataFrame({"x": pd.Series([{}] * 6, dtype=object)})),
    "infinite": records(features=pd.DataFrame({"x": [np.inf, 1, 2, 3, 4, 5]})),
    "pixels of type float64": Images("made", PIXELS.astype(float), np.array([0, 1] * 3), ("no", "yes")),
}


@pytest.mark.parametrize("problem", WRONG_DATASETS)
def test_a_wrong_dataset_is_refused_with_what_was_found(problem):
    assert check_dataset(records()).name == "made"
    assert check_dataset(Images("made", PIXELS, np.array([0, 1] * 3), ("no", "yes"))).name == "made"
    with pytest.raises(AuditError) as caught:
        check_dataset(WRONG_DATASETS[problem])
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("flag", "text", "said"),
    [
        ("--attack", "class A: pass", "a A is not an attack, without name"),
        ("--attack", "import nothing_there", "cannot be imported (ModuleNotFoundError"),
        ("--attack", "B = 1", "the module has no 'A'"),
        ("--unlearning", "A = 1", "is neither a class of options"),
        ("--defense", "def A(p): return p * 0", "is not a probability distribution"),
        ("--dataset", "A = 1", "is neither a function"),
        ("--dataset", "def A(folder): return 1", "loads a int"),
        ("--dataset", "def A(folder): 1 / 0", "cannot be loaded (ZeroDivisionError"),
        ("--model", "A = 1", "is not a function or class that makes a model"),
    ],
)
def test_a_wrong_file_ends_a_run_in_one_sentence(command, tmp_path, flag, text, said):
    path = tmp_path / "mine.py"
    path.write_text(text)
    command("run", f"{flag}={path}:A").says(said)


def test_a_name_of_ours_stays_ours(named, tmp_path):
    path = tmp_path / "my_attacks.py"
    path.write_text(path.read_text().replace("largest-change", "pair-scale"))
    with pytest.raises(AuditError, match="is called pair-scale, like a built-in one"):
        run(AuditConfig.model_validate({"attacks": [named["attacks"]]}), Execution(store=tmp_path / "store"))


@pytest.mark.parametrize(
    ("flag", "typed", "meant"),
    [
        ("--attack", "pair-scal", "did you mean pair-scale"),
        ("--unlearning", "sissa", "did you mean sisa"),
        ("--defense", "roundin:2", "did you mean rounding"),
        ("--dataset", "adlt", "did you mean adult"),
        ("--model", "random-forrest", "did you mean random-forest"),
    ],
)
def test_a_typo_gets_a_suggestion(command, flag, typed, meant):
    command("run", f"{flag}={typed}").says(meant)
