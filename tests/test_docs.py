"""What the documentation says exists: flags, links, keys, files and code."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
import yaml
from pyarrow import orc
from typer.main import get_command

import unlearn_audit
from unlearn_audit.attacks import ATTACK_MODELS, CATALOGUE, FEATURES, GAMES
from unlearn_audit.audits.release.findings import FlaggingFinding, Precision, ReleaseFindings
from unlearn_audit.audits.release.plan.findings import PlanFindings, PolicyFinding
from unlearn_audit.cli.commands import COMMANDS, load
from unlearn_audit.cli.main import app
from unlearn_audit.cli.shared.renamed import RENAMED
from unlearn_audit.config import (
    AuditConfig,
    ConfigView,
    DataConfig,
    DpSgdConfig,
    NetworkConfig,
    ScenarioConfig,
    ScenarioName,
    UnlearningConfig,
    UntilConfig,
    WorldsConfig,
    build_config,
)
from unlearn_audit.data import DATASETS, Dataset
from unlearn_audit.defenses import DEFENSES, parse_defense
from unlearn_audit.findings.result import Result
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import DefenseCost
from unlearn_audit.metrics import Clusters, Variation, logit_interval
from unlearn_audit.models import MODELS, resolve_model
from unlearn_audit.models.regimes import Regime
from unlearn_audit.observations import read_observations
from unlearn_audit.observations.views import attacker_view
from unlearn_audit.report.html import render
from unlearn_audit.report.plots import PLOTS, Plot
from unlearn_audit.reproduce import EXPERIMENTS
from unlearn_audit.unlearning import METHODS, unlearner_for
from unlearn_audit.utils.columns import FORMATS, read_columns
from unlearn_audit.utils.registry import GROUPS
from unlearn_audit.worlds.design import Request

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
OF_TYPER = {"--help", "--install-completion", "--show-completion"}
FLAGS_OF_DASK = {"--port", "--nthreads", "--nworkers"}
FLAGS_OF_BENCHMARKS = {"--rows"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(page, language):
    return [text for name, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")) if name == language]


@cache
def commands():
    """Every command by its words, with the flags it knows."""
    found = {}

    def walk(words, command):
        found[words] = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts) if flag.startswith("-")}
        found[words].add("--help")
        for name, below in getattr(command, "commands", {}).items():
            walk((*words, name), below)

    walk((), get_command(app))
    for name in COMMANDS:
        walk((name,), load(name))
    return found


def command_lines():
    """Every ``unlearn-audit ...`` in the pages and in the examples."""
    for page in [*PAGES, *sorted(path for path in (ROOT / "examples").rglob("*") if path.is_file())]:
        for match in re.finditer(r"unlearn-audit ([a-z-][^`\n]*)", page.read_text(encoding="utf-8")):
            if page.suffix == ".md" or "--" in match[1]:
                yield pytest.param(match[1].rstrip(". "), id=f"{page.name}: {match[1][:50]}")


@pytest.mark.parametrize("line", list(command_lines()))
def test_every_command_line_is_one_the_program_knows(line):
    known = commands()
    words = ()
    for word in line.split():
        if (*words, word) not in known:
            break
        words = (*words, word)
    asked = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line.partition(" > ")[0]))
    if not words and not asked:
        pytest.skip("a sentence that starts with the program's name")
    assert asked <= known[words]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_flag_exists(page):
    known = set().union(*commands().values())
    asked = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text(encoding="utf-8")))
    former = {f"--{old}" for of in RENAMED.values() for old in of} if page.name == "deprecations.md" else set()
    assert asked <= known | FLAGS_OF_DASK | FLAGS_OF_BENCHMARKS | former


@pytest.mark.parametrize("words", [words for words in commands() if words], ids=" ".join)
def test_every_flag_of_every_command_is_documented_where_the_command_is(words):
    pages = [page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md"]
    of_command = "\n".join(text for text in pages if f"unlearn-audit {' '.join(words)}" in text)
    assert of_command, f"no page shows {' '.join(words)}"
    documented = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", of_command))
    assert commands()[words] - OF_TYPER <= documented


LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M))


@pytest.mark.skipif(version("typer") != LOCKED["typer"], reason="other versions of typer break lines elsewhere")
def test_the_page_of_options_is_the_one_that_the_program_writes():
    """A flag is added in one place, and ``python docs/options.py`` writes it down."""
    spec = importlib.util.spec_from_file_location("options", ROOT / "docs" / "options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    assert text == module.page()
    for words, known in commands().items():
        part = text.partition(f"## unlearn-audit {' '.join(words)}\n")[2].partition("\n## ")[0]
        if "takes the options of [run]" in part:
            part += text.partition("## unlearn-audit run\n")[2].partition("\n## ")[0]
        if part:
            assert {flag for flag in known if flag not in part} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert file.is_relative_to(ROOT)
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, target


@pytest.mark.parametrize("text", blocks("docs/configuration.md", "yaml") + blocks("docs/defenses.md", "yaml"))
def test_every_configuration_is_valid(text):
    assert build_config(yaml.safe_load(text)) != AuditConfig()


def documented(page, row=re.compile(r"^\| (`[^|]+?) \|([^|]*)\|", re.MULTILINE)):
    """Return first cell to second cell of the tables of a page."""
    found = row.findall((ROOT / page).read_text(encoding="utf-8"))
    return {first: second.strip() for first, second in found}


def test_every_key_is_documented_with_its_default():
    rows = documented("docs/configuration.md")
    keys = {key for cell in rows for key in re.findall(r"`([^`]+)`", cell)}
    assert {f"target.data.{name}" for name in DataConfig.model_fields} <= keys
    assert {f"worlds.{name}" for name in WorldsConfig.model_fields} <= keys
    assert {f"target.network.{name}" for name in NetworkConfig.model_fields} <= keys
    assert set(AuditConfig.model_fields) - {"target", "shadow", "worlds", "dp_sgd", "until"} <= keys
    blocks = (("scenario", ScenarioConfig()), ("unlearning", UnlearningConfig()), ("dp_sgd", DpSgdConfig()))
    for block, of_block in blocks:
        for name in type(of_block).model_fields:
            (default,) = (value for cell, value in rows.items() if cell.startswith(f"`{block}.{name}`"))
            assert default.strip("`").partition(" ")[0] == str(getattr(of_block, name))
    for name in ("group", "multi-version"):
        usual = build_config({"scenario": name}).scenario
        changed = {k: v for k, v in usual.model_dump().items() if k != "name" and v != getattr(ScenarioConfig(), k)}
        for key, value in changed.items():
            assert rows[f"`scenario.{key}`"] == f"{getattr(ScenarioConfig(), key)} (`{name}`: {value})"
    assert any(cell.startswith("`until.auc`, in short `until`") for cell in rows)
    assert set(UntilConfig.model_fields) == {"auc", "at_most"}
    assert rows["`until.at_most`"] == str(UntilConfig(auc=0.03).at_most)
    defaults = WorldsConfig()
    for name in WorldsConfig.model_fields:
        assert rows[f"`worlds.{name}`"] == str(getattr(defaults, name))
    assert rows["`regime`"].strip("`") == AuditConfig().regime
    assert rows["`target.model`"].strip("`") == AuditConfig().target.model
    assert rows["`target.data.name`"].strip("`") == AuditConfig().target.data.name
    assert int(rows["`seed`"]) == AuditConfig().seed


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("docs/datasets.md", DATASETS),
        ("docs/configuration.md", MODELS),
        ("docs/configuration.md", ATTACK_MODELS),
        ("docs/methods.md", FEATURES),
        ("docs/attacks.md", CATALOGUE),
        ("docs/concepts.md", GAMES),
        ("docs/concepts.md", get_args(ScenarioName)),
        ("docs/configuration.md", get_args(ScenarioName)),
        ("docs/configuration.md", get_args(ConfigView)),
        ("docs/methods.md", EXPERIMENTS),
        ("docs/unlearning-methods.md", METHODS),
    ],
)
def test_every_registered_name_is_documented(page, names):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert {name for name in names if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("name", METHODS)
def test_every_option_of_a_method_is_documented_where_the_method_is(name):
    page = "docs/methods.md" if name == "sisa" else "docs/unlearning-methods.md"
    text = (ROOT / page).read_text(encoding="utf-8")
    assert {option for option in METHODS[name].model_fields if f"`{option}`" not in text} == set()


def test_every_defence_is_documented_and_every_one_documented_exists():
    text = (ROOT / "docs" / "defenses.md").read_text(encoding="utf-8")
    for name, kind in DEFENSES.items():
        assert (f"| `{name}`" if kind.parameter is None else f"| `{name}:") in text
    named = set(re.findall(r"^\| `([a-z-]+(?:[:+][a-z0-9:+-]+)?)` ", text, re.MULTILINE))
    assert {"none", "label-only", "temperature:10+rounding:2"} <= named
    for name in named:
        parse_defense(name)


def test_the_table_of_datasets_says_what_the_sources_say():
    text = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: [c.strip() for c in line.split("|")] for line in text.splitlines() if "| `" in line[:4]}
    for name, (source, _) in DATASETS.items():
        records = "unknown" if source.records is None else f"{source.records:,}"
        assert rows[name][2:6] == [records, f"{source.features:,}", str(source.classes), source.licence]
        assert ("data fetch" in rows[name][7]) == source.fetchable


def test_every_key_of_findings_is_documented():
    text = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    fields = {field.alias or name for name, field in Findings.model_fields.items()}
    fields |= set(Result.model_fields) | set(DefenseCost.model_fields)
    assert {name for name in fields if not name.endswith("_ci") and f"`{name}`" not in text} == set()


@pytest.mark.parametrize("model", [ReleaseFindings, FlaggingFinding, Precision, PlanFindings, PolicyFinding])
def test_every_key_about_one_release_is_documented(model):
    text = (ROOT / "docs" / "release.md").read_text(encoding="utf-8")
    fields = {field.alias or name for name, field in model.model_fields.items()}
    assert {name for name in fields if not name.endswith("_ci") and f"`{name}`" not in text} == set()


@pytest.mark.parametrize("text", blocks("docs/file-formats.md", "json"))
def test_an_entry_of_results_has_keys_that_exist(text):
    assert set(json.loads(text)) <= set(Result.model_fields)


@pytest.mark.parametrize("text", blocks("docs/file-formats.md", "csv") + blocks("README.md", "csv"))
def test_every_csv_is_read(text, tmp_path):
    (tmp_path / "file.csv").write_text(text, encoding="utf-8")
    table = read_observations(tmp_path / "file.csv")
    lines = text.splitlines()
    a_query = 4 if "probability" in lines[0] else 1  # of a long file: two versions and two classes
    assert a_query * len(table) == len(lines) - 1
    assert table.roles[0] == "deleted"
    assert table.partial == ("partial" in text)


@pytest.mark.parametrize("text", blocks("docs/file-formats.md", "jsonl"))
def test_json_lines_are_read(text, tmp_path):
    (tmp_path / "file.jsonl").write_text(text, encoding="utf-8")
    table = read_observations(tmp_path / "file.jsonl")
    assert len(table) == len(text.splitlines())
    assert table.rows["label"].tolist() == [0, -1]


@pytest.mark.parametrize("text", blocks("docs/file-formats.md", "python"))
def test_every_snippet_writes_a_file_that_is_read(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.csv").write_text(
        "record,before_no,before_yes,after_no,after_yes\na,0.9,0.1,0.7,0.3\nb,0.6,0.4,0.6,0.4\nc,0.5,0.5,0.5,0.5\n"
    )
    (tmp_path / "members.csv").write_text("record,status\nb,never a customer\na,erased\nc,customer\n")
    exec(compile(text, "docs/file-formats.md", "exec"), {})
    (written,) = tmp_path.glob("target.*")
    table = read_observations(written)
    assert table.classes == ("no", "yes")
    assert table.posteriors.shape == (2, 2, 2)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_snippet_of_python_parses(page):
    for text in blocks(page, "python"):
        ast.parse(text)


def example(heading):
    """Execute the example of a section of the page on extending, and return what it defines."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    ((_, text),) = BLOCK.findall(section)
    names = {"__name__": "example"}
    exec(compile(text, f"docs/extending.md: {heading}", "exec", dont_inherit=True), names)
    return names


