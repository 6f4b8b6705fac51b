"""inspect says what a file is, and prints a command that works when it is pasted."""

import io
import json
import pickle
import shlex
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest


def frame(seed, n=80):
    rng = np.random.default_rng(seed)
    role = np.array(["deleted", "unseen", "retained", "reference"])[np.arange(n) % 4]
    logits = rng.normal(0, 1, (n, 2))
    after = logits + rng.normal(0, 0.2, (n, 2))
    after[:, 0] -= 0.5 * (role == "deleted")
    found = pd.DataFrame({"role": role, "record": np.arange(n), "label": np.where(logits[:, 0] > 0, "no", "yes")})
    for version, of in (("before", logits), ("after", after)):
        p = np.exp(of) / np.exp(of).sum(axis=1, keepdims=True)
        found[f"{version}_no"], found[f"{version}_yes"] = p[:, 0], p[:, 1]
    return found


def logits(of):
    return of.assign(**{name: np.log(of[name]) + 3 * (i % 2) for name in of if name[:2] in ("be", "af") for i in [3]})


def renamed(of):
    return of.rename(
        columns={
            "role": "status", "before_no": "v1 no", "before_yes": "v1 yes", "after_no": "v2 no", "after_yes": "v2 yes"
        }
    )  # fmt: skip


SHAPES = {
    "plain.csv": lambda of, path: of.to_csv(path, index=False),
    "odd.csv.gz": lambda of, path: of.to_csv(path, index=False, sep=";", decimal=","),
    "logits.csv": lambda of, path: logits(of).to_csv(path, index=False),
    "names.parquet": lambda of, path: renamed(of).to_parquet(path),
    "more.csv": lambda of, path: of.assign(wrold=1).to_csv(path, index=False),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_command_for_two_files_works_as_it_is_printed(command, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed, side in enumerate(("shadow", "target")):
        SHAPES[name](frame(seed), f"{side}-{name}")
    ran = command("inspect", f"shadow-{name}", f"target-{name}", "--json")
    found = json.loads(ran.out)
    assert ran.code == 0
    assert found["complete"], found
    program, *words = shlex.split(found["command"])
    assert program == "unlearn-audit"
    findings = command(*words, "--attack=margin-difference", "--attack-model=none", "--json").findings
    assert findings["results"]
    assert [of["kind"] for of in found["files"]] == ["posteriors of both versions"] * 2
    assert found["files"][0]["facts"]["roles"] == dict.fromkeys(("deleted", "reference", "retained", "unseen"), 20)


def test_two_versions_and_lists_of_ids_are_a_release(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    both = frame(0, 400)
    for version in ("before", "after"):
        named = both.rename(columns={f"{version}_no": "p_no", f"{version}_yes": "p_yes"})
        named[["record", "label", "p_no", "p_yes"]].to_csv(f"{version}.csv", index=False)
    for role, name in (("deleted", "deleted.txt"), ("unseen", "held-out.txt")):
        (tmp_path / name).write_text(
            "\n".join(map(str, both["record"][both["role"] == role][: 1 if role == "deleted" else 100]))
        )
    found = json.loads(command("inspect", "after.csv", "before.csv", "deleted.txt", "held-out.txt", "--json").out)
    assert found["complete"]
    assert found["command"] == (
        "unlearn-audit release before.csv after.csv --deleted deleted.txt --reference held-out.txt --out release"
    )
    assert command(*shlex.split(found["command"])[1:]).code == 0
    alone = json.loads(command("inspect", "before.csv", "--json").out)
    assert not alone["complete"]
    assert "the answers of the other version" in alone["missing"][0]


def test_what_is_missing_is_said(command, tmp_path):
    frame(0).to_csv(tmp_path / "target.csv", index=False)
    said = command("inspect", tmp_path / "target.csv").out
    assert "--shadow, from which attacks learn" in said
    assert "run, once the words in capitals are filled in" in said
    frame(1)[:6].to_csv(tmp_path / "shadow.csv", index=False)
    said = command("inspect", tmp_path / "target.csv", tmp_path / "shadow.csv").out
    assert "the shadow file has 2 rows of role deleted, and at least 10 are needed" in said
    frame(1).assign(role="gone").to_csv(tmp_path / "shadow.csv", index=False)
    ran = command("inspect", tmp_path / "shadow.csv")
    assert ran.code == 2
    assert "--role-value" in ran.out


def test_tables_of_records_runs_and_findings(command, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.normal(size=60), "income": rng.normal(size=60), "ill": rng.integers(0, 2, 60)})
    table.to_csv(tmp_path / "people.csv", index=False, sep=";", decimal=",")
    found = json.loads(command("inspect", tmp_path / "people.csv", "--json").out)
    assert found["files"][0]["kind"] == "table of records"
    assert found["command"].endswith("people.csv --label ill")
    for seed, side in enumerate(("shadow", "target")):
        frame(seed).to_csv(tmp_path / f"{side}.csv", index=False)
    files = [f"--{side}={tmp_path / side}.csv" for side in ("shadow", "target")]
    options = ("--attack=margin-difference", "--attack-model=none", "--out", tmp_path / "run")
    assert command("predictions", *files, *options).code == 0
    found = json.loads(command("inspect", tmp_path / "run", tmp_path / "target.csv", "--json").out)
    assert found["files"][0]["kind"] == "run folder"
    assert f"--shadow {tmp_path}/run/observations/shadow.parquet" in found["command"]
    found = json.loads(command("inspect", tmp_path / "run" / "findings.json", "--json").out)
    assert found["files"][0]["kind"] == "findings of a run"


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def checkpoint(trap):
    with io.BytesIO() as held:
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("model/data.pkl", pickle.dumps(trap))
        return held.getvalue()


OTHERS = {
    "model.pkl": (pickle.dumps, "a pickle of Python objects; it can run code and is never opened"),
    "named.csv": (pickle.dumps, "a pickle of Python objects"),
    "model.pt": (checkpoint, "a torch checkpoint"),
    "model.safetensors": (lambda _: struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}', "weights of a network"),
    "model.onnx": (lambda _: b"\x08\x07\x12\x07skl2onnx", "an ONNX model"),
    "book.xlsx": (lambda _: b"PK\x03\x04" + bytes(30), "a spreadsheet"),
    "paper.pdf": (lambda _: b"%PDF-1.7\n", "a PDF"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_named_and_never_opened(command, tmp_path, name):
    make, said = OTHERS[name]
    (tmp_path / name).write_bytes(make(Trap(tmp_path / "sprung")))
    ran = command("inspect", tmp_path / name)
    assert ran.code == 2
    assert said in " ".join(ran.out.split())
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 50, b"a,b\n1", b"hello", b'{"a": 1}', b"\xff\xfe"])
@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "npz", "arrow", "txt", "dat", "csv.gz", "zip"])
def test_any_bytes_end_in_sentences(command, tmp_path, content, suffix):
    (tmp_path / f"t.{suffix}").write_bytes(content)
    ran = command("inspect", tmp_path / f"t.{suffix}")
    assert ran.code in (0, 2)
    assert "t." + suffix in ran.out


