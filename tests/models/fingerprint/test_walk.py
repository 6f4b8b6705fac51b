"""Whatever a model computes with counts, and what changes nothing does not: each model in processes of its own."""

import importlib
import json
import os
import subprocess
import sys
import time
from itertools import count

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from unlearn_audit.models import resolve_model
from unlearn_audit.models.fingerprint import fingerprint

MODELS = """\
import functools, importlib, os
from functools import partial

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

{top}


class Own(ClassifierMixin, BaseEstimator):
    def __init__(self, setting=None):
        self.setting = setting

    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=2).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict_proba(self, X):
        {before}
        return self.tree_.predict_proba({asked})


def make():
    return {made}
"""
SETTINGS = 'NOISE = 0.1\nTABLE = {"shift": 1.0}\nUNUSED = 3\n'
HELPERS = "def change(X):\n    return X + 1\n\n\ndef other(X):\n    return X - 1\n"


def case(edit, top="", before="pass", asked="X", made="Own()", files=None, model="my_models:make"):
    """What a user has, the change of a file (name, old, new), and the model."""
    text = MODELS.format(top=top, before=before, asked=asked, made=made)
    return {"my_models.py": text, "my_settings.py": SETTINGS, "my_helpers.py": HELPERS, **(files or {})}, edit, model


NOISE = ("my_settings.py", "NOISE = 0.1", "NOISE = 0.2")
TABLE = ("my_settings.py", "1.0", "2.0")
HELPER = ("my_helpers.py", "X + 1", "X + 2")
PIPELINE = "make_pipeline(FunctionTransformer({}), DecisionTreeClassifier())"
PACKAGE = {
    "mine/__init__.py": "",
    "mine/deep/__init__.py": "",
    "mine/deep/change.py": HELPERS,
    "mine/models.py": MODELS.format(top="", before="from .deep.change import change", asked="change(X)", made="Own()"),
}
DEEP = ("mine/deep/change.py", "X + 1", "X + 2")
DECORATED = """\
from my_helpers import change
def changed(function):
    @functools.wraps(function)
    def wrapped(*args):
        return function(*args) + 1
    return wrapped
@changed
def twice(X):
    return 2 * X
"""

