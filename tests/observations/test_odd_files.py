# ruff: noqa: E501
"""Files of posteriors in any shape give the table of the plain one, or one sentence that names the cause."""

import bz2
import gzip
import json
import lzma
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import read_observations
from unlearn_audit.observations.one_version import read_answers
from unlearn_audit.observations.read_as import ReadAs
from unlearn_audit.observations.table import READ_AS
from unlearn_audit.utils import sources

CLASSES = ["no", "yes", "not sure"]
N = 40


def posteriors(k=3, decimals=4):
    """Return (N, 2, k) decimals that sum to 1 to the last digit."""
    rng = np.random.default_rng(0)
    cuts = np.sort(rng.integers(1, 10**decimals, (N, 2, k - 1)), axis=2)
    parts = np.diff(cuts, axis=2, prepend=0, append=10**decimals)
    return parts / 10**decimals


P = posteriors()
BASE = pd.DataFrame(
    {
        "role": np.array(["deleted", "unseen", "retained", "reference"])[np.arange(N) % 4],
        "record": np.arange(N) + 100,
        "world": np.arange(N) // 20,
        "label": np.array(CLASSES)[np.arange(N) % 3],
    }
)


def wide(p=P, classes=CLASSES, base=BASE, versions=("before", "after")):
    columns = {f"{v}_{c}": p[:, i, j] for i, v in enumerate(versions) for j, c in enumerate(classes)}
    return pd.concat([base, pd.DataFrame(columns)], axis=1)


def long(p=P, base=BASE, seed=None):
    rows = [
        {**base.iloc[i].to_dict(), "version": v, "class": c, "probability": p[i, at, j]}
        for i in range(N)
        for at, v in enumerate(("before", "after"))
        for j, c in enumerate(CLASSES)
    ]
    frame = pd.DataFrame(rows)
    return frame if seed is None else pd.concat([frame[:6], frame[6:].sample(frac=1, random_state=seed)])


def plain(tmp_path, frame=None):
    path = tmp_path / "plain.csv"
    (wide() if frame is None else frame).to_csv(path, index=False)
    return read_observations(path)


def texts(frame, path, **options):
    frame.to_csv(path, index=False, **options)


def packed(pack):
    return lambda frame, path: path.write_bytes(pack(frame.to_csv(index=False).encode()))


def percent(frame):
    return frame.assign(**{of: frame[of].map(lambda x: f"{100 * x:.2f}%") for of in frame if of[:2] in ("be", "af")})


WRITE = {
    "semicolon.csv": lambda f, p: texts(f, p, sep=";"),
    "decimal-comma.csv": lambda f, p: texts(f, p, sep=";", decimal=","),
    "tabs.tsv": lambda f, p: texts(f, p, sep="\t"),
    "tabs-and-commas.txt": lambda f, p: texts(f, p, sep="\t", decimal=","),
    "pipes.csv": lambda f, p: texts(f, p, sep="|"),
    "gzip.csv.gz": packed(gzip.compress),
    "bzip2.csv.bz2": packed(bz2.compress),
    "xz.csv.xz": packed(lzma.compress),
    "zstandard.csv.zst": packed(lambda of: bytes(pa.compress(of, codec="zstd"))),
    "zip.csv.zip": lambda f, p: f.to_csv(p, index=False, compression="zip"),
    "lines.jsonl": lambda f, p: f.to_json(p, orient="records", lines=True),
    "lines.ndjson.gz": lambda f, p: f.to_json(p, orient="records", lines=True, compression="gzip"),
    "array.json": lambda f, p: f.to_json(p, orient="records"),
    "feather.feather": lambda f, p: feather.write_feather(f, str(p)),
    "zstd.arrow": lambda f, p: feather.write_feather(f, str(p), compression="zstd"),
    "groups.parquet": lambda f, p: f.to_parquet(p, row_group_size=7),
    "utf-16.csv": lambda f, p: texts(f, p, encoding="utf-16"),
    "bom.csv": lambda f, p: texts(f, p, encoding="utf-8-sig", lineterminator="\r\n"),
    "mac.csv": lambda f, p: texts(f, p, lineterminator="\r"),
    "quoted.csv": lambda f, p: texts(f, p, quoting=1),
    "quoted-comma.csv": lambda f, p: texts(f, p, quoting=1, decimal=","),
    "comments.csv": lambda f, p: p.write_text("# by us\n# v2\n" + f.to_csv(index=False)),
    "excel.csv": lambda f, p: p.write_text("sep=;\n" + f.to_csv(index=False, sep=";", decimal=",")),
    "index.csv": lambda f, p: f.to_csv(p),
    "trailing.csv": lambda f, p: p.write_text(f.to_csv(index=False).replace("\n", ",\n")),
    "upper.csv": lambda f, p: texts(f.rename(columns={"role": "Role", "record": "Record-ID"}), p),
    "old-and-new.csv": lambda f, p: texts(f.rename(columns=lambda c: c.replace("before", "old").replace("after", "new")), p),
    "more.csv": lambda f, p: texts(f.assign(region="north", score=7), p),
    "signs.csv": lambda f, p: texts(percent(f), p),
    "scientific.csv": lambda f, p: texts(f, p, sep=";", decimal=",", float_format="%.6e"),
    "percentages.csv": lambda f, p: texts(wide(P * 100), p),
    "long.csv": lambda _, p: texts(long(), p),
    "shuffled.parquet": lambda _, p: long(seed=1).to_parquet(p),
    "words.csv": lambda f, p: texts(f.assign(role=f["role"].replace({"deleted": "forget", "retained": "Kept"})), p),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITE)
