"""Audits whose every number was recorded before the package was rearranged, to show that none of them changes.

    python tests/recorded/audits.py record       # write recorded.json anew: what this code says is right from now on
    python tests/recorded/audits.py compare      # every audit, to the last bit; on the machine that recorded them
    python tests/recorded/audits.py compare labels chain

What is compared are the numbers of the JSON that a command prints, and digests of every answer and score it writes.
Sentences are not compared. Names in the JSON that changed since are in `RENAMED`;
the figures of now are compared under their old names.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

RECORDED = Path(__file__).with_name("recorded.json")

RENAMED: dict[str, str] = {
    "told": "identified",
    "told_alone": "identified_unadjusted",
    "any_told": "any_identified",
    "accusing": "flagging",
    "promise": "guarantee",
    "subject": "person",
    "data/unit": "data/person",
    "trainings_field": "trainings_influence",
}
"""Keys of the JSON, old name to new; one with a slash is renamed under the key before the slash alone."""

_RECORDED_AS = {new: old for old, new in RENAMED.items()}

SMALL = [
    "--shadow-worlds=3", "--target-worlds=3", "--train-size=150", "--deletions=5", "--unseen=4", "--references=12",
]  # fmt: skip
FEW = ["--feature=sorted-diff", "--attack-model=logistic-regression", "--attack-model=decision-tree"]

UNSTABLE = frozenset(
    {"execution", "timing", "seconds", "memory", "disk", "versions", "folder", "made", "created", "schema"}
)
"""Keys whose values are not results."""

COMMANDS: dict[str, list[list[str]]] = {
    "logistic-regression": [["run", *SMALL, "--model=logistic-regression", "--attack=change-field", "--game=three-way",
        "--attack=pair-scale-fitted", "--attack=change-field-fitted", "--attack=score-ratio",
        "--game=deleted-vs-unseen"]],
    "tree": [["run", *SMALL, *FEW, "--model=decision-tree"]],
    "forest, fresh, defences": [["run", *SMALL, *FEW, "--model=random-forest", "--regime=fresh",
        "--defense=rounding:1", "--defense=top-k:3", "--defense=temperature:5+label-only"]],
    "per-record": [["run", *SMALL, *FEW, "--model=logistic-regression", "--layout=per-record", "--shadow-worlds=9",
        "--target-worlds=6"]],
    "sisa": [["run", *SMALL, *FEW, "--model=decision-tree", "--unlearning=sisa", "--shards=3", "--slices=2"]],
    "group": [["run", *SMALL, *FEW, "--model=logistic-regression", "--scenario=group", "--size=4"]],
    "online": [["run", *SMALL, *FEW, "--model=decision-tree", "--scenario=online", "--size=2"]],
    "chain": [["run", *SMALL, *FEW, "--model=logistic-regression", "--scenario=multi-version", "--versions=3"]],
    "retained": [["run", *SMALL, *FEW, "--model=decision-tree", "--scenario=retained"]],
    "canaries": [["run", *SMALL, *FEW, "--model=random-forest", "--regime=same-seed", "--canaries=mislabelled"]],
    "labels": [["run", *SMALL, *FEW, "--model=logistic-regression", "--probes=6"]],
    "network": [["run", *SMALL, *FEW, "--model=torch-mlp", "--epochs=2"]],
    "network, sisa, same-seed": [["run", *SMALL, *FEW, "--model=torch-logistic-regression", "--epochs=2",
        "--regime=same-seed", "--unlearning=sisa", "--shards=2"]],
    "private network": [["run", *SMALL, *FEW, "--model=torch-logistic-regression", "--epochs=1", "--regime=fresh",
        "--defense=dp-sgd:8"]],
    "table": [["run", *SMALL, *FEW, "--data=people.csv", "--label=answer", "--unit=who", "--exclude=id",
        "--model=logistic-regression", "--group-by=kind"]],
    "until": [["run", *SMALL, *FEW, "--model=logistic-regression", "--until=auc ± 0.04", "--at-most=24"]],
    "files": [["run", *SMALL, *FEW, "--model=decision-tree", "--out=before"],
        ["predictions", "--shadow=before/observations/shadow.parquet", "--target=before/observations/target.parquet"]],
    "name": [["name", "--dataset=digits", "--model=logistic-regression", "--train-size=300", "--deletions=6"]],
    "reconstruct": [["reconstruct", "--data=many.csv", "--label=answer", "--model=logistic-regression",
        "--train-size=200", "--deletions=3"]],
    "release": [["release", "before.csv", "after.csv", "--deleted=deleted.txt", "--reference=references.txt"]],
    "plan": [["plan", *SMALL, *FEW, "--model=decision-tree"]],
    "plan-release": [["plan-release", "--data=people.csv", "--label=answer", "--record=id", "--person=who",
        "--model=logistic-regression", "--reference=held.txt", "--batch=1", "--batch=2", "--decimals=1",
        "--releases=90", "--checks=30", "--target=told:1"]],
    "reproduce": [["reproduce", "main", "--scale=smoke"]],
}  # fmt: skip
"""By name the commands of each; the last one prints what is compared."""


def write_inputs(folder: Path) -> None:
    """Write the tables and lists that the commands read."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(500), 2)
    X = rng.normal(size=(1000, 4))
    pd.DataFrame(X, columns=list("abcd")).assign(
        who=[f"w{i}" for i in person],
        id=[f"row{i}" for i in range(1000)],
        kind=rng.choice(["x", "y", "z"], 1000),
        answer=np.where(X[:, 0] + rng.logistic(size=1000) > 0, "yes", "no"),
    ).to_csv(folder / "people.csv", index=False)
    (folder / "held.txt").write_text("\n".join(f"row{i}" for i in range(400, 1000)))
    Z = rng.normal(size=(4000, 4))
    many = pd.DataFrame(Z, columns=list("abcd"))
    many.assign(answer=np.where(Z[:, 1] + rng.logistic(size=4000) > 0, "yes", "no")).to_csv(
        folder / "many.csv", index=False
    )
    logit, labels = rng.normal(size=400), np.where(rng.random(400) < 0.5, "yes", "no")
    fall = rng.normal(0, 0.02, 400)
    fall[:3] += 0.5
    for name, moved in (("before", logit), ("after", logit - fall * np.where(labels == "yes", 1, -1))):
        p = 1 / (1 + np.exp(-moved))
        made = pd.DataFrame({"record": np.arange(400), "label": labels, "p_no": 1 - p, "p_yes": p})
        made.to_csv(folder / f"{name}.csv", index=False)
    (folder / "deleted.txt").write_text("\n".join(map(str, range(5))))
    (folder / "references.txt").write_text("\n".join(map(str, range(100, 400))))