CHANGES = {
    "a constant imported by name": case(NOISE, "from my_settings import NOISE", asked="X + NOISE"),
    "a constant of a module": case(NOISE, "import my_settings as s", asked="X + s.NOISE"),
    "a dict": case(TABLE, "from my_settings import TABLE", asked='X + TABLE["shift"]'),
    "all that a module has": case(NOISE, "from my_settings import *", asked="X + NOISE"),
    "an import in a method": case(HELPER, before="import my_helpers", asked="my_helpers.change(X)"),
    "an import of a constant in a method": case(NOISE, before="from my_settings import NOISE", asked="X + NOISE"),
    "a function in a partial in a transformer": case(
        HELPER, "import my_helpers", made=PIPELINE.format("partial(my_helpers.change)")
    ),
    "what a partial is given": case(
        NOISE, "from my_settings import NOISE", made=PIPELINE.format("partial(np.add, NOISE)")
    ),
    "a function in a vectorised one": case(
        HELPER, "import my_helpers", made=PIPELINE.format("np.vectorize(my_helpers.change)")
    ),
    "a lambda": case(("my_models.py", "X * 3", "X * 4"), made=PIPELINE.format("lambda X: X * 3")),
    "one of two lambdas": case(
        ("my_models.py", "X * 3, lambda X: X / 3", "X / 3, lambda X: X * 3"),
        made=PIPELINE.format("lambda X: X * 3, lambda X: X / 3"),
    ),
    "a function in a dict": case(
        HELPER, 'from my_helpers import change\nHOW = {"a": [change]}', asked='HOW["a"][0](X)'
    ),
    "a default": case(
        NOISE, "from my_settings import NOISE\ndef noisy(X, noise=NOISE):\n    return X + noise", asked="noisy(X)"
    ),
    "a default by keyword": case(
        HELPER, "import my_helpers\ndef via(X, *, f=my_helpers.change):\n    return f(X)", asked="via(X)"
    ),
    "a closure": case(
        NOISE,
        "import my_settings\ndef noisy(by):\n    return lambda X: X + by\nnoisy = noisy(my_settings.NOISE)",
        asked="noisy(X)",
    ),
    "a bound method": case(
        NOISE,
        "import my_settings\nclass Adder:\n    def __init__(self, by):\n        self.by = by\n"
        "    def add(self, X):\n        return X + self.by\nadd = Adder(my_settings.NOISE).add",
        asked="add(X)",
    ),
    "a callable object": case(
        HELPER,
        "import my_helpers\nclass Call:\n    def __call__(self, X):\n        return my_helpers.change(X)",
        made="Own(Call())",
    ),
    "a decorated function": case(("my_models.py", "2 * X", "3 * X"), DECORATED, asked="twice(X)"),
    "a decorator": case(("my_models.py", "(*args) + 1", "(*args) + 2"), DECORATED, asked="twice(X)"),
    "a cached function": case(
        HELPER,
        "import my_helpers\n@functools.cache\ndef once(n):\n    return my_helpers.change(n)",
        asked="X + once(1)",
    ),
    "a base class": case(
        ("my_bases.py", "X + 1", "X + 2"),
        "from my_bases import Base\nclass Own2(Base):\n    pass",
        made="Own(Own2())",
        files={"my_bases.py": "class Base:\n    def change(self, X):\n        return X + 1\n"},
    ),
    "a metaclass": case(
        ("my_models.py", "return 1", "return 2"),
        "class Meta(type):\n    def __len__(cls):\n        return 1\nclass Of(metaclass=Meta):\n    pass",
        asked="X + len(Of)",
    ),
    "an attribute of a class": case(
        ("my_models.py", "by = 1", "by = 2"), "class Adder:\n    by = 1", asked="X + Adder.by"
    ),
    "a property": case(
        HELPER,
        "import my_helpers\nclass P:\n    @property\n    def by(self):\n        return my_helpers.change(0)",
        asked="X + P().by",
    ),
    "a dataclass": case(
        ("my_models.py", "by: int = 1", "by: int = 2"),
        "from dataclasses import dataclass\n@dataclass\nclass D:\n    by: int = 1",
        asked="X + D().by",
    ),
    "an enumeration": case(
        ("my_models.py", "by = 1", "by = 2"),
        "from enum import Enum\nclass E(Enum):\n    by = 1",
        asked="X + E.by.value",
    ),
    "a function for a type": case(
        HELPER,
        "import my_helpers\n@functools.singledispatch\ndef of(X):\n    return X\n"
        "@of.register(np.ndarray)\ndef _(X):\n    return my_helpers.change(X)",
        asked="of(X)",
    ),
    "a context": case(
        HELPER,
        "import contextlib, my_helpers\n@contextlib.contextmanager\ndef by():\n    yield my_helpers.change(0)",
        before="with by() as b: X = X + b",
    ),
    "a module that makes names": case(
        ("my_lazy.py", "return 1", "return 2"),
        "import my_lazy",
        asked="X + my_lazy.NOISE",
        files={"my_lazy.py": "def __getattr__(name):\n    return 1\n"},
    ),
    "a built-in of one's own": case(
        ("my_models.py", "NOISE = 1", "NOISE = 2"), "import builtins\nbuiltins.NOISE = 1", asked="X + NOISE"
    ),
    "an object's method that is replaced": case(
        ("my_models.py", "X + 3", "X + 4"),
        "class H:\n    def f(self, X):\n        return X\nh = H()\nh.f = lambda X: X + 3",
        asked="h.f(X)",
    ),
    "a module's dict": case(NOISE, "import my_settings", asked='X + my_settings.__dict__["NOISE"]'),
    "a scorer of a search": case(
        HELPER,
        "import my_helpers\nfrom sklearn.metrics import make_scorer\nfrom sklearn.model_selection import GridSearchCV\n"
        "def score(y, p):\n    return my_helpers.change(0)",
        made='GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, scoring=make_scorer(score))',
    ),
    "a slot": case(
        ("my_models.py", "SLOT = 1", "SLOT = 2"),
        "SLOT = 1\nclass S:\n    __slots__ = ('by',)\ns = S()\ns.by = SLOT",
        asked="X + s.by",
    ),
    "a relative import in a method": case(DEEP, files=PACKAGE, model="mine.models:make"),
    "a module in a package by another name": case(
        DEEP, before="import mine.deep.change as c", asked="c.change(X)", files=PACKAGE
    ),
    "a dotted import": case(DEEP, before="import mine.deep.change", asked="mine.deep.change.change(X)", files=PACKAGE),
    "an import by a text": case(HELPER, asked='importlib.import_module("my_helpers").change(X)'),
    "an import inside a function inside": case(
        HELPER, "def outer(X):\n    def inner():\n        import my_helpers as h\n        return h.change(X)\n"
        "    return inner()", asked="outer(X)",
    ),
    "a module that is handed on": case(
        HELPER, "import my_helpers\ndef of(m, X):\n    return m.change(X)", asked="of(my_helpers, X)"
    ),
    "what a helper's helper reads": case(
        NOISE,
        "import my_more",
        asked="my_more.noisy(X)",
        files={"my_more.py": "import my_settings\ndef noisy(X):\n    return X + my_settings.NOISE\n"},
    ),
    "an array": case(
        ("my_models.py", "[1, 2]", "[1, 3]"), "W = np.array([1, 2])", asked="X + W.sum()"
    ),
    "what importing does": case(
        ("my_models.py", "NOISE = 1", "NOISE = 2"),
        "import my_settings\nmy_settings.NOISE = 1",
        asked="X + my_settings.NOISE",
    ),
    "a patch at import elsewhere": case(
        ("my_patch.py", "lambda X: X", "lambda X: X + 5"),
        "import my_helpers, my_patch",
        asked="my_helpers.change(X)",
        files={"my_patch.py": "import my_helpers\nmy_helpers.change = lambda X: X\n"},
    ),
    "a setting of scikit-learn": case(
        ("my_models.py", "assume_finite=False", "assume_finite=True"),
        "import sklearn\nsklearn.set_config(assume_finite=False)",
    ),
    "a file named in full": case(
        ("noise.txt", "1", "2"), asked='X + np.loadtxt("noise.txt")', files={"noise.txt": "1\n"}
    ),
    "a file named by a constant": case(
        ("noise.txt", "1", "2"), 'FROM = "noise.txt"', asked="X + np.loadtxt(FROM)", files={"noise.txt": "1\n"}
    ),
    "a file opened": case(
        ("noise.txt", "1", "2"),
        before='with open("noise.txt") as file: noise = float(file.read())',
        asked="X + noise",
        files={"noise.txt": "1\n"},
    ),
    "a file read by the factory": case(
        ("noise.txt", "1", "2"), made='Own(float(np.loadtxt("noise.txt")))', files={"noise.txt": "1\n"}
    ),
    "a file read when the module is imported": case(
        ("noise.txt", "1", "2"), 'W = np.loadtxt("noise.txt")', asked="X + W", files={"noise.txt": "1\n"}
    ),
    "a file by its path file": case(
        ("my_models.py", "X * 3", "X * 4"), asked="X * 3", model="my_models.py:make"
    ),
}  # fmt: skip