def test_the_table_of_an_odd_file_is_that_of_the_plain_one(tmp_path, name):
    WRITE[name](wide(), tmp_path / name)
    found, expected = read_observations(tmp_path / name), plain(tmp_path)
    assert found.rows.sort_values("record", ignore_index=True).equals(expected.rows)
    order = np.argsort(found.rows["record"].to_numpy(), kind="stable")
    # of percentages the division rounds, by a part of the last digit of float32 at the most
    exact = name not in ("percentages.csv", "signs.csv")
    assert np.allclose(found.posteriors[order], expected.posteriors, rtol=0, atol=0 if exact else 1e-7)
    assert found.classes == expected.classes


def test_what_was_done_to_a_file_is_said(tmp_path):
    for name, said in (
        ("decimal-comma.csv", ["separated by semicolon", "decimals are written with a comma"]),
        ("comments.csv", ["2 lines before the header"]),
        ("upper.csv", ["'Role' is taken as role", "'Record-ID' is taken as record"]),
        ("old-and-new.csv", ["start with 'old' are taken as the posteriors before"]),
        ("more.csv", ["left out: region, score"]),
        ("percentages.csv", ["percentages, since every row sums to 100, and were divided by 100"]),
        ("signs.csv", ["percent signs"]),
        ("long.csv", ["one row for each query, version and class"]),
        ("words.csv", ["roles were translated to ours: 'Kept' as retained, 'forget' as deleted"]),
    ):
        WRITE[name](wide(), tmp_path / name)
        notes = " / ".join(read_observations(tmp_path / name).metadata[READ_AS])
        assert all(part in notes for part in said), notes
    assert READ_AS not in plain(tmp_path).metadata


def test_everything_at_once(tmp_path):
    frame = long().rename(columns={"role": "status", "record": "customer", "class": "outcome", "version": "model"})
    frame["status"] = frame["status"].replace({"deleted": "gone", "unseen": "test"})
    frame["model"] = frame["model"].replace({"before": "march", "after": "april"})
    frame["probability"] = (frame["probability"] * 100).round(2)
    path = tmp_path / "all.csv.gz"
    path.write_bytes(gzip.compress(frame.to_csv(index=False, sep=";", decimal=",").encode("latin-1")))
    read_as = ReadAs.of_flags(
        {
            "column": ["role=status", "record=customer", "class=outcome", "version=model"],
            "role_value": ["deleted=gone", "unseen=test"],
            "before_columns": "march",
            "after_columns": "april",
            "text_encoding": "latin-1",
        }
    )
    found, expected = read_observations(path, read_as), plain(tmp_path)
    assert found.rows.equals(expected.rows)
    assert np.allclose(found.posteriors, expected.posteriors, rtol=0, atol=1e-7)


