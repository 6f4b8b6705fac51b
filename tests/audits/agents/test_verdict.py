"""Verdicts in corner cases: what could not have been found is never called absent."""

import numpy as np
import pytest

import made_note_agents
from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.wording import counted
from unlearn_audit.audits.gate import Asked, judge, limits_of, read_run

SMALL = {"cycles": 1, "samples": 0, "probes": ("direct", "choice", "summary")}


def audit(agent, folder, **options):
    return audit_agent(agent, folder, **{"canaries": 24, **SMALL, **options}).findings


@pytest.mark.parametrize(("canaries", "seed", "options"), [(4, 0, 16), (4, 2, 16), (6, 0, 16), (8, 1, 2), (12, 3, 2)])
def test_a_leak_that_too_few_facts_could_not_show_is_no_pass(tmp_path, canaries, seed, options):
    found = audit(made_note_agents.Pretends(), tmp_path, canaries=canaries, seed=seed, options=options)
    assert found.verdict.kind in ("leak", "cannot-tell")
    if found.verdict.kind == "cannot-tell":
        assert "few" in found.verdict.headline or "no fact" in found.verdict.headline
        assert "check that ingest()" not in found.verdict.explanation


@pytest.mark.parametrize("seed", range(4))
def test_by_default_a_deletion_that_does_nothing_never_passes(tmp_path, seed):
    found = audit(made_note_agents.Pretends(), tmp_path, canaries=20, seed=seed)
    assert found.verdict.gate != "pass"


class Outage(made_note_agents.Notes):
    """Deletes, and answers nothing from then on."""

    def reset(self):
        super().reset()
        self.out = False

    def delete(self, person):
        super().delete(person)
        self.out = True

    def ask(self, prompt, session=None):
        if self.out:
            raise RuntimeError("401 key expired")
        return super().ask(prompt, session)


class Silent(Outage):
    """Deletes, and says that it is tired from then on."""

    def ask(self, prompt, session=None):
        return "I am tired." if self.out else made_note_agents.Notes.ask(self, prompt, session)


class Deletes(made_note_agents.Notes):
    """Deletes everything whenever it is to delete anything."""

    def delete(self, person):
        self.items = []


@pytest.mark.parametrize("agent", [Outage, Silent, Deletes])
def test_an_agent_that_says_nothing_after_the_deletion_does_not_pass(tmp_path, agent):
    found = audit(agent(), tmp_path)
    assert found.verdict.gate == "cannot-tell", found.verdict


def test_what_was_known_before_any_ingestion_is_no_leak(tmp_path):
    class Remembers(made_note_agents.Notes):
        """Keeps what an earlier audit told it."""

        def reset(self):
            super().reset()
            facts = Facts.draw(0, 24)
            self.items = [(facts.canary_document(of).text, None) for of in facts.audited]

    for probes in (SMALL["probes"], ("summary",)):
        found = audit(Remembers(), tmp_path / probes[0], probes=probes)
        assert found.verdict.kind == "cannot-tell"
        assert "reset() does not reset" in found.verdict.explanation


class Ranks(made_note_agents.Notes):
    """Never says a deleted value, and always thinks that it is the second most likely."""

    def reset(self):
        super().reset()
        self.known = []

    def ingest(self, document, train=False):
        super().ingest(document, train)
        self.known.append(document.text)

    def log_probabilities(self, prompt, continuations):
        true = [i for i, of in enumerate(continuations) if any(f"{prompt}{of}." in text for text in self.known)]
        values = np.full(len(continuations), -5.0)
        if true:
            values[true[0]] = -2.0
            values[(true[0] + 1) % len(values)] = -1.0
        return values.tolist()


def test_a_leak_by_probabilities_is_told_as_one(tmp_path):
    found = audit(Ranks(), tmp_path)
    assert found.verdict.kind == "leak"
    assert "higher probabilities than chance allows" in found.verdict.explanation
    by_name = {path.name: path for path in found.paths}
    assert by_name["Probabilities"].leaks
    assert not by_name["Answers with memory on"].leaks


def test_the_bound_of_a_pass_holds_for_every_probe(tmp_path):
    found = audit(made_note_agents.Notes(), tmp_path)
    assert found.verdict.kind == "none-found"
    said = float(found.verdict.explanation.split("more than ")[1].split(" %")[0]) / 100
    assert said >= max(rate.interval[1] for rate in found.rates if rate.adjusted is not None) - 0.0005


def test_the_gate_cannot_tell_what_the_audit_cannot(tmp_path):
    class Empty(made_note_agents.Notes):
        """Stores nothing."""

        def ingest(self, document, train=False):
            pass

    found = audit(Empty(), tmp_path)
    assert found.verdict.gate == "cannot-tell"
    passage = judge(Asked().of(read_run(tmp_path)), limits_of(["recovered=0.2"]))
    assert passage.code == 3


def test_counts_in_words():
    assert [counted(3, 3), counted(0, 3), counted(1, 3), counted(1, 1), counted(0, 1), counted(0, 0)] == [
        "all 3", "none of the 3", "1 of the 3", "the only one", "not the only one", "none",
    ]  # fmt: skip