ADD = "    return X + 1\n"
SAME = {
    "a comment": ("my_helpers.py", ADD, "    # one more\n    return X + 1  # so\n"),
    "blank lines": ("my_helpers.py", ADD, "\n\n" + ADD + "\n\n"),
    "formatting": ("my_helpers.py", ADD, "    return (\n        X\n        + 1\n    )\n"),
    "a docstring": ("my_helpers.py", ADD, '    """Add one."""\n' + ADD),
    "a docstring of the module": ("my_helpers.py", "def change", '"""Helpers."""\n\n\ndef change'),
    "annotations": ("my_helpers.py", "def change(X):", 'def change(X: "np.ndarray") -> "np.ndarray":'),
    "an annotation of a constant": ("my_settings.py", "NOISE = 0.1", "NOISE: float = 0.1"),
    "an unused function": ("my_helpers.py", "def change", "def unused(X):\n    return X * 9\n\n\ndef change"),
    "an unused function that changes": ("my_helpers.py", "X - 1", "X - 2"),
    "an unused class": ("my_helpers.py", "def change", "class Unused:\n    a = 1\n\n\ndef change"),
    "an unused import": ("my_helpers.py", "def change", "import math\n\n\ndef change"),
    "an unused import of a package": ("my_helpers.py", "def change", "import pandas as pd\n\n\ndef change"),
    "an unused import of a module": ("my_settings.py", "NOISE", "import my_helpers\nNOISE"),
    "an unused constant": ("my_settings.py", "UNUSED = 3", "UNUSED = 4"),
    "the order of functions": ("my_helpers.py", HELPERS, "\n\n".join(reversed(HELPERS.split("\n\n\n"))) + "\n"),
    "quotes": ("my_settings.py", '"shift"', "'shift'"),
    "a main block": ("my_helpers.py", ADD, ADD + '\n\nif __name__ == "__main__":\n    print(change(1))\n'),
    "an unused part of the model's own file": ("my_models.py", "def make", "def never():\n    return 7\n\n\ndef make"),
    "a comment in the model's own file": ("my_models.py", "def make", "# the factory\ndef make"),
}
USES_ALL = {
    "top": "from my_helpers import change\nfrom my_settings import NOISE, TABLE",
    "asked": 'change(X) + NOISE + TABLE["shift"]',
}

