"""What a record states of a run, and whom it never names."""

import hmac
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from unlearn_audit import Execution, Findings, run
from unlearn_audit.attacks import CATALOGUE
from unlearn_audit.attacks.learned.features import FEATURES
from unlearn_audit.audits.record import Record, Who, markdown, record_of
from unlearn_audit.audits.record.json_schema import record_schema
from unlearn_audit.audits.record.markdown import text
from unlearn_audit.config import build_config
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.precision import detectable_auc
from unlearn_audit.utils.manifest import MANIFEST, Manifest

ROOT = Path(__file__).parents[3]
KEY = bytes(range(32))
WORLDS = {"shadow": 3, "target": 4, "train_size": 150, "deletions": 10, "unseen": 12, "references": 12}
FEW = {"attacks": ["l-diff", "margin-original"], "features": ["sorted-diff"], "attack_models": ["logistic-regression"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    settings = {"target": {"data": "digits", "model": "decision-tree"}, "worlds": WORLDS, **FEW}
    result = run(build_config(settings), Execution(store=tmp_path_factory.mktemp("store")))
    return result.save(tmp_path_factory.mktemp("runs") / "one").parent


@pytest.fixture(scope="module")
def record(folder):
    return record_of(folder, Who("Shop Ltd.", "A. Lovelace"), KEY)


@pytest.fixture
def released(command, tmp_path):
    """A release whose people have names that no record may show."""
    rng = np.random.default_rng(0)
    names = [f"ada{i:03}@example.org" for i in range(200)]
    p = rng.uniform(0.2, 0.8, 200)
    for name, of in (("before", p), ("after", p + np.where(np.arange(200) < 3, 0.15, 0.001))):
        pd.DataFrame({"record": names, "p_no": 1 - of, "p_yes": of}).to_csv(tmp_path / f"{name}.csv", index=False)
    ids = ("--deleted", ",".join(names[:3]), "--reference", ",".join(names[3:]))
    out = tmp_path / "release"
    done = command("release", tmp_path / "before.csv", tmp_path / "after.csv", *ids, "--out", out)
    assert done.code == 0, done.err
    return out, names


def test_the_documented_schema_is_that_of_the_models(record):
    documented = json.loads((ROOT / "docs" / "record.schema.json").read_bytes())
    assert documented == record_schema(), (
        "run python -m unlearn_audit.audits.record.json_schema > docs/record.schema.json"
    )
    jsonschema.validate(json.loads(record.to_json()), documented)
    assert Record.model_validate_json(record.to_json()) == record


def test_figures_and_smallest_effects_are_those_of_the_findings(record, folder):
    findings = Findings.read(folder / "findings.json")
    results = [of for of in findings.results if of.rows == "all"]
    assert [(of.auc, of.auc_ci, of.detectable_auc) for of in record.figures] == [
        (of.auc, of.auc_ci, detectable_auc(of)) for of in results
    ]
    leading = findings.leading()
    claims = {of.attack: of.auc_claim_ci for of in record.figures}
    assert claims[leading.attack] == leading.auc_claim_ci
    other = next(of for of in results if of.attack != leading.attack and of.attack_model is None)
    assert claims[other.attack] == other.auc_simultaneous_ci
    assert record.outcome == findings.verdict.summary
    assert set(findings.verdict.limits) <= set(record.limits)
    assert record.sizes["target worlds"] == 4


def test_every_registered_attack_was_run_or_has_a_reason(record):
    ran = {of.attack.partition("/")[0] for of in record.attacks}
    left = {of.test.removeprefix("attack ").partition(" with ")[0] for of in record.not_run}
    assert {*CATALOGUE, *FEATURES} <= ran | left
    assert not ran & left
    assert {"attribute inference", "model inversion", "exfiltration of training data"} <= left
    assert all(of.why for of in record.not_run)


def test_each_attack_has_a_threat_model(record):
    by_name = {of.attack: of for of in record.attacks}
    assert by_name["margin-original"].sees == "the posteriors of the original model alone"
    assert by_name["l-diff"].sees == "the posteriors of both models"
    assert any("reference records" in need for need in by_name["l-diff"].needs)
    assert by_name["sorted-diff/logistic-regression"].needs == ()


def test_records_and_parameters(record):
    found = record.parameters
    assert found.records == 150
    assert found.minimum == found.maximum == 2 * 9 + 10 * 10  # ten leaves of ten classes
    assert found.records_per_parameter == pytest.approx(150 / 118)


def test_digests_are_those_of_the_run(record, folder):
    identity = json.loads((folder / "unlearn-audit-run.json").read_bytes())["identity"]
    assert {of.sha256 for of in record.data} == set(identity["data"].values())
    assert {of.sha256 for of in record.models} == set(identity["model"].values())
    assert {of.what: of.sha256 for of in record.results} == Manifest.read(folder).files


def test_requests_are_codes_under_the_owners_key(record, folder):
    rows = pd.read_parquet(folder / "observations" / "target.parquet", columns=["record", "role"])
    ids = set(rows["record"][rows["role"] == "deleted"].astype(str))
    codes = sorted(hmac.new(KEY, one.encode(), "sha256").hexdigest() for one in ids)
    assert list(record.requests.codes) == codes
    assert record.requests.of == "records"
    without = record_of(folder)
    assert (without.requests.count, without.requests.codes) == (len(ids), ())
    assert without.requests.left_out == "no key of the owner was given"


def test_what_is_not_stored_is_named(folder, tmp_path):
    """As in a run of an earlier version: without manifest, and without what is noted beside results."""
    old = tmp_path / "old"
    old.mkdir()
    document = json.loads((folder / "findings.json").read_bytes())
    for name in ("parameters", "not_run"):
        del document["execution"][name]
    (old / "findings.json").write_text(json.dumps(document))
    found = record_of(old)
    said = " ".join(found.not_recorded)
    for what in ("files", "when the run ended", "command line", "parameters", "not run", "data", "code and settings"):
        assert what in said
    assert found.parameters is None
    assert found.requests.left_out == "this run keeps no table of its requests"
    assert {"the number of parameters of the models", "when the run ended"}.isdisjoint(record_of(folder).not_recorded)


def test_a_release_is_recorded_and_nobody_is_named(command, released, tmp_path, monkeypatch):
    run_folder, names = released
    monkeypatch.setenv("UNLEARN_AUDIT_KEY", KEY.hex())
    done = command("record", run_folder, "--out", tmp_path / "record", "--owner", "Shop Ltd.")
    assert done.code == 0, done.err
    written = [(tmp_path / "record" / f"record.{end}").read_text() for end in ("json", "md")]
    for content in written:
        assert not [name for name in names if name in content]
        assert KEY.hex() not in content
        assert str(tmp_path) not in content
    found = json.loads(written[0])
    assert found["requests"]["codes"] == sorted(hmac.new(KEY, one.encode(), "sha256").hexdigest() for one in names[:3])
    assert found["requests"]["of"] == "people"
    assert "--deleted '(ids)'" in found["made"]["command"]
    assert {of["what"] for of in found["data"]} == {"before: before.csv", "after: after.csv"}
    assert command("verify", run_folder).code == 0


def test_the_command_says_what_is_left_out(command, folder, tmp_path):
    done = command("record", folder)
    assert (done.code, done.out) == (0, "Record: one-record/record.md\n")
    assert "Note: requests are without codes: no key of the owner was given" in done.err
    key = tmp_path / "owner.key"
    key.write_text(KEY.hex())
    assert command("record", folder, "--key", key, "--json").findings["requests"]["left_out"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--key", "nowhere.key"], "there is no key nowhere.key"),
        (["--key", "short.key"], "holds a key of 2 bytes and 32 are needed"),
        (["--key", "words.key"], "holds no key of hexadecimal digits"),
        (["--out", "{run}/record"], "must stay as its run left it"),
    ],
)
def test_what_cannot_be_recorded_is_one_sentence(command, folder, given, said):
    Path("short.key").write_text("abcd")
    Path("words.key").write_text("a key of words")
    command("record", folder, *(of.format(run=folder) for of in given)).says(said)


def test_what_is_no_run_or_was_changed_is_refused(command, folder, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    command("record", tmp_path / "empty").says("holds no run of unlearn-audit")
    command("record", folder / "findings.json").says("is not a run folder")
    monkeypatch.setenv("UNLEARN_AUDIT_KEY", "ab")
    command("record", folder).says("the environment variable UNLEARN_AUDIT_KEY holds a key of 1 bytes")
    manifest = folder / MANIFEST
    before = manifest.read_bytes()
    try:
        manifest.write_text("{}")
        with pytest.raises(AuditError, match="is damaged or of another version"):
            record_of(folder)
    finally:
        manifest.write_bytes(before)


HOSTILE = '<script>alert(1)</script>|[x](javascript:1) *`_\u202e\x1b[2J\n# "' + "y" * 10_000


def test_hostile_texts_are_whole_in_json_and_no_markup_in_the_page(record):
    made = record.made.model_copy(update={"owner": HOSTILE})
    scope = record.scope.model_copy(update={"dataset": HOSTILE, "settings": {HOSTILE: HOSTILE}})
    hostile = record.model_copy(update={"made": made, "scope": scope, "limits": (HOSTILE,)})
    assert json.loads(hostile.to_json())["made"]["owner"] == HOSTILE
    page = markdown(hostile)
    assert "<script>" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert not re.search(r"(?<!\\)\]\(javascript", page)
    rows = [line for line in page.splitlines() if "script" in line and line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in rows)


def test_plain_words_stay_plain():
    assert text("deleted-vs-unseen, 0.5 (97 %)") == "deleted-vs-unseen, 0.5 (97 %)"