def figures(name: str) -> dict[str, Any]:
    """Run the commands of one audit in a folder of their own.

    Returns
    -------
    dict
        A digest of every section of what the last one printed and of every table it wrote, and the AUC of each attack.
    """
    from unlearn_audit.cli.main import main

    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["UNLEARN_AUDIT_STORE"] = str(Path(folder) / "store")
        write_inputs(Path(folder))
        for words in COMMANDS[name]:
            printed = io.StringIO()
            out = [] if any(word.startswith("--out=") for word in words) or words[0] == "plan" else ["--out=out"]
            sys.argv = ["unlearn-audit", *words, *out, "--json"]
            try:
                with contextlib.redirect_stdout(printed):
                    main()
            except SystemExit as stop:
                if stop.code:
                    raise RuntimeError(f"{' '.join(words)}: exit code {stop.code}") from stop
        document = json.loads(printed.getvalue())
        found = {section: _digest(of) for section, of in _sections(document)}
        for path in sorted(Path("out").rglob("*.parquet")):
            found[f"file {path.relative_to('out')}"] = table_digest(path)
    auc = [of["auc"] for of in document.get("results", [])]
    return found | {"auc": auc} if auc else found


def _sections(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a document that are compared by themselves: its results by attack, and all else by key."""
    for key, of in document.items():
        if key == "results":
            for attack in dict.fromkeys(result["attack"] for result in of):
                yield f"results of {attack}", [result for result in of if result["attack"] == attack]
        elif not _is_measured(key):
            yield _RECORDED_AS.get(key, key), of


def _is_measured(key: str) -> bool:
    """Return whether a key holds times, memory or versions, which no two runs need have in common."""
    return key in UNSTABLE or key.startswith(("seconds", "memory"))


def _digest(value: Any) -> str:
    return sha256(json.dumps(list(numbers(value))).encode()).hexdigest()[:12]


def numbers(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number, truth value, null and name (text without spaces) of a document by its place."""
    if isinstance(value, dict):
        for then, key in sorted((_recorded_as(key, place), key) for key in value):
            if not _is_measured(key):
                yield from numbers(value[key], f"{place}/{then}")
    elif isinstance(value, list):
        for i, of in enumerate(value):
            yield from numbers(of, f"{place}/{i}")
    elif not isinstance(value, str) or " " not in value:
        yield place, _RECORDED_AS.get(value, value) if isinstance(value, str) else value


def _recorded_as(key: str, place: str) -> str:
    """Return the old name of a key at a place."""
    above = place.rpartition("/")[2]
    return _RECORDED_AS.get(f"{above}/{key}", _RECORDED_AS.get(key, key)).rpartition("/")[2]


def table_digest(path: Path) -> str:
    """Return a digest of the columns of a table, whatever their order."""
    frame = pd.read_parquet(path)
    digest = sha256()
    for column in sorted(frame.columns):
        digest.update(column.encode())
        digest.update(pd.util.hash_pandas_object(frame[column].map(_plain), index=False).to_numpy().tobytes())
    return digest.hexdigest()[:12]


def _plain(value: Any) -> Any:
    return value.tobytes().hex() if isinstance(value, np.ndarray) else value


def differences(name: str) -> list[str]:
    """Return the parts of an audit that are not, to the last bit, what was recorded."""
    then, now = json.loads(RECORDED.read_text())[name], figures(name)
    return [
        f"{part}: {'is new' if part not in then else 'is gone' if part not in now else 'changed'}"
        for part in sorted(then.keys() | now.keys())
        if then.get(part) != now.get(part)
    ]


def main(words: list[str]) -> int:
    """Record or compare."""
    task, names = words[0], words[1:] or list(COMMANDS)
    if task == "record":
        kept = json.loads(RECORDED.read_text()) if RECORDED.exists() and words[1:] else {}
        for name in names:
            print(name, flush=True)
            kept[name] = figures(name)
            RECORDED.write_text(json.dumps(kept, indent=0) + "\n")
        return 0
    wrong = 0
    for name in names:
        found = differences(name)
        print(f"{name}: {'equal' if not found else f'{len(found)} differences'}", flush=True)
        print("\n".join(found[:12]), flush=True) if found else None
        wrong += bool(found)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
