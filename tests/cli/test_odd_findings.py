"""The findings of files in other shapes are those of the plain ones."""

import gzip

import numpy as np
import pandas as pd
import pytest

CHOSEN = ("--attack=margin-difference", "--attack-model=none", "--json")


def frame(seed, n=80):
    """Return posteriors of four decimals, so that conversions round nothing that counts."""
    rng = np.random.default_rng(seed)
    role = np.array(["deleted", "unseen"])[np.arange(n) % 2]
    before = rng.integers(2000, 8000, n)
    after = before - 400 * (role == "deleted") + rng.integers(-500, 500, n)
    found = pd.DataFrame({"role": role, "record": np.arange(n), "label": np.where(np.arange(n) % 3, "no", "yes")})
    for version, of in (("before", before), ("after", after)):
        found[f"{version}_no"], found[f"{version}_yes"] = of / 10_000, (10_000 - of) / 10_000
    return found


def long(of):
    rows = of.melt(["role", "record", "label"])
    rows[["version", "class"]] = rows.pop("variable").str.split("_", expand=True).to_numpy()
    return rows.rename(columns={"value": "probability"})


def numbers(of, change):
    return of.assign(**{name: change(of[name]) for name in of if name.startswith(("before", "after"))})


def single(of):
    kept = of[["role", "record", "label", "before_yes", "after_yes"]]
    return kept.rename(columns={"before_yes": "before", "after_yes": "after"})


OTHER = {"role": "status", "record": "customer", "before_no": "p_old.no", "before_yes": "p_old.yes",
         "after_no": "p_new.no", "after_yes": "p_new.yes"}  # fmt: skip

TEN = {
    "semicolon.csv": (lambda of, p: of.to_csv(p, index=False, sep=";"), []),
    "decimal-comma.csv": (lambda of, p: of.to_csv(p, index=False, sep=";", decimal=","), []),
    "gzip.csv.gz": (lambda of, p: p.write_bytes(gzip.compress(of.to_csv(index=False).encode())), []),
    "tabs.tsv": (lambda of, p: of.to_csv(p, index=False, sep="\t"), []),
    "lines.jsonl": (lambda of, p: of.to_json(p, orient="records", lines=True), []),
    "long.csv": (lambda of, p: long(of).to_csv(p, index=False), []),
    "logits.csv": (lambda of, p: numbers(of, lambda x: np.log(x) + 2).to_csv(p, index=False), ["--values=logits"]),
    "percentages.csv": (lambda of, p: numbers(of, lambda x: 100 * x).round(2).to_csv(p, index=False), []),
    "single.csv": (lambda of, p: single(of).to_csv(p, index=False), ["--class-names=no,yes"]),
    "names.csv": (
        lambda of, p: of.rename(columns=OTHER).replace({"deleted": "gone"}).to_csv(p, index=False),
        ["--column=role=status", "--column=record=customer", "--role-value=deleted=gone",
         "--before=p_old.*", "--after=p_new.*"],
    ),
}  # fmt: skip


@pytest.fixture
def plain(command, tmp_path):
    return found(command, tmp_path, "plain.csv", lambda of, p: of.to_csv(p, index=False), [])


def found(command, folder, name, write, flags):
    for seed, side in enumerate(("shadow", "target")):
        write(frame(seed), folder / f"{side}-{name}")
    files = [f"--{side}={folder}/{side}-{name}" for side in ("shadow", "target")]
    return command("predictions", *files, *flags, *CHOSEN, "--out", folder / f"run-{name}").findings


@pytest.mark.parametrize("name", TEN)
def test_ten_odd_files_give_the_findings_of_the_plain_one(command, tmp_path, plain, name):
    write, flags = TEN[name]
    odd = found(command, tmp_path, name, write, flags)
    for mine, theirs in zip(odd["results"], plain["results"], strict=True):
        assert mine["attack"] == theirs["attack"]
        # a softmax of logarithms rounds in the last digit
        assert mine["auc"] == pytest.approx(theirs["auc"], abs=1e-3 if name == "logits.csv" else 0)
    assert odd["verdict"]["kind"] == plain["verdict"]["kind"]
    notes = " ".join(of["text"] for of in odd["notes"])
    assert ("the target file was read as follows: " in notes) == (name not in ("gzip.csv.gz", "lines.jsonl"))
    assert ("read_as" in odd["config"]) == bool(flags)


def test_a_release_with_other_names(command, tmp_path):
    rng = np.random.default_rng(0)
    before = rng.uniform(0.2, 0.8, 200)
    table = pd.DataFrame({"customer": np.arange(200), "label": "no", "before no": before, "before yes": 1 - before})
    after = before - 0.15 * (np.arange(200) < 2) + rng.normal(0, 0.01, 200)
    table["after no"], table["after yes"] = after, 1 - after
    table.to_csv(tmp_path / "both.csv", index=False, sep=";", decimal=",")
    for name, ids in (("deleted", range(2)), ("held", range(50, 200))):
        (tmp_path / f"{name}.txt").write_text("\n".join(map(str, ids)))
    told = command(
        "release", tmp_path / "both.csv", tmp_path / "both.csv", "--deleted", tmp_path / "deleted.txt", "--reference",
        tmp_path / "held.txt", "--column=record=customer", "--before=before *", "--after=after *", "--out",
        tmp_path / "run", "--json",
    )  # fmt: skip
    assert told.code == 0, told.err
    assert "decimals are written with a comma" in told.out