def test_of_a_large_file_the_first_rows_are_read(command, tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_audit.cli.inspection.heads.WHOLE", 1000)
    monkeypatch.setattr("unlearn_audit.cli.inspection.heads._HEAD", 2000)
    frame(0).to_csv(tmp_path / "t.csv", index=False)
    frame(0).to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        (found,) = json.loads(command("inspect", tmp_path / name, "--json").out)["files"]
        assert found["kind"] == "posteriors of both versions"
        assert found["partly"].startswith("its first")
        assert found["facts"]["rows read"] <= 80
    assert command("inspect", tmp_path / "none.csv").code == 2


def versions(tmp_path, prefixes, record="record"):
    """Write the answers of both versions under names that differ, and the lists of ids; return their options."""
    both = frame(0, 400)
    for version, prefix in zip(("before", "after"), prefixes, strict=True):
        columns = {f"{version}_{of}": f"{prefix}_{of}" for of in ("no", "yes")}
        named = both.rename(columns={**columns, "record": record})[[record, "label", *columns.values()]]
        named.to_json(tmp_path / f"{'march' if version == 'before' else 'april'}.jsonl", orient="records", lines=True)
    for role, name, n in (("deleted", "deleted.txt", 1), ("unseen", "held-out.txt", 90)):
        ids = map(str, both["record"][both["role"] == role][:n])
        (tmp_path / name).write_text("\n".join(ids) + "\n\n")
    return ["--deleted", "deleted.txt", "--reference", "held-out.txt"]


PATTERNS = {
    "one for both": (("score", "score"), ["--before", "score_*"]),
    "one for both, as that after": (("score", "score"), ["--after", "score_*"]),
    "the same twice": (("score", "score"), ["--before", "score_*", "--after", "score_*"]),
    "one each": (("old", "new x"), ["--before", "old_*", "--after", "new x_*"]),
    "one of ours": (("score", "p"), ["--before", "score_*"]),
    "the other of ours": (("p", "score"), ["--after", "score_*"]),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_names_of_both_versions_reach_the_file_that_has_them(command, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prefixes, options = PATTERNS[name]
    listed = versions(tmp_path, prefixes, "patient")
    options = [*options, "--column", "record=patient"]
    done = command("release", "march.jsonl", "april.jsonl", *listed, *options, "--out", "there", "--json")
    assert done.code == 0, done.err
    done = done.findings
    assert done["persons"] == 1
    found = json.loads(command("inspect", "march.jsonl", "april.jsonl", *listed[1::2], *options, "--json").out)
    assert found["complete"], found
    assert command(*shlex.split(found["command"])[1:], "--json").findings["summary"] == done["summary"]


def test_a_pattern_that_fits_nothing_names_an_option_that_exists(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = versions(tmp_path, ("score", "score"))
    ran = command("release", "march.jsonl", "april.jsonl", *listed, "--before", "x_*", "--after", "y_*")
    ran.says("march.jsonl has no column that matches --before or --after x_*; it has record, label, score_no")


def test_the_printed_command_has_every_option_that_was_given(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = {"deleted": "geloescht", "unseen": "nie dabei", "retained": "behalten", "reference": "bezug"}
    for seed, side in enumerate(("shadow", "target")):
        odd = renamed(frame(seed)).replace({"status": words}).rename(columns={"status": "mein Status"}).assign(recrd=1)
        numbers = odd.select_dtypes("float") * 100
        odd[numbers.columns] = numbers
        odd.to_csv(f"{side}.csv.gz", index=False, sep="|", decimal=",", encoding="latin-1")
    options = ["--column", "role=mein Status", "--before", "v1 *", "--after", "v2 *", "--values", "percentages"]
    options += ["--ignore", "recrd", "--delimiter", "pipe", "--decimal", "comma", "--text-encoding", "latin-1"]
    options += [part for role, word in words.items() for part in ("--role-value", f"{role}={word}")]
    found = json.loads(command("inspect", "shadow.csv.gz", "target.csv.gz", *options, "--json").out)
    assert found["complete"], found
    printed = shlex.split(found["command"])
    assert all(word in printed for word in options)
    findings = command(*printed[1:], "--attack=margin-difference", "--attack-model=none", "--json").findings
    assert findings["results"]


def test_a_guess_is_to_be_checked_and_no_problem(command, tmp_path):
    for side in ("shadow", "target"):
        logits(frame(0)).to_csv(tmp_path / f"{side}.csv", index=False)
    ran = command("inspect", tmp_path / "shadow.csv", tmp_path / "target.csv")
    assert ran.code == 0
    said = " ".join(ran.out.split())
    assert "problem" not in said
    assert "check: --values logits is a guess" in said
    assert "as --values says" not in said
    assert "in capitals" not in said


def test_lists_of_ids_are_counted_and_never_assigned_without_reason(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    versions(tmp_path, ("p", "p"))
    for old, new in (("deleted.txt", "geloescht.txt"), ("held-out.txt", "nie_dabei.txt")):
        (tmp_path / old).rename(new)
    found = json.loads(command("inspect", "march.jsonl", "april.jsonl", "geloescht.txt", "nie_dabei.txt", "--json").out)
    assert not found["complete"]
    assert "--deleted DELETED --reference REFERENCE" in found["command"]
    assert "geloescht.txt, nie_dabei.txt" in found["missing"][0]
    assert [of["facts"]["ids"] for of in found["files"][2:]] == [1, 90]
    alone = json.loads(command("inspect", "geloescht.txt", "--json").out)
    assert alone["command"].startswith("unlearn-audit release BEFORE AFTER --deleted DELETED")
    (tmp_path / "geloescht.txt").rename("deleted.txt")
    found = json.loads(command("inspect", "march.jsonl", "deleted.txt", "--json").out)
    assert "--deleted deleted.txt --reference REFERENCE" in found["command"]


def test_capitals_are_named_where_there_are_some(command, tmp_path):
    frame(0).to_csv(tmp_path / "target.csv", index=False)
    frame(1)[:6].to_csv(tmp_path / "shadow.csv", index=False)
    said = command("inspect", tmp_path / "shadow.csv", tmp_path / "target.csv").out
    assert "run, once this is fixed:" in said
    assert "in capitals" not in said


@pytest.mark.parametrize("name", ["inspect", "release", "predictions"])
def test_the_options_of_reading_are_in_the_whole_help(command, name):
    whole, short = command(name, "--help-all"), command(name, "--help")
    assert whole.code == 0
    assert "Reading files:" in whole.out
    for option in ("column", "before", "role-value", "values", "delimiter", "text-encoding"):
        assert f"  --{option} " in whole.out
    assert "More options: --help-all" in short.out
    assert "--text-encoding" not in short.out


def foreign(of):
    """Return a frame whose columns have names of their owner's."""
    names = {"record": "patient", "label": "diagnosis", "world": "model run"}
    return of.assign(record="P" + of["record"].astype(str), world=of.index // 20).rename(columns=names)


def test_columns_that_look_like_labels_ids_and_worlds_are_suggested(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed, side in enumerate(("shadow", "target")):
        of = logits(foreign(frame(seed))).rename(columns={"role": "group"})
        of.assign(city="x").to_parquet(f"{side}.parquet")
    found = json.loads(command("inspect", "shadow.parquet", "target.parquet", "--json").out)
    file = found["files"][0]
    assert found["complete"]
    assert "--column label=diagnosis" in found["command"]
    assert "--values logits --column role=group --column label=diagnosis" in found["command"]
    assert "its values are names of the classes" in file["checks"][-1]
    assert [of.partition(":")[0].partition(",")[0] for of in file["suggestions"]] == [
        "--column record=patient", "--column 'world=model run'"
    ]  # fmt: skip
    findings = command(
        *shlex.split(found["command"])[1:], "--attack=margin-difference", "--attack-model=none", "--json"
    ).findings
    assert findings["results"]


def long(of, names):
    """Return one row a query, version and class."""
    rows = of.melt(["role", "record", "label"], [c for c in of if c[:3] in ("bef", "aft")], "column", "probability")
    rows[["version", "class"]] = rows.pop("column").str.split("_", expand=True).to_numpy()
    return rows.rename(columns=names)


LONG = {
    "words": ({"record": "patient", "version": "modell", "class": "klasse", "probability": "wert"}, {}),
    "own words": ({"version": "modell", "class": "klasse", "probability": "wert"}, {"before": "alt", "after": "neu"}),
    "role": ({"role": "gruppe", "version": "modell", "class": "klasse", "probability": "wert"}, {}),
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_file_with_other_names_is_recognised(command, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, words = LONG[name]
    for seed, side in enumerate(("shadow", "target")):
        rows = long(frame(seed), {})
        rows["version"] = rows["version"].replace(words)
        rows.rename(columns=names).to_csv(f"{side}.csv", index=False, sep=";", decimal=",")
    found = json.loads(command("inspect", "shadow.csv", "target.csv", "--json").out)
    assert found["complete"], found
    for ours, theirs in names.items():
        assert f"--column {ours}={theirs}" in found["command"]
    assert "is a guess" in found["files"][0]["checks"][0]
    findings = command(
        *shlex.split(found["command"])[1:], "--attack=margin-difference", "--attack-model=none", "--json"
    ).findings
    assert findings["results"]


def test_a_long_file_with_other_roles_is_said_to_be_long(command, tmp_path):
    rows = long(frame(0), LONG["words"][0]).rename(columns={"role": "gruppe"})
    rows["gruppe"] = rows["gruppe"].replace({"deleted": "weg", "unseen": "neu", "retained": "da", "reference": "x"})
    rows.to_csv(tmp_path / "t.csv", index=False)
    ran = command("inspect", tmp_path / "t.csv")
    assert ran.code == 2
    said = " ".join(ran.out.split())
    assert "--column version=modell --column class=klasse --column probability=wert" in said
    assert "table of records" not in said


def test_answers_of_one_version_under_other_names_are_recognised(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = versions(tmp_path, ("score", "score"), "patient")
    found = json.loads(command("inspect", "march.jsonl", "april.jsonl", *listed[1::2], "--json").out)
    assert found["complete"], found
    assert "--column record=patient --before 'score_*'" in found["command"]
    assert command(*shlex.split(found["command"])[1:]).code == 0
    alone = json.loads(command("inspect", "march.jsonl", listed[1], "--json").out)
    assert "the answers of the other version" in alone["missing"][0]


def test_a_long_file_of_logarithms_with_zeros_and_without_roles(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = long(frame(0), {}).drop(columns=["role", "label"])
    rows["version"] = rows["version"].replace({"before": "Q1/2026", "after": "Q2/2026"})
    zeros = np.where(rows["record"] == 3, rows["class"] == "no", rows["probability"])
    with np.errstate(divide="ignore"):
        rows["probability"] = np.log(zeros)
    rows = rows.rename(columns={"version": "stand", "class": "art", "probability": "log p", "record": "Nr"})
    rows[::-1].to_csv("t.csv", index=False, sep=";", decimal=",")
    ran = command("inspect", "t.csv")
    said = " ".join(ran.out.split())
    assert ran.code == 2
    assert "--column version=stand --column class=art --column 'probability=log p'" in said
    assert "--before Q1/2026 --after Q2/2026" in said
    assert "Traceback" not in said + ran.err


def test_roles_in_a_second_file_are_to_be_joined(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    both = frame(0)
    both.drop(columns="role").to_csv("answers.csv", index=False)
    both[["record", "role"]].to_csv("members.csv", index=False)
    said = command("inspect", "answers.csv", "members.csv").out
    assert (
        "missing: the role of each record: if it is in members.csv, add it to the file of posteriors, by the record"
        in " ".join(said.split())
    )
