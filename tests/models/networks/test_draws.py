"""Draws keyed by record: the hash, its statistics, and dropout that uses it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, kstest
from torch import nn

from unlearn_audit.errors import AuditError
from unlearn_audit.models.networks.draws import KeyedDropout, RecordDraws, keyed_dropout, mixed, uniform

BITS = 2**64
WORDS = st.integers(-(2**63), 2**63 - 1)


def finaliser(state, word):
    """SplitMix64 as its paper states it, in unlimited integers; the state before the last addition of gamma."""
    gamma = 0x9E3779B97F4A7C15
    z = (state * gamma + word + gamma) % BITS
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % BITS
    z ^= z >> 31
    return z - BITS if z >= BITS // 2 else z


@given(st.lists(WORDS, min_size=1, max_size=20), WORDS)
def test_the_hash_is_that_of_the_paper(states, word):
    assert mixed(torch.tensor(states), word).tolist() == [finaliser(state, word) for state in states]


def test_the_first_numbers_are_those_of_splitmix64():
    """From seed 0 the generator's state is gamma, 2 gamma, ...; its first outputs are widely published."""
    first = [int(mixed(torch.tensor(i), 0)) % BITS for i in range(3)]
    assert first == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def draws(n=20_000, seed=0):
    return RecordDraws(seed, torch.arange(n))


def test_numbers_are_uniform():
    of_units = uniform(mixed(torch.tensor(5), torch.arange(20_000)))
    for numbers in (draws().uniform(0, 0), draws(seed=1).uniform(0, 0), of_units):
        assert numbers.dtype == torch.float64
        assert float(numbers.min()) >= 0
        assert float(numbers.max()) < 1
        assert kstest(numbers.numpy(), "uniform").pvalue > 0.001
    for time in range(3):
        assert kstest(draws().uniform(0, time).numpy(), "uniform").pvalue > 0.001
    assert float(uniform(torch.tensor(-1))) < 1
    assert float(uniform(torch.tensor(0))) == 0


def test_neighbours_are_not_correlated():
    table = draws(4000)
    number = table.uniform(0, 0).numpy()
    others = {
        "time": table.uniform(0, 1).numpy(),
        "purpose": table.uniform(1, 0).numpy(),
        "seed": draws(4000, seed=1).uniform(0, 0).numpy(),
        "record": np.roll(number, 1),
    }
    # four comparisons of 4,000 pairs: 4 standard errors
    assert {name: r for name, other in others.items() if abs(r := np.corrcoef(number, other)[0, 1]) > 0.063} == {}
    units = table_of_masks(table, 200, 200)
    pairs = {
        "records": (units[1:], units[:-1]),
        "units": (units[:, 1:], units[:, :-1]),
        "places": (units, table_of_masks(table, 200, 200, place=2)),
        "steps": (units, table_of_masks(table, 200, 200, time=1)),
    }
    assert {n: r for n, (a, b) in pairs.items() if abs(r := np.corrcoef(a.ravel(), b.ravel())[0, 1]) > 0.02} == {}


def table_of_masks(table, records, units, place=1, time=0):
    with table.step(torch.arange(records), time):
        return table.mask(place, torch.Size([records, units]), 0.5).numpy().astype(float)


def test_a_records_draws_do_not_depend_on_who_else_is_there():
    everyone, some = RecordDraws(3, torch.arange(50)), RecordDraws(3, torch.tensor([40, 7, 13]))
    assert torch.equal(everyone.uniform(0, 2)[[40, 7, 13]], some.uniform(0, 2))
    with everyone.step(torch.tensor([13, 1, 7]), 4), some.step(torch.tensor([2, 1]), 4):
        one, two = (d.mask(1, torch.Size([n, 30]), 0.5) for d, n in ((everyone, 3), (some, 2)))
    assert torch.equal(one[[0, 2]], two)
    assert not torch.equal(one[0], one[1])