def test_rows_of_versions(tmp_path):
    frames = [wide()[[*BASE, *[f"{v}_{c}" for c in CLASSES]]] for v in ("before", "after")]
    named = [f.set_axis([*BASE, *[f"p_{c}" for c in CLASSES]], axis=1) for f in frames]
    texts(pd.concat([f.assign(version=at) for at, f in enumerate(named)]), tmp_path / "rows.csv")
    found = read_observations(tmp_path / "rows.csv")
    assert np.array_equal(found.posteriors, plain(tmp_path).posteriors)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "npz"])
def test_logarithms_are_recognised_and_logits_are_named(tmp_path, suffix):
    def write(p, name):
        path = tmp_path / f"{name}.{suffix}"
        if suffix == "npz":
            np.savez(path, posteriors=p, role=BASE["role"].to_numpy(dtype=str))
        else:
            getattr(wide(p), f"to_{suffix}")(path, index=False)
        return path

    logs = read_observations(write(np.log(P), "logs"))
    assert np.allclose(logs.posteriors, P, atol=1e-6)
    assert "logarithms of probabilities" in logs.metadata[READ_AS][-1]
    path = write(np.log(P) + np.random.default_rng(0).normal(0, 5, (N, 2, 1)), "logits")
    with pytest.raises(AuditError, match="look like logits; export their softmax, or say --values logits"):
        read_observations(path)
    found = read_observations(path, ReadAs(values="logits"))
    assert np.allclose(found.posteriors, P, atol=1e-6)
    assert "logits, as --values says, and became their softmax" in found.metadata[READ_AS][-1]


def test_a_flag_does_not_turn_probabilities_into_others(tmp_path):
    plain(tmp_path)
    found = read_observations(tmp_path / "plain.csv", ReadAs(values="logits"))
    assert np.array_equal(found.posteriors, plain(tmp_path).posteriors)
    assert "despite --values logits" in found.metadata[READ_AS][0]


def test_logarithms_of_zero_and_rows_that_are_none(tmp_path):
    p = np.tile([1.0, 0.0, 0.0], (N, 2, 1))
    with np.errstate(divide="ignore"):
        wide(np.log(p)).to_parquet(tmp_path / "t.parquet")
    assert np.array_equal(read_observations(tmp_path / "t.parquet").posteriors, p.astype(np.float32))
    logs = np.log(P)
    logs[7, 1] -= 1
    wide(logs).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(AuditError, match="row 7, version 1 are not logarithms of probabilities"):
        read_observations(tmp_path / "t.csv", ReadAs(values="log-probabilities"))


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda q: q, None),
        (lambda q: q * 100, "percentages"),
        (np.log, "log-probabilities"),
        (lambda q: np.log(q / (1 - q)), "logits"),
    ],
)
def test_one_probability_for_two_classes(tmp_path, make, values):
    p = posteriors(k=2)
    base = BASE.assign(label=np.array(["no", "yes"])[np.arange(N) % 2])
    frame = base.assign(before=make(p[:, 0, 1]), after=make(p[:, 1, 1]))
    frame.to_csv(tmp_path / "one.csv", index=False)
    found = read_observations(tmp_path / "one.csv", ReadAs(values=values, classes=("no", "yes")))
    expected = plain(tmp_path, wide(p, ["no", "yes"], base))
    assert found.rows.equals(expected.rows)
    assert np.allclose(found.posteriors, expected.posteriors, rtol=0, atol=0 if values is None else 1e-6)
    assert "taken to be that of class 'yes' and not 'no'" in " ".join(found.metadata[READ_AS])
    frame.drop(columns="label").to_csv(tmp_path / "one.csv", index=False)
    if values is None:
        assert read_observations(tmp_path / "one.csv").classes == ("0", "1")
    else:
        with pytest.raises(AuditError, match="is not a probability; say what these numbers are with --values"):
            read_observations(tmp_path / "one.csv")


def test_record_ids_that_are_texts_are_numbered(tmp_path):
    found = plain(tmp_path, wide(base=BASE.assign(record=[f"C{i:03}" for i in range(N)])))
    assert found.rows["record"].tolist() == list(range(N))
    assert "were numbered from 0" in found.metadata[READ_AS][0]


