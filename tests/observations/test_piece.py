import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations
from unlearn_audit.observations.piece import Packed, table_of


def with_signals(piece):
    n = len(piece)
    return replace(piece, signals={"weights": np.arange(3.0 * n).reshape(n, 3), "distance": np.arange(n)})


def sent(piece):
    return pickle.loads(pickle.dumps(Packed.of(piece))).piece()


def test_what_travels_comes_back(piece):
    made = with_signals(piece(classes=4))
    assert Packed.of(made).piece() is made
    again = sent(made)
    assert (again.dataset, again.side, again.world, again.classes) == ("made", "target", 3, made.classes)
    assert again.columns.keys() == made.columns.keys()
    for name, values in made.columns.items():
        assert (again.columns[name] == values).all()
    assert again.posteriors.dtype == np.float32
    assert (again.posteriors == made.posteriors).all()
    for name, values in made.signals.items():
        assert again.signals[name].dtype == values.dtype
        assert (again.signals[name] == values).all()


@pytest.mark.parametrize("change", [lambda piece: piece, sent])
def test_pieces_become_the_table_that_checks_would_make(piece, change):
    pieces = [with_signals(piece(seed=seed, world=seed)) for seed in (0, 1, 2)]
    made = table_of([change(one) for one in pieces])
    checked = Observations.create(
        {name: made.rows[name] for name in made.rows}, made.posteriors, made.classes, signals=made.signals
    )
    pd.testing.assert_frame_equal(made.rows, checked.rows)
    assert made.worlds.tolist() == [world for world, one in enumerate(pieces) for _ in range(len(one))]
    assert (made.posteriors == np.concatenate([one.posteriors for one in pieces])).all()
    assert (made.signals["weights"] == np.concatenate([one.signals["weights"] for one in pieces])).all()


@pytest.mark.parametrize("largest", [0, 127, 128, 2**15, 2**31, 2**62])
def test_numbers_of_any_size_survive(piece, largest):
    made = piece()
    ids = np.arange(len(made)) % 3 + largest - 2
    assert (sent(replace(made, columns={**made.columns, "record": ids})).columns["record"] == ids).all()


def test_equal_pieces_are_equal_bytes_and_only_those(piece):
    one, same, other = (bytes(Packed.of(piece(seed=seed)).content) for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.parametrize("cut", [0, 1, 100, -40])
def test_bytes_that_are_no_piece_are_told(piece, cut):
    content = bytes(Packed.of(piece()).content)
    with pytest.raises(AuditError, match=r"here\.arrow cannot be read as a packed world"):
        Packed(content[:cut] if cut else b"no arrow").piece(Path("here.arrow"))


def test_a_table_of_others_is_none_of_ours(piece):
    def packed(table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as file:
            file.write_table(table)
        return Packed(memoryview(sink.getvalue()))

    with pytest.raises(AuditError, match="cannot be read as a packed world"):
        packed(pa.table({"record": [1, 2]})).piece()
    ours = pa.ipc.open_file(pa.py_buffer(Packed.of(piece()).content)).read_all()
    with pytest.raises(AuditError, match="header"):
        packed(ours.replace_schema_metadata(None)).piece()
