import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unlearn_audit.worlds.persons import Persons

codes = st.lists(st.integers(0, 8), min_size=1, max_size=60).map(lambda c: np.array(c, dtype=np.int64))


@given(codes, st.randoms())
def test_rows_of_units_are_those_with_their_code(values, random):
    persons = Persons(values)
    asked = persons.values.copy()
    random.shuffle(asked)
    asked = asked[: random.randint(0, len(asked))]
    expected = [row for person in asked for row in np.flatnonzero(values == person)]
    assert persons.rows(asked).tolist() == expected
    assert persons.sizes(asked).tolist() == [(values == person).sum() for person in asked]


@given(codes, st.integers(0, 70))
def test_take_stops_before_it_has_too_many_rows(values, most):
    persons = Persons(values)
    taken = persons.take(persons.values, most)
    assert persons.sizes(taken).sum() <= most
    if len(taken) < len(persons.values):
        assert persons.sizes(persons.values[: len(taken) + 1]).sum() > most
