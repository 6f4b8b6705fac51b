import numpy as np
import pytest

from unlearn_audit.errors import AuditError
from unlearn_audit.worlds import split_records
from unlearn_audit.worlds.persons import Persons


def test_the_shares_are_those_of_the_paper():
    split = split_records(Persons(np.arange(10_000)), seed=0)
    for side in (split.shadow, split.target):
        assert (len(side.train), len(side.unseen), len(side.replacement)) == (4000, 850, 150)


def test_pools_share_no_record_and_lose_none():
    split = split_records(Persons(np.arange(1_003)), seed=1)
    everyone = np.concatenate([split.shadow.all, split.target.all])
    assert np.array_equal(np.sort(everyone), np.arange(1_003))


def test_a_unit_is_never_torn_apart():
    codes = np.random.default_rng(0).integers(0, 300, 2000)
    split = split_records(Persons(codes), seed=2)
    pools = [p for side in (split.shadow, split.target) for p in (side.train, side.unseen, side.replacement)]
    owners = [set(codes[pool]) for pool in pools]
    assert sum(len(o) for o in owners) == len(set(codes))
    assert sum(len(pool) for pool in pools) == 2000


def test_seeds_decide_the_split():
    a, b, c = (split_records(Persons(np.arange(500)), seed).shadow.train for seed in (3, 3, 4))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_too_few_records_or_units_are_refused():
    with pytest.raises(AuditError, match="39 records, fewer than the 40"):
        split_records(Persons(np.arange(39)), seed=0)
    with pytest.raises(AuditError, match="10 people, fewer than the 40"):
        split_records(Persons(np.arange(500) % 10), seed=0)
