import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.observations import Observations
from unlearn_audit.observations.packed import Packed


def whole(table):
    n = len(table)
    return replace(
        table,
        partial=True,
        signals={"weights": np.arange(3.0 * n).reshape(n, 3), "distance": np.arange(n)},
        metadata={"canaries": "mislabelled", "deep": {"a": [1, 2.5]}},
        groups={"age": np.linspace(20, 60, n), "sex": np.array(["f", None] * n, dtype=object)[:n]},
    )


def test_what_travels_is_the_table_itself(table):
    made = whole(table(classes=4))
    packed = Packed.of(made)
    assert packed.table() is made
    again = pickle.loads(pickle.dumps(packed)).table()
    pd.testing.assert_frame_equal(again.rows, made.rows)
    assert again.posteriors.dtype == np.float32
    assert (again.posteriors == made.posteriors).all()
    assert (again.classes, again.partial, again.metadata) == (made.classes, True, made.metadata)
    for name, values in made.signals.items():
        assert again.signals[name].dtype == values.dtype
        assert (again.signals[name] == values).all()
    assert (again.groups["age"] == made.groups["age"]).all()
    assert again.groups["sex"].tolist() == made.groups["sex"].tolist()


def test_it_is_the_table_that_checks_would_make(table):
    made = pickle.loads(pickle.dumps(Packed.of(table(classes=3)))).table()
    checked = Observations.create({name: made.rows[name] for name in made.rows}, made.posteriors, made.classes)
    pd.testing.assert_frame_equal(made.rows, checked.rows)


def test_equal_tables_are_equal_bytes_and_only_those(table):
    one, same, other = (bytes(Packed.of(table(seed=seed)).content) for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.parametrize("cut", [0, 1, 100, -40])
def test_bytes_that_are_no_table_are_told(table, cut):
    content = bytes(Packed.of(table()).content)
    with pytest.raises(AuditError, match=r"here\.arrow cannot be read as a packed table"):
        Packed(content[:cut] if cut else b"no arrow").table(Path("here.arrow"))


def test_a_table_of_others_is_none_of_ours(table):
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    columns = pa.table({"record": [1, 2]})
    with pa.ipc.new_file(sink, columns.schema) as file:
        file.write_table(columns)
    with pytest.raises(AuditError, match="cannot be read as a packed table"):
        Packed(memoryview(sink.getvalue())).table()