@pytest.mark.parametrize("name", ["gzip.csv.gz", "semicolon.csv", "groups.parquet", "zstd.arrow", "signs.csv"])
def test_block_by_block_gives_the_same(tmp_path, name, monkeypatch):
    WRITE[name](wide(), tmp_path / name)
    expected = read_observations(tmp_path / name)
    for module in ("csv_format", "parquet_format", "arrow_format"):
        monkeypatch.setattr(f"unlearn_audit.utils.{module}.ROWS_AT_ONCE", 3)
    monkeypatch.setattr("unlearn_audit.utils.csv_format._BLOCK", 400)
    assert sources.ROWS_AT_ONCE > N
    found = read_observations(tmp_path / name)
    assert np.array_equal(found.posteriors, expected.posteriors)
    assert found.rows.equals(expected.rows)
    assert dict(found.metadata) == dict(expected.metadata)


def test_rounding_is_found_over_all_blocks(tmp_path, monkeypatch):
    p = np.round(np.random.default_rng(0).dirichlet(np.ones(10), (N, 2)), 2)
    wide(p, list("abcdefghij"), BASE.drop(columns="label")).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("unlearn_audit.utils.parquet_format.ROWS_AT_ONCE", 3)
    assert read_observations(tmp_path / "t.parquet").metadata == {"rounded_to": 2}
    p[-1, 0] = [0.123, 0.877, *[0] * 8]
    wide(p, list("abcdefghij"), BASE.drop(columns="label")).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(AuditError, match=r"not 1 \(more than rounding to 3 decimals explains\)"):
        read_observations(tmp_path / "t.parquet")


SAID = {
    "mixed.csv": (lambda f: f.to_csv(index=False).split("\n", 1)[0] + "\n" + f.to_csv(index=False, sep=";").split("\n", 1)[1],
                  "separates its header by comma and its rows by semicolon"),
    "no-header.csv": (lambda f: f.to_csv(index=False, header=False), "its first line looks like data"),
    "twice.csv": (lambda f: f.assign(x=1).rename(columns={"x": "role"}).to_csv(index=False), "more than one column named 'role'"),
    "thousands.csv": (lambda f: wide(P * 1e6).map(lambda x: f"{x:,.0f}" if isinstance(x, float) else x).to_csv(index=False),
                      "holds something that is not a number"),
    "na.csv": (lambda f: f.astype(object).mask(f == f.iloc[3, 4], "NA").to_csv(index=False), "holds "
        "something that is not a number"),
    "nan.csv": (lambda f: f.astype(object).mask(f == f.iloc[3, 4], "NaN").to_csv(index=False), "is not a finite number"),
    "empty-cell.csv": (lambda f: f.astype(object).mask(f == f.iloc[3, 4], "").to_csv(index=False), "is not a finite number"),
    "two-headers.csv": (lambda f: "\n".join((lambda a, *b: [a, a, *b])(*f.to_csv(index=False).split("\n"))), "holds "
        "something that is not a number"),
    "some-signs.csv": (lambda f: f.astype(object).mask(f == f.iloc[3, 4], "50%").to_csv(index=False), "is "
        "not a number"),
    "rows-longer.csv": (lambda f: f.to_csv(index=False).replace("\n", ",\n").replace(",\n", "\n", 1), "cannot be read as CSV"),
    "role-word.csv": (lambda f: f.assign(role="gone").to_csv(index=False), "translate other words with --role-value"),
    "role-typo.csv": (lambda f: f.rename(columns={"world": "wolrd"}).to_csv(index=False), "say --column world=wolrd"),
    "third.csv": (lambda f: f.assign(score_yes=0.5).to_csv(index=False), "'score_yes', which could hold posteriors"),
    "long-twice.csv": (lambda f: pd.concat([long(), long()[:1]]).to_csv(index=False), "has 2 rows for record 100, version 0, class 'no'"),
    "long-short.csv": (lambda f: long()[1:].to_csv(index=False), "has no row for record 100"),
    "long-roles.csv": (lambda f: long().assign(role=["unseen", *long()["role"][1:]]).to_csv(index=False), "differ in the column 'role'"),
    "long-versions.csv": (lambda f: long().replace("before", "x").to_csv(index=False), "say which is which with --before NAME"),
    "long-no-record.csv": (lambda f: long().drop(columns="record").to_csv(index=False), "has no column record"),
    "percent-row.csv": (lambda f: wide(P * np.where(np.arange(N) == 9, 90, 100)[:, None, None]).to_csv(index=False), "look like percentages"),
    "document.json": (lambda f: json.dumps({"rows": 3}), "is one JSON document"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_cannot_be_known_is_one_sentence_that_names_the_cause(tmp_path, name):
    make, said = SAID[name]
    (tmp_path / name).write_text(make(wide()), encoding="utf-8")
    with pytest.raises(AuditError) as caught:
        read_observations(tmp_path / name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"column": ["role"]}, "--column 'role' is not a pair"),
        ({"column": ["role=a", "role=b"]}, "--column names one column twice"),
        ({"values": "odds"}, "unknown kind of values 'odds'"),
        ({"class_names": "a"}, "needs two names"),
        ({"before_columns": "*_*"}, r"more than one \*"),
        ({"decimal": "dot"}, "use comma or point"),
        ({"delimiter": "#"}, "the delimiter '#' is not read"),
    ],
)
def test_flags_that_say_nothing_are_refused(flags, said):
    with pytest.raises(AuditError, match=said):
        ReadAs.of_flags(flags)