def dropped(module, x, records=None, time=0, seed=0):
    """What a module makes of a batch in one training step."""
    table = RecordDraws(seed, torch.arange(len(x)) if records is None else records)
    module.train()
    with keyed_dropout(module, table), table.step(torch.arange(len(x)), time):
        return module(x)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_so_many_are_dropped_and_the_rest_scaled(p):
    out = dropped(nn.Sequential(nn.Dropout(p)), torch.ones(300, 200))
    assert binomtest(int((out == 0).sum()), out.numel(), p).pvalue > 0.001
    assert torch.allclose(out[out != 0], torch.tensor(1 / (1 - p)))


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_ends_of_the_range(p, kept):
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(dropped(nn.Sequential(nn.Dropout(p)), x), kept * x)


def test_nothing_is_dropped_in_evaluation():
    table, x = draws(4), torch.ones(4, 100)
    layer = KeyedDropout(0.5, False, table, 1, 1).eval()
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.Dropout1d, (40, 30, 6)), (nn.Dropout2d, (40, 30, 3, 4)), (nn.Dropout3d, (40, 30, 2, 3, 2))]
)
def test_whole_channels_are_dropped(layer, shape):
    out = dropped(nn.Sequential(layer(0.5)), torch.ones(shape)).flatten(2)
    assert torch.equal(out, out[:, :, :1].expand_as(out))
    assert 0.4 < float((out == 0).float().mean()) < 0.6
    single = dropped(nn.Sequential(nn.Dropout(0.5)), torch.ones(shape)).flatten(2)
    assert not torch.equal(single, single[:, :, :1].expand_as(single))


def test_masks_repeat_and_differ_between_layers_steps_and_records():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Dropout(0.5), nn.ModuleList([nn.Sequential(nn.Dropout(0.5))])

        def forward(self, x):
            return torch.stack([self.one(x), self.two[0](x)])

    x = torch.ones(3, 200)
    first = dropped(Both(), x)
    assert torch.equal(first, dropped(Both(), x))
    assert torch.equal(first[:, 1:], dropped(Both(), x[1:], records=torch.tensor([1, 2])))
    for other in (first.flip(0), first.flip(1), dropped(Both(), x, time=1), dropped(Both(), x, seed=1)):
        assert 0.4 < float((first[:, 0] == other[:, 0]).float().mean()) < 0.6


class Twice(nn.Module):
    """The same dropout layer used twice, and once more under a second name."""

    def __init__(self):
        super().__init__()
        self.drop = self.again = nn.Dropout(0.5)

    def forward(self, x):
        return torch.stack([self.drop(x), self.drop(x), self.again(x)])


def test_a_layer_used_twice_draws_twice():
    module, x = Twice(), torch.ones(3, 300)
    one, two, three = out = dropped(module, x)
    for a, b in ((one, two), (one, three), (two, three)):
        assert 0.4 < float((a == b).float().mean()) < 0.6
    # the count begins anew with every step
    table = RecordDraws(0, torch.arange(3))
    with keyed_dropout(module, table):
        for _ in range(2):
            with table.step(torch.arange(3), 0):
                assert torch.equal(module(x), out)


def test_no_generator_is_drawn_from():
    before = torch.get_rng_state()
    dropped(Twice(), torch.ones(3, 10))
    assert torch.equal(before, torch.get_rng_state())


def test_the_module_is_put_back():
    plain, module = nn.Dropout(0.3), Twice()
    sequence = nn.Sequential(nn.Linear(2, 2), plain, module)
    with keyed_dropout(sequence, draws(2)):
        assert [type(m) for m in sequence.modules() if isinstance(m, KeyedDropout | nn.Dropout)] == [KeyedDropout] * 3
    assert sequence[1] is plain
    assert module.drop is module.again
    assert type(module.drop) is nn.Dropout
    with pytest.raises(ZeroDivisionError), keyed_dropout(sequence, draws(2)):
        raise ZeroDivisionError
    assert sequence[1] is plain
    assert type(module.drop) is nn.Dropout


def test_a_batch_that_is_not_one_row_a_record_is_refused():
    with pytest.raises(AuditError, match="handed 12 rows in a step of 3 records") as caught:
        dropped(nn.Sequential(nn.Flatten(0, 1), nn.Dropout(0.5)), torch.ones(3, 4, 5))
    assert "\n" not in str(caught.value)
    with keyed_dropout(module := nn.Sequential(nn.Dropout(0.5)), draws(3)), pytest.raises(AuditError):
        module(torch.ones(3, 4))
