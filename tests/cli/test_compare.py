"""``unlearn-audit compare`` from the command line."""

import csv
import io
import json

import pytest

from made_runs import make_rows, make_run


@pytest.fixture
def two(tmp_path):
    return make_run(tmp_path / "a"), make_run(tmp_path / "b", make_rows(strength=0.2, noise=1))


def test_one_table_for_people_and_others_for_machines(command, two, tmp_path):
    done = command("compare", *two, f"--out={tmp_path / 'out'}")
    assert done.code == 0, done.err
    assert "b gives the deletion away less than a." in done.out
    assert "paired by world and record" in done.out
    assert str(tmp_path / "out" / "index.html") in done.out
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"index.html", "comparison.csv", "comparison.json"}
    again = command("compare", *two, "--json", f"--out={tmp_path / 'out'}")
    assert again.code == 0, again.err
    assert again.out == (tmp_path / "out" / "comparison.json").read_text()
    assert json.loads(again.out)["schema"] == "unlearn-audit/comparison/1"
    table = command("compare", *two, "--csv")
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [(row["name"], row["reading"], row["paired"]) for row in rows] == [("a", "", ""), ("b", "less", "True")]
    checked = command("verify", tmp_path / "out")
    assert checked.code == 0, checked.err


def test_a_name_that_ends_in_html_gets_the_page_alone(command, two, tmp_path):
    done = command("compare", *two, f"--out={tmp_path / 'both.html'}")
    assert done.code == 0, done.err
    page = (tmp_path / "both.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert not (tmp_path / "both.html").is_dir()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a"], "1 run is given; name 2 to 50"),
        (["a"] * 2, "is given twice"),
        (["a", "nothing"], "holds no run of unlearn-audit"),
        (["a", "b", "--csv", "--json"], "choose one"),
        (["a", "b", "--out=a"], "choose another --out"),
    ],
)
def test_bad_input_ends_in_a_sentence(command, two, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    done = command("compare", *words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
