"""The documentation site: it builds without a warning, loads nothing from elsewhere, and its quick starts run."""

import html
import importlib.util
import re
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import unlearn_audit
from test_docs_commands import OF_A_RUN, SMALLER
from unlearn_audit import config
from unlearn_audit.report.answers import RELEASE

ROOT = Path(__file__).parents[1]
LONG = {"plan", "compare-methods", "reproduce", "--defense", "--unlearning"}
"""Words of commands of quick starts that run in `make figures` alone."""


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OUTPUTS = loaded("outputs")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def links(page):
    return re.findall(r'(?:href|src)="([^"#?]+)(?:#([^"]*))?"', page.read_text(encoding="utf-8"))


def test_the_site_loads_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|iframe|source)[^>]*src="?(?:https?:)?//[^">]*', text), page.name
        assert not re.findall(r'<link[^>]*rel="(?:stylesheet|preconnect)"[^>]*href="(?:https?:)?//[^"]*', text), (
            page.name
        )


def test_every_link_of_the_site_leads_to_a_file_of_it(site):
    for page in site.rglob("*.html"):
        if page.name == "404.html":
            continue  # its links are those of a server's root
        for target, _ in links(page):
            if not target.startswith(("http://", "https://", "data:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_links_to_files_outside_the_documentation_lead_to_pages_with_their_text(site):
    example = (site / "repository" / "examples" / "audit_own_model.py.html").read_text(encoding="utf-8")
    assert "Return made-up customers" in example
    assert "audit_own_model.py.html" in (site / "index.html").read_text(encoding="utf-8")
    notebook = (site / "repository" / "examples" / "notebooks" / "quick_start.ipynb.html").read_text(encoding="utf-8")
    assert '"cell_type"' not in notebook
    assert 'href="../verdicts.html' in (site / "repository" / "index.html").read_text(encoding="utf-8")


def test_headings_have_the_anchors_that_github_gives_them(site):
    page = (site / "concepts.html").read_text(encoding="utf-8")
    assert 'id="models-that-can-run-fixed"' in page
    assert 'id="findingsjson"' in (site / "file-formats.html").read_text(encoding="utf-8")


def test_the_api_is_that_of_the_package(site):
    pages = [(site / "api" / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "configuration")]
    assert [name for name in unlearn_audit.__all__ if f'id="unlearn_audit.{name}"' not in "".join(pages)] == []
    assert 'id="unlearn_audit.observations.read_as.ReadAs"' in pages[0]


def test_the_api_says_of_every_key_of_a_configuration_what_it_sets(site):
    page = (site / "api" / "configuration.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", page)))
    blocks = [of for name in config.__all__ if isinstance(of := getattr(config, name), type)]
    assert len(blocks) > 8
    for block in blocks:
        place = f"unlearn_audit.{'' if block is config.AuditConfig else 'config.'}{block.__name__}"
        for name, field in block.model_fields.items():
            assert f'id="{place}.{name}"' in page, f"{place}.{name}"
            words = " ".join((field.description or "").partition("{")[0].partition("`")[0].split())
            assert words[1:] in text, f"{place}.{name}"
    assert "flagged(" not in text


def test_the_tables_and_metrics_that_pages_name_are_in_the_api(site):
    page = (site / "api" / "tables.html").read_text(encoding="utf-8")
    names = ("Estimate", "Clusters", "auc_interval")
    places = [f"metrics.{name}" for name in names]
    places += ["findings.frame.frame_of", "audits.methods.table.frame_of", "audits.membership.result.tables_by_name"]
    assert [place for place in places if f'id="unlearn_audit.{place}"' not in page] == []


def test_parameters_that_share_a_description_keep_their_own_defaults(site):
    text = re.sub(r"<[^>]+>|\s+", " ", (site / "api" / "index.html").read_text(encoding="utf-8"))
    text = re.sub(r" +", " ", text).partition("Audit the deletion of records")[2]
    assert re.search(r"train_size \( int , default: 2000 \)", text)
    assert re.search(r"stratify \( bool , default: False \)", text)


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quick", "whole"])
@pytest.mark.parametrize("page", OUTPUTS.PAGES, ids=lambda page: page.stem)
def test_a_quick_start_runs_from_top_to_bottom(page, whole, command, monkeypatch):
    """Each command in small; `python docs/outputs.py` runs them as shown, and writes what they print."""
    here = Path.cwd()
    small = partial(unlearn_audit.audit, shadow_worlds=2, target_worlds=2, train_size=80, deletions=6, references=12)
    monkeypatch.setattr(unlearn_audit, "audit", small)
    monkeypatch.syspath_prepend(str(here))
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    ran = 0
    for block in OUTPUTS.blocks(page.read_text(encoding="utf-8")):
        if block.file:
            (here / block.file).write_text(block.text, encoding="utf-8")
        for words in block.commands:
            if not whole and LONG.intersection(words):
                continue
            ran += 1
            if words[0] == "python":
                runpy.run_path(words[1], run_name="__main__")
                continue
            _, name, *arguments = words
            done = command(name, *arguments, *SMALLER.get(name, []))
            assert done.code in OF_A_RUN.get(name, {0}), done.err
    assert ran >= (4 if whole else 2)


def test_the_page_for_a_privacy_lead_explains_every_answer_to_whether_the_update_can_be_released():
    page = (ROOT / "docs" / "start" / "privacy-lead.md").read_text(encoding="utf-8")
    assert {text for text in RELEASE.values() if f"| {text} |" not in page} == set()
