import numpy as np

from unlearn_audit.utils.seeds import Kind, generator, integer_seed, name_key


def test_the_same_unit_draws_the_same_numbers():
    first, again = (generator(7, Kind.WORLD, 1, 3).random(5) for _ in range(2))
    assert np.array_equal(first, again)


def test_every_part_of_the_key_matters():
    seeds = {
        integer_seed(root, kind, side, world)
        for root in (0, 1)
        for kind in (Kind.ORIGINAL, Kind.UNLEARNED)
        for side in (0, 1)
        for world in range(5)
    }
    assert len(seeds) == 40


def test_integer_seeds_fit_random_state():
    assert all(0 <= integer_seed(0, Kind.ATTACK, i) < 2**31 for i in range(200))


def test_name_keys_differ():
    assert len({name_key(name) for name in ("direct-diff", "sorted-diff", "classical")}) == 3
