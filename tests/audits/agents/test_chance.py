"""Agents whose answers do not depend on the values are found leaking no more often than the level allows.

With few canaries and options the whole null is gone through: every assignment of values, given the answers. Larger ones
are simulated.
"""

import itertools

import numpy as np
import pytest

from made_replies_of_agents import Chatty, Knowing, agents, asked
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.probes import PROBES, hits_and_chances, prompts_of, readings_of
from unlearn_audit.audits.agents.probes.log_probabilities import orders_of, ranks_of
from unlearn_audit.metrics import hits_p_value, randomised_p_value, rank_sum_p_value

SMALL = Facts.draw(0, canaries=4, options=3, kept=0)
EVERY = [
    SMALL.with_values(values)
    for values in itertools.product(*(SMALL.options[canary.attribute] for canary in SMALL.canaries))
]
LARGE = Facts.draw(1, canaries=10, options=4, kept=2)
NULLS = 2000
ROUNDING = 1 + 1e-9


def assert_level_is_kept_exactly(p_values):
    """P(p <= a) <= a for every a, each p-value being as probable as the others."""
    p_values = np.array(p_values)
    for level in p_values:
        assert np.mean(p_values <= level * ROUNDING) <= level * ROUNDING


def assert_level_is_kept(p_values):
    for level in (0.01, 0.05, 0.1, 0.2):
        share = np.mean(np.array(p_values) <= level * ROUNDING)
        assert share <= level + 3 * np.sqrt(level * (1 - level) / len(p_values))


def p_value(facts, readings):
    hits, chances = hits_and_chances(facts, readings, facts.audited)
    return hits_p_value(int(hits.sum()), chances)


def test_every_assignment_of_values_is_there():
    assert len(EVERY) == 3**4
    assert len({tuple(of.value for of in facts.canaries) for facts in EVERY}) == 3**4


@pytest.mark.parametrize("name", PROBES)
def test_given_any_answers_the_whole_null_keeps_the_level_of_hits(name):
    probe = PROBES[name]
    prompts = prompts_of(probe, SMALL, 0)
    told = []
    for agent in (*agents(SMALL).values(), *(Knowing(EVERY[i]) for i in (0, 40))):
        readings = readings_of(probe, SMALL, asked(probe, prompts, agent))
        p_values = [p_value(facts, readings) for facts in EVERY]
        assert_level_is_kept_exactly(p_values)
        # and the chances that are stated are those with which canaries are hit
        hits, chances = zip(*(hits_and_chances(facts, readings, facts.audited) for facts in EVERY), strict=True)
        assert np.mean(hits, axis=0) == pytest.approx(chances[0])
        told.append(min(p_values))
    # the test can tell something: who answers rightly by luck has the least p-value that there is
    assert min(told) == pytest.approx(3**-4)


def test_given_any_log_probabilities_the_whole_null_keeps_the_level_of_ranks():
    rng = np.random.default_rng(0)
    for ties in (1, 2, 5):
        found = {of.number: rng.integers(0, ties, 3).astype(float) for of in SMALL.canaries}
        orders = orders_of(SMALL, found, 0)
        p_values = [rank_sum_p_value(ranks_of(orders, facts.audited), 3) for facts in EVERY]
        assert_level_is_kept_exactly(p_values)
        assert min(p_values) == pytest.approx(3**-4)


def test_the_whole_null_of_coins_keeps_the_level():
    """Readings do not depend on who was ingested: hits are compared between those who were and those who were not."""
    facts = Facts.draw(2, canaries=8, options=2, kept=0)
    probe = PROBES["direct"]
    replies = asked(probe, prompts_of(probe, facts, 0), agents(facts)["everything"])
    readings = readings_of(probe, facts, replies)
    hits, _ = hits_and_chances(facts, readings, facts.audited)
    assert 0 < hits.sum() < 8

    def more_often(coins):
        return float(hits[coins].sum() - hits[~coins].sum())

    for chosen in (1, 4):
        coins = [np.isin(np.arange(8), at) for at in itertools.combinations(range(8), chosen)]
        assert_level_is_kept_exactly([randomised_p_value(more_often, of, 99, 0) for of in coins])


@pytest.mark.parametrize("agent", agents(LARGE))
@pytest.mark.parametrize("name", ["direct", "choice", "reverse", "hop"])
def test_two_thousand_nulls_of_steady_agents_keep_the_level(name, agent):
    """The agent says the same in all of them, whatever the values are."""
    probe, rng = PROBES[name], np.random.default_rng(5)
    readings = readings_of(probe, LARGE, asked(probe, prompts_of(probe, LARGE, 0), agents(LARGE)[agent]))
    _, chances = hits_and_chances(LARGE, readings, LARGE.audited)
    hits = np.zeros((NULLS, len(chances)), dtype=bool)
    for i, canary in enumerate(LARGE.audited):
        options = LARGE.options[canary.attribute]
        named = np.array([option in readings[canary.number] for option in options])
        hits[:, i] = named[rng.integers(len(options), size=NULLS)]
    of_count = np.array([hits_p_value(count, chances) for count in range(len(chances) + 1)])
    assert_level_is_kept(of_count[hits.sum(axis=1)])


@pytest.mark.parametrize("name", ["direct", "choice", "reverse"])
def test_two_thousand_nulls_of_chatty_agents_keep_the_level(name):
    """Values, coins and what the agent says are drawn anew each time."""
    probe, rng = PROBES[name], np.random.default_rng(7)
    facts = Facts.draw(3, canaries=4, options=3, kept=1)
    prompts = prompts_of(probe, facts, 0)
    p_values, found = [], 0
    for _ in range(NULLS):
        facts = facts.with_drawn_values(rng)
        readings = readings_of(probe, facts, asked(probe, prompts, Chatty(facts, rng, most=4)))
        p_values.append(p_value(facts, readings))
        found += sum(map(bool, readings.values()))
    assert found > NULLS / 4
    assert_level_is_kept(p_values)


def test_who_knows_is_found():
    """The same figures of an agent that forgot nothing."""
    for probe in PROBES.values():
        replies = asked(probe, prompts_of(probe, LARGE, 0), Knowing(LARGE))
        assert p_value(LARGE, readings_of(probe, LARGE, replies)) == pytest.approx(4.0**-10)
