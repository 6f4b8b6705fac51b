"""Audits of the small transformer: deletion from memory, from weights, from both and from neither are told apart."""

from pathlib import Path

import pytest

from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.recovered import STORED

pytest.importorskip("torch")

FILE = Path(__file__).parents[3] / "examples" / "agents" / "small_transformer.py"
PROBES = ("direct", "choice", "summary")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The findings about each deletion, of one and the same set of facts."""
    known = {}

    def of(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name] = audit_agent(
                f"{FILE}:{name}", folder, canaries=40, cycles=1, samples=0, probes=PROBES, timeout=600
            ).findings
        return known[name]

    return of


def share(found, moment, memory=True, group="deleted", probe="all probes together"):
    return found.rate(moment, memory, group, probe).share


@pytest.mark.parametrize("name", ["ClaimsOnly", "MemoryOnly", "WeightsOnly", "BothExactly"])
def test_all_facts_are_found_before(found, name):
    assert share(found(name), "before") == 1
    assert share(found(name), "before", memory=False, group="deleted, also trained on") >= 0.8
    assert found(name).rate("retrained").p_value > 0.001


def test_no_deletion_leaks_everywhere(found):
    of = found("ClaimsOnly")
    assert of.verdict.kind == "leak"
    assert {path.name for path in of.paths if path.leaks} >= {
        "Residual copies in memory", "Answers with memory on", "Answers from the weights",
    }  # fmt: skip


def test_a_deletion_from_memory_alone_leaves_the_weights_which_write_it_back(found):
    of = found("MemoryOnly")
    assert of.verdict.kind == "leak"
    assert share(of, "after", probe=STORED) == 0
    assert share(of, "after", memory=False, group="deleted, also trained on") >= 0.8
    assert share(of, "cycled", probe=STORED) > 0.3


def test_a_deletion_from_the_weights_alone_leaves_the_memory_which_is_trained_in_again(found):
    of = found("WeightsOnly")
    assert of.verdict.kind == "leak"
    assert share(of, "after", probe=STORED) == 1
    assert share(of, "after") == 1
    after, cycled = (share(of, moment, memory=False) for moment in ("after", "cycled"))
    assert after <= 0.4 < 0.8 <= cycled


def test_a_deletion_from_both_leaves_nothing(found):
    of = found("BothExactly")
    assert [path.name for path in of.paths if path.leaks] == []
    for moment in ("after", "cycled"):
        for memory in (True, False):
            assert of.rate(moment, memory).p_value > 0.001
    assert share(of, "cycled", probe=STORED) == 0


def test_intervals_tell_the_deletions_apart(found):
    weights = {
        name: found(name).rate("after", False, "deleted") for name in ("ClaimsOnly", "WeightsOnly", "BothExactly")
    }
    assert weights["ClaimsOnly"].interval[0] > weights["WeightsOnly"].interval[1]
    assert weights["ClaimsOnly"].interval[0] > weights["BothExactly"].interval[1]
    memory = {name: found(name).rate("after", probe=STORED) for name in ("ClaimsOnly", "MemoryOnly", "BothExactly")}
    assert memory["ClaimsOnly"].interval[0] > memory["MemoryOnly"].interval[1]
    assert memory["ClaimsOnly"].interval[0] > memory["BothExactly"].interval[1]


def test_two_versions_of_the_likelihoods_tell_more_than_one_where_the_weights_forget(found):
    attacks = {(of.name, of.memory): of for of in found("WeightsOnly").attacks}
    both, after = attacks["pair-scale", False], attacks["likelihood after", False]
    assert both.auc > 0.9
    assert both.auc > after.auc
    assert attacks["likelihood before", False].auc > 0.9
