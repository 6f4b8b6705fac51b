import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.worlds.units import Units

codes = st.lists(st.integers(0, 8), min_size=1, max_size=60).map(lambda c: np.array(c, dtype=np.int64))


@given(codes, st.randoms())
def test_rows_of_units_are_those_with_their_code(values, random):
    units = Units(values)
    asked = units.values.copy()
    random.shuffle(asked)
    asked = asked[: random.randint(0, len(asked))]
    expected = [row for unit in asked for row in np.flatnonzero(values == unit)]
    assert units.rows(asked).tolist() == expected
    assert units.sizes(asked).tolist() == [(values == unit).sum() for unit in asked]


@given(codes, st.integers(0, 70))
def test_take_stops_before_it_has_too_many_rows(values, most):
    units = Units(values)
    taken = units.take(units.values, most)
    assert units.sizes(taken).sum() <= most
    if len(taken) < len(units.values):
        assert units.sizes(units.values[: len(taken) + 1]).sum() > most