UNKNOWN = {
    "a file given as a parameter": case(
        None, asked="X + np.loadtxt(self.setting)", made='Own("nowhere.txt")'
    ),
    "a file that is not there": case(None, asked='X + np.loadtxt("nowhere.txt")'),
    "a local name for a path": case(
        None, 'path = "noise.txt"\ndef of(path):\n    return np.loadtxt(path)', asked="X + of(self.setting)",
        files={"noise.txt": "1\n"},
    ),
    "a path that reads itself": case(
        None, "from pathlib import Path", asked="X + float(Path(self.setting).read_text())"
    ),
    "a reader by another name": case(None, "from numpy import loadtxt as l", asked="X + l(self.setting)"),
    "a reader that is handed on": case(None, asked="X + sum(map(np.loadtxt, self.setting))"),
    "a reader as a step": case(None, made=PIPELINE.format("np.loadtxt")),
    "the environment": case(None, asked='X + float(os.environ["NOISE"])'),
    "the environment by a function": case(None, "from os import getenv", asked='X + float(getenv("NOISE"))'),
    "a name made up as it runs": case(
        None, "import my_settings", asked='X + getattr(my_settings, "NO" + "ISE")'
    ),
    "a module made up as it runs": case(None, asked='importlib.import_module("my_" + "helpers").change(X)'),
    "globals": case(None, asked='X + globals()["NOISE"]'),
    "a text that is run": case(None, asked='eval("X + 1")'),
    "a file of settings": case(
        None, "import configparser", before='c = configparser.ConfigParser(); c.read(self.setting)'
    ),
    "a class that reads": case(None, "import pyarrow.parquet as pq", asked="X + pq.ParquetFile(self.setting)"),
    "the clock": case(None, "from datetime import datetime", asked="X + datetime.now().hour"),
    "a method that reads, of something unknown": case(None, asked="self.setting.load_weights(X)"),
    "the network": case(None, before="import urllib.request", asked="X + urllib.request.urlopen(self.setting)"),
    "another program": case(None, before="import subprocess", asked="subprocess.check_output(self.setting)"),
    "a pickle named in full": case(
        None, "import joblib", asked='X + joblib.load("noise.txt")', files={"noise.txt": "1\n"}
    ),
    "compiled code": case(None, made="Own(np.frompyfunc(lambda x: x + 1, 1, 1))"),
    "a generator": case(None, made="Own(n for n in range(3))"),
}  # fmt: skip

