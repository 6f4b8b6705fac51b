from __future__ import annotations

import functools
import hashlib
import http.server
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from made_servers import in_background
from unlearn_audit.cli.data import app
from unlearn_audit.data import DATASETS, Source, SourceFile
from unlearn_audit.data.datasets import adult, cifar10, stl10
from unlearn_audit.errors import AuditError

run = functools.partial(CliRunner().invoke, app)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNLEARN_AUDIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


def _put(folder: Path, file: SourceFile) -> None:
    (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
    (folder / file.path).write_text("")


def test_list_names_every_dataset(folder: Path) -> None:
    result = run(["list"])
    assert result.exit_code == 0
    rows = {line.split("│")[1].strip(): line for line in result.output.splitlines() if line.startswith("│")}
    assert list(rows) == list(DATASETS)
    assert "48,842" in rows["adult"]
    assert "CC BY 4.0" in rows["adult"]
    assert "no: fetch" in rows["adult"]
    assert "no: ask" in rows["us-accidents"]
    assert "bundled" in rows["digits"]
    assert "unknown" in rows["insta-ny"]
    assert "no: fetch" in rows["cifar10"]


def test_list_says_where_a_part_is_here(folder: Path) -> None:
    _put(folder, cifar10.SOURCE.files[1])
    _put(folder, stl10.SOURCE.files[1])
    rows = {line.split("│")[1].strip(): line for line in run(["list"]).output.splitlines() if line.startswith("│")}
    assert "in part: fetch" in rows["cifar10"]
    assert "no: fetch" in rows["stl10"]
    listed = {entry["name"]: entry for entry in json.loads(run(["list", "--json"]).output)}
    assert (listed["cifar10"]["here"], listed["stl10"]["here"]) == (True, False)
    assert [file["here"] for file in listed["cifar10"]["files"]] == [False, True, False, False, False, False]


def test_list_as_json_tells_what_is_here(folder: Path) -> None:
    for file in adult.SOURCE.files:
        _put(folder, file)
    listed = {entry["name"]: entry for entry in json.loads(run(["list", "--json"]).output)}
    assert list(listed) == list(DATASETS)
    assert {name for name, entry in listed.items() if entry["here"]} == {"adult", "digits", "breast-cancer"}
    assert listed["adult"]["records"] == 48_842
    assert listed["us-accidents"]["fetchable"] is False


def test_where_tells_paths_and_the_way_to_get_them(folder: Path) -> None:
    _put(folder, adult.SOURCE.files[0])
    output = run(["where", "adult"]).output
    assert f"there    {folder / 'adult/adult.data'}" in output
    assert f"missing  {folder / 'adult/adult.test'}" in output
    assert "unlearn-audit data fetch adult" in output


def test_where_as_json(folder: Path) -> None:
    told: dict[str, Any] = json.loads(run(["where", "insta-ny", "--json"]).output)
    assert told["files"] == [{"path": str(folder / "insta/ny_withCatId.csv"), "here": False}]
    assert told["here"] is False
    assert "ask the authors" in told["how_to_get"]


def test_where_shows_the_file_that_stands_in(folder: Path) -> None:
    _put(folder, SourceFile("us-accidents/US_Accidents_March23.csv"))
    output = run(["where", "us-accidents"]).output
    assert f"there    {folder / 'us-accidents/US_Accidents_March23.csv'}" in output
    assert "missing" not in output
    assert "how to get" not in output


def test_where_of_bundled_data(folder: Path) -> None:
    assert "comes with scikit-learn" in run(["where", "digits"]).output


@pytest.mark.parametrize("command", ["where", "fetch"])
def test_unknown_name_is_an_audit_error(folder: Path, command: str) -> None:
    result = run([command, "adlut"])
    assert isinstance(result.exception, AuditError)
    assert "did you mean adult" in str(result.exception)


def test_fetch_of_what_must_be_asked_for(folder: Path) -> None:
    result = run(["fetch", "us-accidents"])
    assert isinstance(result.exception, AuditError)
    assert "https://smoosavi.org/datasets/us_accidents" in str(result.exception)


def test_fetch_of_what_needs_nothing(folder: Path) -> None:
    assert run(["fetch", "digits"]).output.strip().endswith("no download is needed")


def test_fetch_from_a_mirror_and_again(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sha256 = hashlib.sha256(b"records").hexdigest()
    files = tuple(SourceFile(f"toy/{part}", "https://nowhere.invalid", sha256) for part in ("a.csv", "b.csv"))
    toy = Source("toy", "A toy", "none", "nobody", 1, 1, 2, files=files)
    monkeypatch.setitem(DATASETS, "toy", (toy, adult.load))
    (tmp_path / "mirror/toy").mkdir(parents=True)
    for file in files:
        (tmp_path / "mirror" / file.path).write_bytes(b"records")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of tests clean."""

    handler = functools.partial(Quiet, directory=str(tmp_path / "mirror"))
    with in_background(handler) as httpd:
        first = run(["fetch", "toy", "--mirror", f"http://127.0.0.1:{httpd.server_port}"])
    assert first.exit_code == 0, first.exception
    assert first.stdout.splitlines() == [f"downloaded: {folder / file.path}" for file in files]
    assert "toy/a.csv" in first.stderr  # the progress
    again = run(["fetch", "toy"])
    assert again.stdout.splitlines() == [f"already there, digest right: {folder / file.path}" for file in files]


@pytest.mark.parametrize("command", ["list", "where", "fetch"])
def test_help_has_an_example(command: str) -> None:
    output = run([command, "--help"]).output
    assert f"unlearn-audit data {command}" in output
