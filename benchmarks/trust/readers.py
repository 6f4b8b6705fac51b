"""Everything that reads what other people wrote, and a valid input of each to begin with."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trust.made import (
    ANSWER_ARRAYS,
    ANSWERS,
    ARRAYS,
    POSTERIORS,
    RECORDS,
    Rng,
    archive_of,
    csv_of,
    json_lines_of,
    parquet_of,
)
from unlearn_audit import AuditConfig, audit_observations
from unlearn_audit.attacks.catalogue import REGISTRY as ATTACKS
from unlearn_audit.attacks.conformance import made_table
from unlearn_audit.audits.release import read_ids
from unlearn_audit.config import build_config, read_config
from unlearn_audit.data.datasets import mnist
from unlearn_audit.data.download.archive import UnusableArchive, unpack
from unlearn_audit.data.source import SourceFile
from unlearn_audit.data.table import read_table
from unlearn_audit.defenses.parse import parse_defense
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.schema import Findings
from unlearn_audit.observations import read_observations, write_observations
from unlearn_audit.observations.one_version import read_answers


@dataclass(frozen=True)
class Reader:
    """Something that reads a file, or a text.

    Attributes
    ----------
    name
        What failures call it.
    suffix
        Of its file.
    read
        Reads a file that holds some bytes.
    seeds
        Inputs that it reads, or refuses for one reason alone.
    made
        Makes an input of odd columns from a generator; None where there is no such thing.
    """

    name: str
    suffix: str
    read: Callable[[Path, bytes], Any]
    seeds: tuple[bytes, ...]
    made: Callable[[Rng], bytes] | None = None


def readers(folder: Path) -> list[Reader]:
    """Return every reader; what it takes to make their seeds is written to a folder."""
    found: list[Reader] = []
    for suffix, made in ((".csv", csv_of), (".jsonl", json_lines_of), (".parquet", parquet_of), (".npz", archive_of)):
        found += [
            Reader(
                f"posteriors{suffix}",
                suffix,
                _observations,
                _posteriors(folder, suffix),
                partial(made, ARRAYS if suffix == ".npz" else POSTERIORS),
            ),
            Reader(
                f"answers{suffix}",
                suffix,
                _answers,
                (_written(_ANSWERS, folder, suffix),),
                partial(made, ANSWER_ARRAYS if suffix == ".npz" else ANSWERS),
            ),
        ]
        if suffix != ".npz":
            table, ids = _written(_PEOPLE, folder, suffix), _written(_ANSWERS[["record"]], folder, suffix)
            found += [
                Reader(f"records{suffix}", suffix, _table, (table,), partial(made, RECORDS)),
                Reader(f"ids{suffix}", suffix, _ids, (ids,), partial(made, ANSWERS)),
            ]
    found += [
        Reader("ids.txt", ".txt", _ids, (b"17\n80\nn-3\n", "\ufeff17\r\n80\r\n".encode())),
        Reader("ids as a text", ".bin", lambda _, content: read_ids(_text(content), "--deleted"), (b"17,80,n-3",)),
        Reader("findings.json", ".json", lambda path, _: Findings.read(path).leading(), (_findings(),)),
        Reader("configuration", ".yaml", lambda path, _: read_config(path), _CONFIGURATIONS),
        Reader("defence", ".bin", _defence, (b"temperature:10+rounding:4", b"top-k:1", b"dp-sgd:8", b"label-only")),
        Reader("attack", ".bin", lambda _, content: ATTACKS.find(_text(content)), (b"pair-scale", b"lira", b"none")),
        Reader("archive of a dataset", ".tar.gz", _unpacked, (_archive(),)),
        Reader("images in gzip", ".gz", lambda path, _: mnist._read_idx(path, (2, 2)), (gzip.compress(_IDX),)),
    ]
    return found


_PEOPLE = pd.DataFrame(
    {
        "age": [31, 45, 28, 60, 33],
        "job": ["cook", "baker", "NA", "smith", ""],
        "since": ["2020-01-01", "2021-02-03", "1999-12-31", "2020-01-01", "2024-02-29"],
        "y": ["low", "high", "low", "high", "low"],
        "who": [1, 2, 2, 3, 4],
    }
)
_ANSWERS = pd.DataFrame(
    {"record": ["17", "80", "n-3"], "p_a": [0.5, 0.25, 1.0], "p_b": [0.5, 0.75, 0.0], "label": ["a", "b", "a"]}
)
_IDX = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, *range(8)])
_CONFIGURATIONS = (
    b"target: {data: {name: adult, encoding: one-hot}, model: mlp}\nworlds: {shadow: 3, train_size: 100}\nseed: 7\n",
    b"target:\n  data: {file: people.csv, label: y, person: who, exclude: [a, b], na_values: ['?']}\n"
    b"defenses: [rounding:2, top-k:1+rounding:3]\nuntil: auc \xc2\xb1 0.03\nscenario: group\nattacks: none\n",
)


def _posteriors(folder: Path, suffix: str) -> tuple[bytes, ...]:
    flat = pd.DataFrame({"role": ["deleted", "unseen", "reference"], "before_a": 0.25, "before_b": 0.75})
    flat = flat.assign(after_a=[0.5, 0.25, 0.125], after_b=[0.5, 0.75, 0.875], world=1, label="a", group_x=[1, 2, 2])
    if suffix == ".jsonl":
        return (_written(flat, folder, suffix),)
    path = folder / f"observations{suffix}"
    write_observations(made_table(seed=0, worlds=1), path)
    return (path.read_bytes(), *(() if suffix == ".npz" else (_written(flat, folder, suffix),)))


def _written(frame: pd.DataFrame, folder: Path, suffix: str) -> bytes:
    path = folder / f"frame{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        posteriors = frame[[name for name in frame if name.startswith("p_")]].to_numpy()
        np.savez(path, record=frame["record"].to_numpy(dtype=str), posteriors=posteriors, classes=np.array(["a", "b"]))
    return path.read_bytes()


def _findings() -> bytes:
    config = AuditConfig(attacks=(), features=("sorted-diff",), attack_models=("decision-tree",))
    shadow, target = (replace(of, rows=of.rows.assign(side="")) for of in (made_table(seed=0), made_table(seed=1)))
    return audit_observations(shadow, target, config=config).findings.to_json().encode()


def _archive() -> bytes:
    with io.BytesIO() as held:
        with tarfile.open(fileobj=held, mode="w:gz") as archive:
            for name in ("toy/other", "toy/records.bin"):
                member = tarfile.TarInfo(name)
                member.size = 600
                archive.addfile(member, io.BytesIO(bytes(600)))
        return held.getvalue()


def _observations(path: Path, _: bytes) -> Any:
    return read_observations(path)


def _answers(path: Path, content: bytes) -> Any:
    return read_answers(path, "who", content)


def _table(path: Path, _: bytes) -> Any:
    return read_table(path, "y", "who" if len(path.suffix) % 2 else None)


def _ids(path: Path, content: bytes) -> Any:
    return read_ids(str(path), "--deleted", content)


def _text(content: bytes) -> str:
    return content.decode("utf-8", errors="surrogateescape")


def _defence(_: Path, content: bytes) -> Any:
    try:
        return build_config({"defenses": [_text(content)]})
    finally:
        parse_defense(_text(content))


def _unpacked(path: Path, _: bytes) -> None:
    try:
        unpack(path, [SourceFile("toy/records.bin", size=600)], path.parent / "unpacked")
    except UnusableArchive as error:
        raise AuditError(str(error)) from error


def document_of(findings: bytes, rng: np.random.Generator, odd: Callable[[np.random.Generator], Any]) -> bytes:
    """Return a JSON document with something else in one or two places."""
    document = json.loads(findings)
    for _ in range(int(rng.integers(1, 3))):
        place: Any = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = keys[int(rng.integers(len(keys)))]
            below = place[key]
            if not isinstance(below, dict | list) or not below or rng.random() < 0.2:
                break
            place = below
        if rng.random() < 0.15:
            del place[key]
        else:
            place[key] = odd(rng)
        if not document:
            break
    return json.dumps(document).encode()
