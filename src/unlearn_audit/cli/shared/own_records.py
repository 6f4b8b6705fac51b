"""What commands on the owner's own records and model share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.audits.release import read_ids
from unlearn_audit.audits.release.owner_data import OwnerData, RawRecords, named_records, read_owner_data
from unlearn_audit.data.encoding import Encoding
from unlearn_audit.errors import AuditError
from unlearn_audit.models.regimes import Regime
from unlearn_audit.utils.seeds import Kind, generator

HELD_OUT = 0.3
"""Share of people held out of training as references, where none are named."""


def owner_records(
    dataset: str | None,
    data: Path | None,
    label: str | None,
    record: str | None,
    person: str | None,
    exclude: Sequence[str] = (),
    encoding: Encoding = "codes",
) -> RawRecords:
    """Return the records that the options of a command name.

    Raises
    ------
    AuditError
        If they name none, or two sources.
    """
    if (dataset is None) == (data is None):
        raise AuditError("give the owner's records as either --data or --dataset")
    if data is None:
        assert dataset is not None
        if label or record or person or exclude:
            raise AuditError(
                "--label, --record, --person and --exclude are columns of --data; leave them out with --dataset"
            )
        return named_records(dataset)
    if label is None:
        raise AuditError(f"{data} needs --label, the column that holds the class")
    return read_owner_data(data, label, record, person, exclude=exclude, encoding=encoding)


def split(raw: RawRecords, reference: str | None, train_size: int | None, encoding: Encoding, seed: int) -> OwnerData:
    """Return the records with references held out: those named, or a share of people."""
    people, drawn = len(raw.names), generator(seed, Kind.RELEASE, int(Kind.WORLD))
    order = drawn.permutation(people)
    held_out: npt.NDArray[np.bool_]
    if reference is None:
        held_out = np.isin(raw.person, order[: int(HELD_OUT * people)])
    else:
        at = positions(raw, read_ids(reference, "--reference"), "reference")
        held_out = np.zeros(len(raw.ids), dtype=bool)
        held_out[at] = True
    others = order[~np.isin(order, raw.person[held_out])]
    if train_size is not None and not 1 <= train_size <= len(others):
        raise AuditError(f"--train-size is {train_size:,}; there are 1 to {len(others):,} people to train on")
    used = np.isin(raw.person, others[:train_size])
    return raw.hold_out(held_out, encoding, used | np.isin(raw.person, raw.person[held_out]))


def positions(raw: RawRecords, ids: npt.NDArray[Any], what: str) -> npt.NDArray[np.intp]:
    """Return where records with some ids are.

    Raises
    ------
    AuditError
        If some are not there.
    """
    at = raw.ids.get_indexer(pd.Index(ids.tolist(), dtype=object))
    missing = at < 0
    if missing.any():
        first = ids[missing][0]
        raise AuditError(
            f"{int(missing.sum()):,} of {len(ids):,} {what} ids are not in the data, such as {first}"
            + (
                ", which is the id of a person; give the ids of the person's records"
                if first in set(raw.names.astype(str).tolist())
                else "; name records of --data"
            )
        )
    return np.asarray(at)


def encoding_of(text: str) -> Encoding:
    """Return the encoding of a name, or say which there are."""
    known: dict[str, Encoding] = {name: name for name in get_args(Encoding)}
    if text not in known:
        raise AuditError(f"--encoding is {text!r}; use one of {', '.join(known)}")
    return known[text]


def regime_of(text: str) -> Regime:
    """Return the regime of a name, or say which there are."""
    known = {of.value: of for of in Regime}
    if text not in known:
        raise AuditError(f"--regime is {text!r}; use one of {', '.join(known)}")
    return known[text]
