"""Erasing people whose rows an audit knows by their numbers alone: which they are stands in the owner's table."""

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import AuditConfig
from unlearn_audit.engine.erasure.purge import purge
from unlearn_audit.engine.erasure.runs import Run
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.observations import write_observations

ROWS = 240


@pytest.fixture
def people(tmp_path):
    """A table in which customer 100 + i owns the rows i, i + 60, i + 120 and i + 180."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 3)), columns=list("abc"))
    frame["customer"] = 100 + np.arange(ROWS) % 60
    frame["pays"] = np.where(frame["a"] > 0, "yes", "no")
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture
def out(people, table, tmp_path):
    data = {"file": str(people), "label": "pays", "person": "customer"}
    config = AuditConfig.model_validate({"target": {"data": data, "model": "decision-tree"}})
    made = table(worlds=2)
    made.rows["record"] = np.arange(len(made))
    made.rows["dataset"] = "people"
    with run_folder(tmp_path / "out", AuditTask.load(config).identity, store=tmp_path / "store") as folder:
        write_observations(made, folder / "observations" / "target.parquet")
    return folder


def records(out):
    return set(pd.read_parquet(out / "observations" / "target.parquet")["record"])


def test_ids_are_of_people_where_the_run_knows_whose_its_rows_are(out):
    before = records(out)
    assert {3, 63, 17} <= before
    done = purge([out], None, {"103", "117", "159"}, without_store=True)
    assert done.by == "person"
    assert before - records(out) == {3, 63, 17, 77, 59} & before
    assert done.missing == []


def test_a_person_without_a_row_in_the_run_is_named(out):
    purge([out], None, {"103"}, without_store=True)
    assert purge([out], None, {"103", "9999"}, without_store=True).missing == ["103", "9999"]
    with pytest.raises(AuditError, match=r"nothing is stored under 0104 \(104 is there\)"):
        purge([out], None, {"0104"}, without_store=True)


def test_numbers_of_rows_are_taken_where_they_are_said_to_be(out):
    before = records(out)
    done = purge([out], None, {"17"}, by="record", without_store=True)
    assert done.by == "record"
    assert before - records(out) == {17}


@pytest.mark.parametrize("change", ["gone", "a row less", "another order"])
def test_where_whose_rows_they_are_is_no_longer_known_it_stops(out, people, change):
    frame, before = pd.read_csv(people), records(out)
    people.unlink()
    if change != "gone":
        frame = frame.iloc[1:] if change == "a row less" else frame.iloc[::-1]
        frame.to_csv(people, index=False)
    with pytest.raises(
        AuditError, match=r"column 'customer' of .*people\.csv says whose records .*, and that file is gone"
    ):
        purge([out], None, {"103"}, without_store=True)
    assert records(out) == before
    assert purge([out], None, {"17"}, by="record", without_store=True).rows == 1


def test_a_run_of_when_people_were_units_knows_them_too(out):
    run = Run.read(out)
    target = run.identity["config"]["target"]
    target["data"]["unit"] = target["data"].pop("person")
    assert run.knows == "person"
