"""Files of observations: Parquet, CSV and NPZ, read as data and never executed.

Two layouts are read. *Flat* (CSV or Parquet): one row a query, a column ``role``, and one column a version
and class, ``before_<class>`` and ``after_<class>`` for two versions, or ``p0_<class>``, ``p1_<class>``, ...
for any number; the classes are those of version 0, in its order. Every other column of
`unlearn_audit.observations.table.COLUMNS` is optional, ``label`` holding class names; so is ``partial``.
*Arrays* (NPZ, and the Parquet that we write): ``posteriors`` of shape (rows, versions, classes), or
``before`` and ``after`` of shape (rows, classes).
"""

from __future__ import annotations

import json
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from unlearn_audit.errors import AuditError
from unlearn_audit.files import atomic_path
from unlearn_audit.observations.table import COLUMNS, Observations

_HEADER = b"unlearn_audit"
_LAYOUT = 1
_POSTERIOR = re.compile(r"^(before|after|p(\d+))_(.+)$")
_SIGNAL = "signal_"
_BAD_HEADER = "an 'unlearn_audit' header that is broken or not ours; write it again, or drop that header"
# what zipfile, its decompressors and NumPy raise on bytes that are not what they should be
_BROKEN_ARCHIVE = (
    ValueError, OSError, EOFError, RuntimeError, KeyError, TypeError, MemoryError, zipfile.BadZipFile, zlib.error,
    lzma.LZMAError,
)  # fmt: skip


class _Header(BaseModel):
    """What our Parquet says of its arrays."""

    versions: int
    classes: list[str]
    partial: bool
    signals: dict[str, list[int]]
    metadata: dict[str, Any]


def read_observations(path: str | Path) -> Observations:
    """Read a table of observations; the suffix says the format.

    Parameters
    ----------
    path
        A ``.parquet``, ``.csv`` or ``.npz`` file.

    Raises
    ------
    AuditError
        If there is no such file, it cannot be read as data alone, or its content is no valid table.
    """
    path = Path(path)
    if path.suffix not in _READERS:
        raise AuditError(
            f"{path} is not a .parquet, .csv or .npz file; other formats (pickles above all, which can run code) "
            "are not read, so export the posteriors to one of these"
        )
    try:
        if not path.is_file():
            raise AuditError(f"no file of observations at {path}; check the path")
        if path.stat().st_size == 0:
            raise AuditError(f"{path} is empty; export at least one deleted and one unseen record")
        return _READERS[path.suffix](path)
    except OSError as error:
        raise AuditError(f"{path} cannot be read ({error.strerror or _reason(error)}); check the file") from error


