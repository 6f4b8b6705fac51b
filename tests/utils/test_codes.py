"""Codes of rows are those that NumPy gives."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unlearn_audit.utils.codes import codes_of_rows

SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 4))


@given(arrays.arrays(np.float64, SHAPES, elements=st.sampled_from([0.0, -0.0, 0.1, 0.25, np.inf])))
def test_codes_of_rows_are_the_places_of_unique_rows(rows):
    np.testing.assert_array_equal(codes_of_rows(rows), np.unique(rows, axis=0, return_inverse=True)[1].ravel())


def test_of_no_rows_there_are_no_codes():
    assert codes_of_rows(np.empty((0, 3))).tolist() == []