DRIVER = """
import json, linecache, os, sys
from unlearn_audit.models import resolve_model

main = sys.modules["__main__"]

def typed(how):
    # as Python keeps what comes from a script, from standard input, from -c, and a notebook what its cells say
    for name, text in sorted(how.items()):
        if name.startswith("cell"):
            linecache.cache[name] = len(text), None, text.splitlines(True), name
        elif name.endswith(".py"):
            main.__file__ = os.path.abspath(name)
        exec(compile(text, getattr(main, "__file__", name), "exec"), vars(main))
    return main.make

for line in sys.stdin:
    folder, model = json.loads(line)
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.chdir(folder)
        sys.path.insert(0, folder)
        source = resolve_model(model if isinstance(model, str) else typed(model))
        os.write(write, json.dumps([source.fingerprint, source.unknown]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        print(file.read() or "null", flush=True)
    os.waitpid(child, 0)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A function that writes files and returns what a new process tells of a model: fingerprint and what is unknown."""
    if not hasattr(os, "fork"):
        pytest.skip("a new process for each model takes a second where there is no fork")
    process = subprocess.Popen([sys.executable, "-B", "-c", DRIVER], stdin=-1, stdout=-1, text=True)
    numbers = count()

    def of(files, model):
        folder = tmp_path_factory.mktemp(f"user{next(numbers)}")
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        process.stdin.write(json.dumps([str(folder), model]) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        assert answer is not None, "the process failed; its error is above"
        return answer

    yield of
    process.stdin.close()
    process.wait()
    process.stdout.close()


def edited(files, edit):
    name, old, new = edit
    assert old in files[name]
    return {**files, name: files[name].replace(old, new)}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_model_computes_with_counts(told, change):
    files, edit, model = CHANGES[change]
    before, again, after = (told(of, model) for of in (files, files, edited(files, edit)))
    assert before == again
    assert after[0] != before[0]
    assert before[1] == []


@pytest.mark.parametrize("change", SAME)
def test_what_changes_nothing_does_not_count(told, change):
    files, _, model = case(None, **USES_ALL)
    before = told(files, model)
    assert before[1] == []
    assert told(edited(files, SAME[change]), model) == before


@pytest.mark.parametrize("reason", UNKNOWN)
def test_what_cannot_be_followed_is_said(told, reason):
    files, _, model = UNKNOWN[reason]
    assert told(files, model)[1] != []


MAIN = MODELS.format(
    top="NOISE = 0.1\ndef change(X):\n    return X + 1\nlen",
    before="pass",
    asked="change(X) + NOISE",
    made="Own()",
)
PLACES = {
    "standard input": "<stdin>",
    "the command line": "<string>",
    "a script": "script.py",
    "a cell": "cell 1",
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_defined_in_the_main_program_counts(told, place):
    name = PLACES[place]

    def printed(text):
        return told({"script.py": text}, {name: text})

    before = printed(MAIN)
    assert before == printed(MAIN)
    assert before[1] == []
    for old, new in (("NOISE = 0.1", "NOISE = 0.2"), ("X + 1", "X + 2"), ("max_depth=2", "max_depth=3")):
        assert printed(MAIN.replace(old, new))[0] != before[0]
    for old, new in (("def change", "# so\n\ndef change"), ("len\n", "len('another line of the program')\n")):
        assert printed(MAIN.replace(old, new)) == before


def test_the_last_cell_that_defines_a_class_counts(told):
    cells = {"cell 1": MAIN, "cell 2": "NOISE = 0.3\n"}
    assert told({}, cells)[0] != told({}, {"cell 1": MAIN})[0]
    assert told({}, {**cells, "cell 3": MAIN})[0] == told({}, {"cell 1": MAIN})[0]


def loaded(monkeypatch, folder, text):
    (folder / "my_models.py").write_text(text)
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    importlib.invalidate_caches()
    return importlib.import_module("my_models")


def test_what_is_set_while_the_program_runs_counts(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files, _, _ = case(None, **USES_ALL)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for name in ("my_settings", "my_helpers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = loaded(monkeypatch, tmp_path, files["my_models.py"])
    before = resolve_model(module.make)
    assert before.unknown == ()
    for name, value in (("NOISE", 7.0), ("change", lambda X: X), ("TABLE", {})):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert resolve_model(module.make).fingerprint != before.fingerprint
    with monkeypatch.context() as patch:
        patch.setattr(module.Own, "predict_proba", lambda self, X: X)
        assert resolve_model(module.make).fingerprint != before.fingerprint
    assert resolve_model(module.make) == before
    for name in ("my_models", "my_settings", "my_helpers"):
        sys.modules.pop(name)


def test_code_that_was_edited_after_its_import_cannot_be_told(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    files, _, _ = case(None)
    module = loaded(monkeypatch, tmp_path, files["my_models.py"])
    assert resolve_model(module.make).unknown == ()
    (tmp_path / "my_models.py").write_text("# a comment\n" + files["my_models.py"])
    assert resolve_model(module.make).unknown == ()
    (tmp_path / "my_models.py").write_text(files["my_models.py"].replace("max_depth=2", "max_depth=3"))
    assert resolve_model(module.make).unknown == ("the source of Own.fit in my_models is not what was imported",)
    sys.modules.pop("my_models")


def test_fingerprints_cost_little():
    model = make_pipeline(StandardScaler(), FunctionTransformer(np.log1p), RandomForestClassifier())
    source = resolve_model(model)
    estimator = source.make(0)
    started = time.perf_counter()
    fingerprint(None, estimator)
    assert time.perf_counter() - started < 0.05