FILES = re.findall(r"`((?:tests|[a-z]+)/[\w/]*\.\w+)`", (ROOT / "docs" / "extending.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", sorted(set(FILES)))
def test_every_file_named_in_the_page_on_extending_exists(file):
    assert any((folder / file).exists() for folder in (ROOT, ROOT / "src" / "unlearn_audit"))


def test_the_example_of_an_attack_scores_a_view(table):
    (attack,) = example("An attack")["ATTACKS"]
    made = table()
    view = attacker_view(made, attack.view, made.roles == "deleted")
    change = np.abs(view.original - view.unlearned)
    assert attack.score(view).tolist() == change.max(axis=1).tolist()


def test_the_example_of_an_unlearning_method_keeps_the_model_or_retrains(monkeypatch):
    monkeypatch.setitem(METHODS, "lazy", example("An unlearning method")["LazyOptions"])
    source = resolve_model("decision-tree")
    method, _ = unlearner_for(UnlearningConfig(method="lazy", most=1), source, Regime.FIXED)
    features = np.arange(20.0)[:, None]
    labels = (np.arange(20) > 9).astype(np.int64)
    data = Dataset("line", features, labels, np.array([0, 1]), ("low", "high"), np.arange(20))
    original = method.learn(source, data, np.arange(20), 0)
    one, two = (Request(np.arange(n), np.arange(0)) for n in (1, 2))  # deletes n records, adds none
    assert method.unlearn(original, one, 1) is original
    assert method.unlearn(original, two, 1).training.tolist() == list(range(2, 20))


def test_the_example_of_a_defence_is_one():
    kind = example("A defence")["OUTPUTS"]["mixed"]
    released = kind.function(np.array([[[1.0, 0.0]]], dtype=np.float32), kind.parameter.read("0.5", "mixed:0.5"))
    assert released.tolist() == [[[0.75, 0.25]]]
    assert released.dtype == np.float32


def test_the_example_of_a_dataset_loads(tmp_path):
    _, load_survey = example("A dataset")["DATASETS"]["my-survey"]
    (tmp_path / "my-survey").mkdir()
    (tmp_path / "my-survey" / "survey.csv").write_text("age,answer\n30,no\n40,yes\n", encoding="utf-8")
    assert load_survey(tmp_path).class_names == ("no", "yes")


def test_the_example_of_a_metric_is_the_mean_of_both_error_rates():
    scores, positive = np.array([0.9, 0.2, 0.8, 0.4, 0.3, 0.1]), np.array([True, True, False, False, False, False])
    estimate = example("A metric")["balanced_error"](scores, positive, Clusters(None, None), 0.5)
    assert estimate.value == (1 / 2 + 1 / 4) / 2
    assert estimate.low < estimate.value < estimate.high


def test_the_example_of_a_metric_of_ones_own_prints_figures(monkeypatch, capsys):
    (text,) = [of for of in blocks("docs/api/tables.md", "python") if "roc_auc_score" in of]
    small = partial(unlearn_audit.audit, shadow_worlds=2, target_worlds=2, deletions=8)
    monkeypatch.setattr(unlearn_audit, "audit", small)
    exec(compile(text, "docs/api/tables.md", "exec", dont_inherit=True), names := {})
    area = names["roc_auc_score"](names["deleted"], names["scores"]["score-difference"])
    low, high = names["auc_interval"](
        names["scores"]["score-difference"], names["deleted"], names["scores"]["world"]
    ).interval
    assert low < area < high
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_the_example_of_a_figure_stands_in_the_report(findings, scores, monkeypatch):
    left, right = PLOTS
    histogram = Plot("Scores.", "How often each score was given.", example("A figure of the report")["histogram"])
    monkeypatch.setattr("unlearn_audit.report.html.PLOTS", (left, (*right, histogram)))
    page = render(findings, scores)
    assert 'aria-labelledby="histogram-title histogram-description"' in page
    assert "<b>Scores.</b> How often each score was given." in page


def test_the_example_of_an_interval_is_near_the_usual_one():
    one = Variation(0.0025, 9, 0.0, 0.0, 200, 200, "world", 10)
    estimate = example("Another interval")["probit_interval"](0.8, one)
    assert estimate.interval == pytest.approx(logit_interval(0.8, one).interval, abs=0.02)


def test_the_example_of_a_file_format_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_audit.utils.columns.FORMATS", {**FORMATS, **example("A file format")["FORMATS"]})
    path = tmp_path / "rows.orc"
    orc.write_table(pa.table({"id": ["007"], "x": [0.5]}), path)
    for content in (None, path.read_bytes()):
        assert read_columns(path, content=content).to_pylist() == [{"id": "007", "x": 0.5}]


def test_the_example_of_a_model_is_one(monkeypatch):
    monkeypatch.setitem(MODELS, "naive-bayes", example("A model")["MODELS"]["naive-bayes"])
    fitted = resolve_model("naive-bayes").make(0).fit([[0.0], [0.1], [2.0], [2.1]], [0, 0, 1, 1])
    assert fitted.predict_proba([[0.0]]).argmax() == 0


def test_pages_are_about_the_project_alone():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|work|tmp)/", text), page.name


def test_the_picture_of_the_report_is_that_of_the_page():
    drawing = ROOT / "docs" / "picture.py"
    assert subprocess.run([sys.executable, str(drawing), "--check"], check=False).returncode == 0, f"run {drawing}"


def test_the_picture_of_the_rooms_is_that_of_the_package():
    drawing = ROOT / "docs" / "architecture" / "draw.py"
    assert subprocess.run([sys.executable, str(drawing), "--check"], check=False).returncode == 0, f"run {drawing}"


def test_the_example_of_a_package_registers_one_object_of_each_family():
    (text,) = blocks("docs/extending.md", "toml")
    registered = tomllib.loads(text)["project"]["entry-points"]
    assert set(registered) == set(GROUPS.values())
    assert all(len(objects) == 1 for objects in registered.values())
