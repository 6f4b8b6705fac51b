"""Runs side by side: paired where worlds agree, unpaired where not, and never more than the intervals show."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from made_runs import ATTACKS, make_rows, make_run
from unlearn_audit.audits.comparison.compare import compare_runs, names_of
from unlearn_audit.audits.comparison.differences import Confidences, differences_of
from unlearn_audit.audits.comparison.folders import RunFolder, rows_of
from unlearn_audit.audits.comparison.page import render_comparison
from unlearn_audit.audits.comparison.table import frame_of
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.engine.store.folder import run_folder
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics import Clusters, area_difference, auc_variation, bands, simultaneous_differences
from unlearn_audit.metrics.intervals import difference_of_intervals
from unlearn_audit.utils.files import write_atomic


@pytest.fixture
def two(tmp_path):
    """Two runs of the same worlds, the second with the weaker leak."""
    return make_run(tmp_path / "a"), make_run(tmp_path / "b", make_rows(strength=0.2, noise=1))


def of_areas(first, second):
    positive = (first["role"] == "deleted").to_numpy()
    clusters = Clusters(first["world"].to_numpy(), first["record"].to_numpy()).coded(len(first))
    areas = [
        {name: auc_variation(of[name].to_numpy(), positive, clusters) for name in ATTACKS} for of in (first, second)
    ]
    return areas, positive, clusters


def test_where_worlds_agree_differences_are_those_of_paired_rows(two):
    found = compare_runs(two).findings
    of = found.differences[0]
    assert of.paired
    assert "paired by world and record" in of.why
    keys = ["world", "request", "record", "query", "role"]
    one, other = (pd.read_parquet(folder / "scores.parquet").sort_values(keys, ignore_index=True) for folder in two)
    (first, second), positive, clusters = of_areas(one, other)
    wanted = area_difference(second["score-ratio"], first["score-ratio"], positive, clusters, 0.97)
    assert of.best.excess == wanted.value < 0
    assert of.best.excess_claim_ci == wanted.interval
    assert (
        of.best.difference_ci
        == area_difference(second["score-ratio"], first["score-ratio"], positive, clusters).interval
    )
    pairs = [(second[name], first[name]) for name in ATTACKS]
    bands = dict(zip(ATTACKS, simultaneous_differences(pairs, positive, clusters, 0.98), strict=True))
    assert {each.attack: each.excess_all_ci for each in of.attacks} == {name: b.interval for name, b in bands.items()}
    assert of.best.side == "less"
    assert of.sentences[0].startswith("b gives the deletion away less than a: ")
    assert found.summary == "b gives the deletion away less than a."


def test_the_paired_interval_is_narrower_than_that_of_independent_runs(two, tmp_path):
    paired = compare_runs(two).findings.differences[0].best
    apart = compare_runs([two[0], make_run(tmp_path / "c", make_rows(strength=0.2, noise=1), config={"seed": 1})])
    unpaired = apart.findings.differences[0].best
    assert unpaired.excess == paired.excess
    assert np.ptp(unpaired.excess_claim_ci) > 1.5 * np.ptp(paired.excess_claim_ci)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"config": {"seed": 7}}, "seed 0 and 7"),
        ({"config": {"worlds": {"target": 12, "train_size": 90}}}, "worlds.train_size not set and 90"),
        ({"identity": {"data": {"target": "e" * 64}}}, "digests differ"),
        ({"identity": {"data": {}}}, "Not both runs recorded what"),
        ({"rows": make_rows(first=3)}, "worlds, requests or records differ"),
        ({"rows": make_rows(seed=5)}, "worlds, requests or records differ"),
        ({"rows": make_rows(worlds=9)}, "worlds, requests or records differ"),
    ],
    ids=["seed", "size", "data", "unknown data", "worlds", "records", "fewer"],
)
def test_where_worlds_do_not_agree_intervals_are_those_of_independent_runs(tmp_path, changes, why):
    folders = make_run(tmp_path / "a"), make_run(tmp_path / "b", **changes)
    of = compare_runs(folders).findings.differences[0]
    assert not of.paired
    assert why in of.why
    assert "treat the runs as independent" in of.why
    assert of.why in of.sentences
    one, other = (Findings.read(folder / "findings.json").leading() for folder in folders)
    assert of.best.difference == pytest.approx(other.auc - one.auc)
    low, high = of.best.difference_ci
    assert low <= of.best.difference <= high


def test_unpaired_intervals_are_combined_from_those_of_each_run(tmp_path):
    folders = make_run(tmp_path / "a"), make_run(tmp_path / "b", make_rows(seed=4, strength=0.5))
    of = compare_runs(folders).findings.differences[0]
    one, other = (next(run.rows for run in [RunFolder(f, "", Findings.read(f / "findings.json"), {})]) for f in folders)
    areas = [auc_variation(rows.scores["score-ratio"], rows.positive, rows.clusters) for rows in (one, other)]
    first, second = (area.interval(0.97) for area in areas)
    assert of.best.excess_claim_ci == difference_of_intervals(second, first).interval
    first, second = (area.interval(0.99) for area in areas)  # two attacks: Bonferroni
    every = {each.attack: each.excess_all_ci for each in of.attacks}
    assert every["score-ratio"] == pytest.approx(difference_of_intervals(second, first).interval)


def test_more_shadow_worlds_leave_worlds_under_attack_as_they_are(tmp_path):
    folders = make_run(tmp_path / "a"), make_run(tmp_path / "b", config={"worlds": {"target": 12, "shadow": 40}})
    assert compare_runs(folders).findings.differences[0].paired


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"dataset": "digits", "identity": {"data": {"target": "e" * 64}}}, "is of the dataset adult and b of digits"),
        ({"game": "deleted-vs-retained", "rows": "retained"}, "b with deleted-vs-retained: they measure different"),
        ({"canaries": "mislabelled"}, "b audits records with wrong labels, a worst case"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_said_and_gets_no_difference(tmp_path, changes, why):
    if "rows" in changes:
        changes = {**changes, "rows": make_rows().replace({"role": {"unseen": "retained"}})}
    found = compare_runs([make_run(tmp_path / "a"), make_run(tmp_path / "b", **changes)]).findings
    of = found.differences[0]
    assert of.best is None
    assert of.attacks == ()
    assert of.sentences[0] == "b cannot be compared with a."
    assert why in " ".join(of.sentences)
    assert found.summary == "b cannot be compared with a."
    assert [row.auc is not None for row in found.runs] == [True, True]


def test_attacks_of_one_run_alone_are_left_out_and_named(tmp_path):
    folders = make_run(tmp_path / "a"), make_run(tmp_path / "b", attacks=ATTACKS[1:])
    of = compare_runs(folders).findings.differences[0]
    assert [each.attack for each in of.attacks] == ["margin-difference"]
    assert (of.best.first_attack, of.best.second_attack) == ("margin-difference", "margin-difference")
    said = "Of a 1 attack is not compared, as the other did not run it (score-ratio); score-ratio, which leads there"
    assert any(sentence.startswith(said) for sentence in of.not_compared)


def test_no_attack_in_common_is_no_comparison(tmp_path):
    folders = make_run(tmp_path / "a", attacks=ATTACKS[:1]), make_run(tmp_path / "b", attacks=ATTACKS[1:])
    of = compare_runs(folders).findings.differences[0]
    assert of.best is None
    assert of.sentences[0] == "b cannot be compared with a."
    assert any("share no attack on more than one version" in sentence for sentence in of.sentences)


def test_scores_that_were_left_out_of_a_copy_are_missed_and_not_guessed(two):
    (two[1] / "scores.parquet").unlink()
    compared = compare_runs(two)
    assert "b has no scores.parquet, so only its findings are shown." in compared.findings.differences[0].sentences
    assert list(compared.curves) == [0]


def test_a_run_beside_its_copy_differs_by_nothing(tmp_path):
    folder = make_run(tmp_path / "a")
    shutil.copytree(folder, tmp_path / "b")
    best = compare_runs([folder, tmp_path / "b"]).findings.differences[0].best
    assert (best.difference, best.excess_claim_ci, best.side, best.seen) == (0, (0, 0), "same", None)


def test_every_pair_of_runs_is_allowed_for(two, tmp_path):
    third = make_run(tmp_path / "c", make_rows(noise=3))
    found = compare_runs([*two, third]).findings
    assert (found.claim_confidence, found.all_confidence) == (pytest.approx(0.985), pytest.approx(0.99))
    alone = compare_runs(two).findings.differences[0].best
    assert np.ptp(found.differences[0].best.excess_claim_ci) > np.ptp(alone.excess_claim_ci)
    assert "all 2 pairs of runs are allowed for (Bonferroni)" in found.limits[0]
    assert found.summary == (
        "b gives the deletion away less than a; c is not shown to give the deletion away more or less than a."
    )


def told_apart(folder, n, paired):
    """How many of n pairs of runs that are alike are told apart by any claim."""
    findings = Findings.read(make_run(folder / "a") / "findings.json")
    wrong, at = 0, Confidences.of_pairs(1)
    for seed in range(n):
        runs = []
        for noise in (1, 2):
            rows = make_rows(seed if paired else [seed, noise], worlds=8, strength=0.7, noise=noise)
            run = RunFolder(None, "", findings, {})
            run.__dict__["rows"] = rows_of(rows, "deleted-vs-unseen", set(ATTACKS), None)
            runs.append(run)
        best, attacks = differences_of(*runs, paired=paired, at=at)
        wrong += best.side != "same" or any(of.excess_all_ci[0] > 0 or of.excess_all_ci[1] < 0 for of in attacks)
    return wrong


@pytest.mark.parametrize("paired", [True, False])
def test_runs_that_are_alike_are_told_apart_no_more_often_than_is_said(tmp_path, paired):
    """At most 5 % may be; of 200, 18 are more than chance explains."""
    assert told_apart(tmp_path, 200, paired) < 18


@pytest.mark.parametrize("paired", [True, False])
def test_few_of_runs_that_are_alike_are_told_apart(tmp_path, monkeypatch, paired):
    monkeypatch.setattr(bands, "DRAWS", 1_000)
    assert told_apart(tmp_path, 20, paired) < 5


def test_a_release_gets_a_row_and_no_difference(two, tmp_path):
    folder = tmp_path / "release"
    found = ReleaseFindings(
        config={}, persons=3, records=4, reference_persons=40, references_needed=20, compared_by=("class",),
        labels_known=True, score="fall", combine="sum", confidence=0.95, control="holm", identified=1,
        identified_unadjusted={"0.05": 1}, smallest_p_value=0.02, p_values=(0.02, 0.4, 0.9), changed=1.0, flagging=(),
        summary="1 of 3 deleted people can be identified.", limits=(), notes=(),
    )  # fmt: skip
    with run_folder(folder, {"release": 1}):
        write_atomic(folder / "findings.json", found.to_json())
    compared = compare_runs([two[0], folder])
    row = compared.findings.runs[1]
    assert (row.kind, row.auc, row.n_positive, row.n_negative) == ("release", None, 3, 40)
    assert compared.findings.differences[0].sentences[0] == "release cannot be compared with a."
    assert "release is a check of one release" in compared.findings.differences[0].sentences[1]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "findings.json").write_text("{"), "has changed since the run wrote it"),
        (lambda folder: (folder / "scores.parquet").write_bytes(b"PAR1"), "has changed since the run wrote it"),
        (lambda folder: (folder / "unlearn-audit-run.json").unlink(), "holds no run of unlearn-audit"),
        (lambda folder: (folder / "unlearn-audit-run.json").write_text("[]"), "has changed since the run wrote it"),
        (lambda folder: (folder / "findings.json").unlink(), "has no findings.json"),
    ],
)
def test_damaged_folders_are_refused_in_a_sentence(two, harm, words):
    harm(two[1])
    with pytest.raises(AuditError, match=words):
        compare_runs(two)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="role"), "has no column role"),
        (lambda rows: rows.assign(world="x"), "ids that are not whole numbers"),
        (lambda rows: rows[rows["role"] == "deleted"], "no rows of both roles"),
        (lambda rows: rows.assign(role=3), "no rows of both roles"),
    ],
)
def test_scores_of_another_shape_are_refused_in_a_sentence(two, change, words):
    (two[1] / "unlearn-audit-manifest.json").unlink()
    change(pd.read_parquet(two[1] / "scores.parquet")).to_parquet(two[1] / "scores.parquet")
    with pytest.raises(AuditError, match=words):
        compare_runs(two)


def test_scores_that_are_no_numbers_are_of_no_attack(two):
    (two[1] / "unlearn-audit-manifest.json").unlink()
    rows = pd.read_parquet(two[1] / "scores.parquet")
    rows.loc[3, "score-ratio"] = np.nan
    rows.assign(**{"margin-difference": "x"}).to_parquet(two[1] / "scores.parquet")
    assert compare_runs(two).findings.differences[0].best is None


def test_names_tell_folders_apart(tmp_path):
    assert names_of([tmp_path / "x" / "a", tmp_path / "y" / "a", tmp_path / "y" / "b"]) == ["x/a", "y/a", "y/b"]


def test_the_table_has_a_row_for_each_run(two):
    found = compare_runs(two).findings
    frame = frame_of(found)
    assert frame["name"].tolist() == ["a", "b"]
    assert frame["reading"].tolist()[1] == "less"
    assert frame["difference"][1] == found.differences[0].best.difference
    assert frame["excess_claim_high"][1] == found.differences[0].best.excess_claim_ci[1] < 0


HOSTILE = "<script>alert('x')</script>\"'&\u202e\u05d0" + "y" * 10_000


def test_hostile_texts_are_escaped_in_the_page_and_whole_in_json(tmp_path):
    one = make_run(tmp_path / "<img src=x onerror=alert(1)>", dataset=HOSTILE, model=HOSTILE, config={"note": HOSTILE})
    other = make_run(tmp_path / "b'\"\u202e", dataset=HOSTILE)
    compared = compare_runs([one, other])
    page = render_comparison(compared)
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert json.loads(compared.findings.to_json())["runs"][0]["dataset"] == HOSTILE
    assert len(page) < 200_000