def test_flags_that_fit_no_column_are_refused(tmp_path):
    plain(tmp_path)
    for read_as, said in (
        (ReadAs(columns={"request": "batch"}), "has no column 'batch' for --column request=batch"),
        (ReadAs(before="*.old"), None),
        (ReadAs(encoding="klingon"), "the encoding 'klingon' is not known"),
    ):
        if said is None:  # the file has our own columns for it
            assert len(read_observations(tmp_path / "plain.csv", read_as)) == N
            continue
        with pytest.raises(AuditError, match=said):
            read_observations(tmp_path / "plain.csv", read_as)


@pytest.mark.parametrize(
    "names", [["a,b", "c"], ["x_y", "x"], ["größe", "日本"], ["no ", "yes no"], ["1.5", "2"], ['q"q', "p"]]
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow"])
def test_names_of_classes_are_free(tmp_path, names, suffix):
    frame = wide(posteriors(k=2), names, BASE.assign(label=np.array(names)[np.arange(N) % 2]))
    path = tmp_path / f"t.{suffix}"
    {"csv": lambda: texts(frame, path, sep=";"), "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
     "parquet": lambda: frame.to_parquet(path), "arrow": lambda: feather.write_feather(frame, str(path))}[suffix]()  # fmt: skip
    found = read_observations(path)
    assert list(found.classes) == names
    assert found.rows["label"].tolist() == [0, 1] * (N // 2)


# one version


def one(p=P, classes=CLASSES):
    base = BASE[["record", "label"]]
    return pd.concat([base, pd.DataFrame({f"p_{c}": p[:, 0, j] for j, c in enumerate(classes)})], axis=1)


def one_long():
    return pd.DataFrame(
        {"record": i + 100, "label": BASE["label"][i], "class": c, "probability": P[i, 0, j]}
        for i in range(N)
        for j, c in enumerate(CLASSES)
    )


ONE = {
    **{name: WRITE[name] for name in WRITE if name.split(".")[0] in (
        "semicolon", "decimal-comma", "tabs", "gzip", "zip", "lines", "array", "feather", "utf-16", "mac", "excel",
        "index", "trailing")},
    "percentages.csv": lambda _, p: texts(one(P * 100), p),
    "long.csv": lambda _, p: texts(one_long(), p),
    "prob.csv": lambda f, p: texts(f.rename(columns=lambda of: of.replace("p_", "prob_")), p),
    "more.csv": lambda f, p: texts(f.assign(region="north"), p),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_the_answers_of_one_version_are_those_of_the_plain_file(tmp_path, name):
    texts(one(), tmp_path / "plain-one.csv")
    ONE[name](one(), tmp_path / name)
    expected = read_answers(tmp_path / "plain-one.csv")
    for content in (None, (tmp_path / name).read_bytes()):
        found = read_answers(tmp_path / name, content=content)
        assert found.ids.equals(expected.ids)
        assert np.allclose(found.posteriors, expected.posteriors, rtol=0, atol=1e-7)
        assert np.array_equal(found.labels, expected.labels)
        assert found.classes == expected.classes


def test_one_version_by_flags(tmp_path):
    frame = one(np.log(P) + 3).rename(columns=lambda of: of.replace("p_", "score ").replace("record", "customer"))
    texts(frame, tmp_path / "t.csv")
    read_as = ReadAs(columns={"record": "customer"}, before="score *", values="logits")
    found = read_answers(tmp_path / "t.csv", read_as=read_as)
    assert np.allclose(found.posteriors, P[:, 0], atol=1e-6)
    with pytest.raises(AuditError, match="say --values logits"):
        read_answers(tmp_path / "t.csv", read_as=replace(read_as, values=None))
    texts(pd.DataFrame({"record": [1, 2], "probability": [0.25, 0.5]}), tmp_path / "t.csv")
    found = read_answers(tmp_path / "t.csv", read_as=ReadAs(classes=("no", "yes")))
    assert found.posteriors.tolist() == [[0.75, 0.25], [0.5, 0.5]]


def test_an_arrow_file_that_unpacks_to_far_more_is_refused(tmp_path):
    table = pa.table({"role": pa.array(["x"] * 10), "before_a": pa.array(np.zeros(10))})
    big = pa.table({"before_a": pa.array(np.zeros(6_000_000))})
    feather.write_feather(big, str(tmp_path / "t.arrow"), compression="zstd", chunksize=6_000_000)
    with pytest.raises(AuditError, match="like files made to exhaust memory"):
        read_observations(tmp_path / "t.arrow")
    with pa.OSFile(str(tmp_path / "s.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    with pytest.raises(AuditError, match="has no columns before_"):
        read_observations(tmp_path / "s.arrow")
    whole = (tmp_path / "s.arrow").read_bytes()
    for cut in range(0, len(whole), 23):
        (tmp_path / "s.arrow").write_bytes(whole[:cut] + b"\xff" * 8 + whole[cut + 8 :])
        with pytest.raises(AuditError):
            read_observations(tmp_path / "s.arrow")


def test_parquet_of_more_values_than_others_may_hold_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("unlearn_audit.utils.limits.MOST_VALUES", 50)
    wide().to_parquet(tmp_path / "t.parquet")
    assert len(read_observations(tmp_path / "t.parquet")) == N
    pq.write_table(pa.table(wide()), tmp_path / "u.parquet")
    monkeypatch.setattr("unlearn_audit.utils.limits.MOST_STREAMED", 50)
    with pytest.raises(AuditError, match="more than the 2,000 that are read"):
        read_observations(tmp_path / "u.parquet")


NAMES = np.array([f"P-{at // 2}" for at in range(N)])
IDS = {
    "csv": lambda f, p: f.to_csv(p, index=False),
    "json": lambda f, p: f.to_json(p, orient="records"),
    "jsonl": lambda f, p: f.to_json(p, orient="records", lines=True),
    "parquet": lambda f, p: f.to_parquet(p),
    "category.parquet": lambda f, p: f.astype({"record": "category"}).to_parquet(p),
    "large.parquet": lambda f, p: pq.write_table(large(f), p),
    "arrow": lambda f, p: feather.write_feather(pa.Table.from_pandas(f), p),
    "large.feather": lambda f, p: feather.write_feather(large(f), p),
    "npz": lambda f, p: np.savez(
        p, posteriors=P, classes=np.array(CLASSES), **{n: f[n].to_numpy(str) for n in ("role", "record")}
    ),
}


def large(frame):
    table = pa.Table.from_pandas(frame)
    at = table.column_names.index("record")
    ids = table["record"].combine_chunks().cast(pa.large_string())
    return table.set_column(at, "record", ids).append_column("side", ids.dictionary_encode())


@pytest.mark.parametrize("name", IDS)
def test_ids_may_be_texts_in_every_format(tmp_path, name):
    path = tmp_path / (f"ids.{name}")
    IDS[name](wide().assign(record=NAMES), path)
    table = read_observations(path)
    assert table.rows["record"].tolist() == [at // 2 for at in range(N)]
    said = "the record ids are texts, and were numbered from 0 in the order in which they appear"
    assert table.metadata[READ_AS] == [said]


@pytest.mark.parametrize("values", ["log-probabilities", "logits", "percentages"])
def test_a_number_that_is_missing_is_said_to_be(tmp_path, values):
    numbers = {"log-probabilities": np.log(P), "logits": np.log(P) + 3, "percentages": 100 * P}[values].copy()
    numbers[5, 1, 2] = np.nan
    texts(wide(numbers), tmp_path / "t.csv")
    with pytest.raises(AuditError, match=r"a number is missing in row 5, version 1, class 2"):
        read_observations(tmp_path / "t.csv", ReadAs(values=values))