def write_observations(observations: Observations, path: str | Path) -> None:
    """Write a table atomically; the suffix (``.parquet``, ``.csv`` or ``.npz``) says the format.

    All three read back to the same table; CSV leaves out ``metadata``.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise AuditError(f"cannot write observations to {path}; use a .parquet, .csv or .npz file")
    with atomic_path(path) as temporary:
        _WRITERS[path.suffix](observations, temporary)


# Parquet ---------------------------------------------------------------------------------------------


def _write_parquet(observations: Observations, path: Path) -> None:
    n, versions, k = observations.posteriors.shape
    columns: dict[str, Any] = {name: pa.array(observations.rows[name]) for name in COLUMNS}
    flat = pa.array(np.ascontiguousarray(observations.posteriors).reshape(-1))
    columns["posteriors"] = pa.FixedSizeListArray.from_arrays(flat, versions * k)
    for name, values in observations.signals.items():
        width = int(np.prod(values.shape[1:], dtype=int))
        columns[_SIGNAL + name] = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(n * width)), width)
    header = {
        "layout": _LAYOUT,
        "versions": versions,
        "classes": observations.classes,
        "partial": observations.partial,
        "signals": {name: values.shape[1:] for name, values in observations.signals.items()},
        "metadata": dict(observations.metadata),
    }
    table = pa.table(columns).replace_schema_metadata({_HEADER: json.dumps(header).encode()})
    pq.write_table(table, path, compression="zstd")


def _read_parquet(path: Path) -> Observations:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise AuditError(f"{path} cannot be read as Parquet; write it again") from error
    repeated = [name for name in table.column_names if table.column_names.count(name) > 1]
    if repeated:
        raise AuditError(f"{path} has more than one column named '{repeated[0]}'; rename or drop one")
    metadata = table.schema.metadata or {}
    if _HEADER not in metadata:
        try:
            frame = table.to_pandas()
        except (pa.ArrowException, ValueError, TypeError, KeyError) as error:
            raise AuditError(f"{path} cannot be read as a table ({_reason(error)}); write it again") from error
        return _from_flat(frame, path)
    header = _parse_header(metadata[_HEADER], path)

    def array(name: str, shape: list[int]) -> npt.NDArray[Any]:
        try:
            return np.asarray(table[name].combine_chunks().flatten()).reshape(table.num_rows, *shape)
        except (KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
            raise AuditError(
                f"{path} has no column '{name}' with {' x '.join(map(str, shape))} numbers a row, as its header says; "
                "write it again"
            ) from error

    return Observations.create(
        {name: table[name].to_pandas() for name in COLUMNS if name in table.column_names},
        array("posteriors", [header.versions, len(header.classes)]),
        header.classes,
        partial=header.partial,
        signals={name: array(_SIGNAL + name, shape) for name, shape in header.signals.items()},
        metadata=header.metadata,
        where=str(path),
    )


def _parse_header(raw: bytes, path: Path) -> _Header:
    try:
        header = json.loads(raw)
        layout = header.get("layout") if isinstance(header, dict) else None
        if isinstance(layout, int) and layout > _LAYOUT:
            raise AuditError(f"{path} has layout {layout}, newer than this version reads; upgrade unlearn-audit")
        if layout == _LAYOUT:
            return _Header.model_validate(header)
    except AuditError:
        raise
    except (ValueError, RecursionError) as error:
        raise AuditError(f"{path} has {_BAD_HEADER}") from error
    raise AuditError(f"{path} has {_BAD_HEADER}")


# CSV and flat Parquet --------------------------------------------------------------------------------


def _write_csv(observations: Observations, path: Path) -> None:
    if observations.signals:
        raise AuditError(f"signals ({', '.join(observations.signals)}) do not fit into CSV; write Parquet or NPZ")
    frame = observations.rows.copy()
    names = np.array([*observations.classes, ""], dtype=object)
    frame["label"] = names[frame["label"].to_numpy()]
    if observations.partial:
        frame["partial"] = True
    posteriors = {
        f"p{version}_{name}": observations.posteriors[:, version, column]
        for version in range(observations.n_versions)
        for column, name in enumerate(observations.classes)
    }
    pd.concat([frame, pd.DataFrame(posteriors)], axis=1).to_csv(path, index=False)


def _read_csv(path: Path) -> Observations:
    try:
        frame = pd.read_csv(
            path,
            encoding="utf-8",
            dtype={"label": str, "role": str, "dataset": str, "side": str},
            keep_default_na=False,
            na_values=[""],
        )
    except UnicodeDecodeError as error:
        raise AuditError(f"{path} is not UTF-8 text; save the CSV as UTF-8") from error
    except (ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        raise AuditError(f"{path} cannot be read as CSV ({_reason(error)}); save it again") from error
    return _from_flat(frame, path)


def _from_flat(frame: pd.DataFrame, path: Path) -> Observations:
    """Turn one column a version and class into the table."""
    by_version: dict[int, dict[str, str]] = {}
    for column in frame.columns:
        match = _POSTERIOR.match(str(column))
        if match:
            version = {"before": 0, "after": 1}.get(match[1])
            by_version.setdefault(int(match[2]) if version is None else version, {})[match[3]] = column
    if sorted(by_version) != list(range(len(by_version))) or not by_version:
        raise AuditError(
            f"{path} has no columns before_<class> and after_<class> (or p0_<class>, p1_<class>, ... without a gap); "
            f"it has {_shorten([str(c) for c in frame.columns])}"
        )
    classes = list(by_version[0])
    for version, found in by_version.items():
        if set(found) != set(classes):
            raise AuditError(
                f"{path}: version 0 has the classes {_shorten(classes)} and version {version} has "
                f"{_shorten(list(found))}; every version needs the same"
            )
    names = [by_version[version][name] for version in range(len(by_version)) for name in classes]
    try:
        flat = frame[names].to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise AuditError(f"{path} holds posteriors that are not numbers ({_reason(error)})") from error
    columns: dict[str, Any] = {name: frame[name] for name in frame.columns if name in COLUMNS}
    if "label" in columns:
        columns["label"] = _label_codes(columns["label"], classes, path)
    partial = "partial" in frame.columns and bool(frame["partial"].all())
    others = [str(c) for c in frame.columns if c not in COLUMNS and c not in names and c != "partial"]
    if others:
        raise AuditError(f"{path} has the unknown column '{others[0]}'; rename or drop it")
    return Observations.create(
        columns, flat.reshape(len(frame), len(by_version), len(classes)), classes, partial=partial, where=str(path)
    )


def _label_codes(labels: pd.Series[Any], classes: list[str], path: Path) -> npt.NDArray[np.int64]:
    """Return class indices of class names; an empty cell is a label not known."""
    texts = labels.astype(object).where(labels.notna(), "").map(str)
    codes = texts.map({**{name: i for i, name in enumerate(classes)}, "": -1})
    if bool(codes.isna().any()):
        raise AuditError(
            f"{path}: the label {texts[codes.isna()].iloc[0]!r} is none of the classes {_shorten(classes)}"
        )
    return np.asarray(codes, dtype=np.int64)


def _shorten(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def _reason(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())[:200]


# NPZ -------------------------------------------------------------------------------------------------


def _write_npz(observations: Observations, path: Path) -> None:
    arrays: dict[str, Any] = {name: observations.rows[name].to_numpy() for name in COLUMNS}
    for name in ("dataset", "side", "role"):
        arrays[name] = arrays[name].astype(str)
    arrays |= {_SIGNAL + name: values for name, values in observations.signals.items()}
    with path.open("wb") as stream:
        np.savez_compressed(
            stream,
            posteriors=observations.posteriors,
            classes=np.array(observations.classes, dtype=str),
            partial=np.array(observations.partial),
            metadata=np.array(json.dumps(dict(observations.metadata))),
            **arrays,
        )


def _read_npz(path: Path) -> Observations:
    arrays = _load_arrays(path)
    if "posteriors" in arrays:
        posteriors = arrays.pop("posteriors")
    elif "before" in arrays and "after" in arrays:
        before, after = arrays.pop("before"), arrays.pop("after")
        if before.shape != after.shape or before.ndim != 2:
            raise AuditError(
                f"{path}: 'before' has shape {before.shape} and 'after' {after.shape}; both need (rows, classes)"
            )
        posteriors = np.stack([before, after], axis=1)
    else:
        raise AuditError(f"{path} has no array 'posteriors', nor 'before' and 'after'; it has {_shorten(list(arrays))}")
    width = posteriors.shape[-1] if posteriors.ndim else 0
    classes = arrays.pop("classes", np.arange(width))
    partial = arrays.pop("partial", np.array(False))
    for name, values, ndim in (("classes", classes, 1), ("partial", partial, 0)):
        if values.ndim != ndim:
            wanted = "one name a class" if ndim else "a single true or false"
            raise AuditError(f"{path}: '{name}' has shape {values.shape}; {wanted} is needed")
    try:
        metadata = json.loads(str(arrays.pop("metadata", "{}")))
    except (ValueError, RecursionError) as error:
        raise AuditError(f"{path}: 'metadata' is no JSON ({_reason(error)}); mend it or leave it out") from error
    if not isinstance(metadata, dict):
        raise AuditError(f"{path}: 'metadata' holds JSON of a {type(metadata).__name__}; keys and values are needed")
    signals = {n.removeprefix(_SIGNAL): arrays.pop(n) for n in list(arrays) if n.startswith(_SIGNAL)}
    return Observations.create(
        arrays,
        posteriors,
        [str(name) for name in classes],
        partial=bool(partial),
        signals=signals,
        metadata=metadata,
        where=str(path),
    )


def _load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return every array of an archive, or say what the file is instead."""
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise AuditError(f"{path} is a single array (.npy) by another name; save named arrays with numpy.savez")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except AuditError:
        raise
    except _BROKEN_ARCHIVE as error:
        reason = "holds Python objects, which can run code" if "pickle" in str(error) else "is no whole NPZ archive"
        raise AuditError(f"{path} {reason}; save plain arrays of numbers and text with numpy.savez") from error
    for name, values in arrays.items():
        if not isinstance(values, np.ndarray):
            raise AuditError(f"{path}: its member '{name}' is no array; save arrays alone with numpy.savez")
    return arrays


_READERS: Mapping[str, Callable[[Path], Observations]] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".npz": _read_npz,
}
_WRITERS: Mapping[str, Callable[[Observations, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".npz": _write_npz,
}
