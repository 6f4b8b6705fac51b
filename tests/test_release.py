"""What is released, and the files beside it that say what the project is, agree with each other."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from unlearn_audit.cli.shared.renamed import RENAMED
from unlearn_audit.utils.deprecations import REMOVED_IN

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "CITATION.cff", ROOT / "mkdocs.yml"]


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in ("lowest", "release_check"):
        sys.modules.pop(name, None)


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["title"] == PROJECT["name"]
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    assert cited["repository-code"] == REPOSITORY
    assert cited["keywords"] == PROJECT["keywords"]
    assert {"cff-version", "message", "authors"} <= set(cited)


def test_the_repository_has_one_address():
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES if page.exists()}
    addresses = {found for text in texts.values() for found in re.findall(r"https://github\.com/unlearn[\w./-]*", text)}
    assert {of for of in addresses if not f"{of}/".startswith(f"{REPOSITORY}/")} == set()
    assert all(of.startswith(REPOSITORY) for of in PROJECT["urls"].values())


def test_every_library_of_the_core_has_a_lowest_version(benchmarks):
    from lowest import lowest

    core = list(lowest(PROJECT, []))
    assert len(core) == len(PROJECT["dependencies"])
    assert "pandas==2.2.2" in core
    assert [of.partition("==")[0] for of in lowest(PROJECT, ["dask"])][len(core) :] == ["dask", "distributed"]


def test_what_a_distribution_lacks_or_should_not_hold_is_said(benchmarks):
    from release_check import HELD, wrong_contents

    right = [*(f"unlearn_audit/{name}" for name in HELD), "unlearn_audit-0.1.0.dist-info/licenses/LICENSE"]
    assert list(wrong_contents(right)) == []
    assert list(wrong_contents(right[1:])) == ["lacks py.typed"]
    assert list(wrong_contents(right[:-1])) == ["lacks the licence"]
    assert list(wrong_contents([*right, "tests/a.py", "data/b.csv"])) == [
        "holds tests/a.py and 1 more files of other folders"
    ]


def test_every_extra_and_lowest_version_is_on_the_page_of_installing():
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    for extra in set(PROJECT["optional-dependencies"]) - {"dev", "browser"}:
        assert f"| `{extra}` |" in page
    bounds = dict(re.match(r"([\w-]+)>=([\d.]+)", of).groups() for of in PROJECT["dependencies"])
    rows = [line for line in page.splitlines() if line.endswith("| the lowest and the newest |")]
    for library in ("numpy", "scipy", "matplotlib", "pyarrow", "pandas", "scikit-learn", "pydantic", "typer"):
        (row,) = (line for line in rows if library in line.lower())
        assert bounds[library] in row
    assert PROJECT["requires-python"].removeprefix(">=") in page


def test_everything_deprecated_is_listed_with_the_version_that_removes_it():
    page = (ROOT / "docs" / "deprecations.md").read_text(encoding="utf-8")
    for renamed in RENAMED.values():
        for old, new in renamed.items():
            (row,) = (line for line in page.splitlines() if f"`--{old}`" in line)
            assert f"`--{new}`" in row
            assert row.endswith(f"| {REMOVED_IN} |")
