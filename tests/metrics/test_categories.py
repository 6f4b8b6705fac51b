"""Values become groups that may be named: quarters of numbers, and values that enough records of both roles have."""

from itertools import pairwise

import numpy as np
import pytest

from unlearn_audit.metrics import categories, common_values
from unlearn_audit.metrics.categories import MISSING, OTHERS

N = 400
POSITIVE = np.arange(N) % 2 == 0
RECORDS = np.arange(N)


def test_numbers_are_cut_into_quarters_of_the_records_and_not_of_the_rows():
    ages = np.random.default_rng(0).integers(18, 90, 100).astype(float)
    times = np.where(np.arange(100) < 50, 1, 9)
    rows = np.repeat(np.arange(100), times)
    codes, names = categories(ages[rows], np.arange(len(rows)) % 2 == 0, rows)
    # between two ages, since fewer than ten share one
    cuts = np.sort(ages)[[24, 49, 74]] + 0.5
    assert names == (f"up to {cuts[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(cuts)),
                     f"over {cuts[2]:g}")  # fmt: skip
    assert np.array_equal(codes, np.searchsorted(cuts, ages[rows]))


def test_many_equal_numbers_leave_fewer_groups_and_a_missing_one_has_its_own():
    gains = np.where(np.arange(N) % 10 == 0, np.arange(N) + 1.0, 0.0)
    gains[:8] = np.nan
    codes, names = categories(gains, POSITIVE, RECORDS)
    assert names == ("up to 0", OTHERS, MISSING)  # only records of the positive role have any gain
    assert np.bincount(codes).tolist() == [353, 39, 8]
    assert categories(np.where(gains > 0, gains, 0.0), RECORDS % 20 < 10, RECORDS)[1] == ("up to 0", "over 0")


def test_no_cut_is_the_number_of_one_person():
    incomes = np.random.default_rng(0).uniform(1e4, 1e5, N)
    _, names = categories(incomes, POSITIVE, RECORDS)
    assert all(int(name.rpartition(" ")[2].replace(",", "")) % 10 == 0 for name in names)
    ids = np.arange(1001.0, 1081.0)
    _, names = categories(ids, np.arange(80) % 2 == 0, np.arange(80))
    assert not {float(name.rpartition(" ")[2].replace(",", "")) for name in names} & set(ids)


def test_few_numbers_are_values_in_their_order():
    values = np.array([2.0, 10.0, 1.5, 3.0])[np.arange(N) // 2 % 4]
    codes, names = categories(values, POSITIVE, RECORDS)
    assert names == ("1.5", "2", "3", "10")
    assert np.array_equal(np.array([float(name) for name in names])[codes], values)


@pytest.mark.parametrize(("n", "named"), [(9, False), (10, True)])
def test_a_value_is_named_if_ten_records_of_each_role_have_it(n, named):
    values = np.full(N, "common", dtype=object)
    values[: 2 * n] = "rare"
    for shift, sees in ((0, named), (1, named)):
        _, names = categories(values, np.roll(POSITIVE, shift), RECORDS)
        assert names == (("common", "rare") if sees else ("common", OTHERS))
    # many rows of few records are few records, and one role alone is not enough
    again = np.full(N, "common", dtype=object)
    again[:200] = "often asked"
    asked = RECORDS.copy()
    asked[:200] = np.arange(200) // 2 % 5
    assert categories(again, POSITIVE, asked)[1] == ("common", OTHERS)
    assert categories(np.where(POSITIVE, "common", "only here").astype(object), POSITIVE, RECORDS)[1] == (OTHERS,)


def test_what_few_people_hold_is_not_named_however_many_their_records():
    values = np.array(["nurse"] * 200 + ["Ada"] * 200, dtype=object)
    holders = np.r_[np.arange(200), np.arange(200) % 9]
    assert set(common_values(values, holders)) == {"nurse", OTHERS}
    assert common_values(values, np.r_[np.arange(200), np.arange(200) % 10]) is values
    few = np.array([1.0, 2.0])[np.r_[np.zeros(396, int), np.ones(4, int)]]
    assert set(common_values(few, RECORDS)) == {"1", OTHERS}
    many = np.random.default_rng(0).normal(size=N)
    assert common_values(many, RECORDS) is many


def test_texts_that_read_as_no_finite_number_have_their_place_among_texts():
    values = np.array(["nan", "1", "2", "inf"], dtype=object)[np.arange(N) // 2 % 4]
    _, names = categories(values, POSITIVE, RECORDS)
    assert names == ("1", "2", "inf", "nan")
