"""Audits of little agents: each wrong deletion is told from the others, and odd agents are measured, not believed."""

import json
from pathlib import Path

import numpy as np
import pytest

import made_note_agents
from unlearn_audit.audits.agents import audit_agent, calls
from unlearn_audit.audits.agents.assess import Assessment
from unlearn_audit.audits.agents.facts import Facts
from unlearn_audit.audits.agents.heard import Heard
from unlearn_audit.audits.agents.order import gaps, places
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import PROBES
from unlearn_audit.audits.agents.recovered import COMBINED, STORED, combined, groups
from unlearn_audit.audits.agents.traces import traces
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.progress import Silent

FILE = Path(made_note_agents.__file__)


PROBES_HERE = ("direct", "choice", "reverse", "summary")


def audit(agent, folder, **options):
    usual = {"canaries": 24, "cycles": 1, "samples": 4, "probes": PROBES_HERE}
    return audit_agent(agent, folder, **{**usual, **options}).findings


def path(found, name):
    (one,) = (of for of in found.paths if of.name == name)
    return one


def test_a_right_deletion_leaves_nothing(tmp_path):
    found = audit(made_note_agents.Notes(), tmp_path, probes=())
    assert found.verdict.kind == "none-found", found.verdict
    before, after = found.rate("before"), found.rate("after")
    assert before.hits == before.cases > 5
    assert after.hits == 0
    assert after.interval[1] == pytest.approx(1 - 0.025 ** (1 / after.cases))
    assert found.receipt.claimed == found.receipt.asked == sum(of.ingested for of in Facts.draw(0, 24).audited)
    assert found.rate("after", group="kept").share == 1


def test_reported_success_without_deletion_is_a_leak(tmp_path):
    found = audit(made_note_agents.Pretends(), tmp_path)
    assert found.verdict.kind == "leak"
    assert found.verdict.gate == "fail"
    assert path(found, "Residual copies in memory").leaks
    assert path(found, "Answers with memory on").leaks
    assert not path(found, "Answers from the weights").leaks
    assert found.rate("after").hits == found.rate("before").hits == found.receipt.found["after"]
    assert found.rate("after").adjusted < 1e-3
    assert found.leak_at == {1: 1.0, 2: 1.0}  # of 4 samples
    assert 0.5 < found.epsilon[0] <= found.epsilon[1]


def test_a_refusal_is_a_trace_and_no_leak(tmp_path):
    found = audit(made_note_agents.Refuses(), tmp_path)
    assert found.verdict.kind == "trace"
    telling = {trace.name for trace in found.traces if trace.adjusted <= 0.02}
    assert {"refusals", "wording"} <= telling
    assert "failures" not in telling


def test_what_comes_back_by_consolidation_is_found_there(tmp_path):
    found = audit(made_note_agents.ComesBack(), tmp_path)
    assert found.verdict.kind == "leak"
    assert found.rate("after").hits == 0
    assert found.rate("cycled").hits == found.rate("cycled").cases
    assert path(found, "Backflow by consolidation").leaks
    assert not path(found, "Answers with memory on").leaks
    assert "come back" in found.verdict.headline


def test_a_reset_that_does_not_reset_is_named(tmp_path):
    made_note_agents.NeverResets.kept.clear()
    agent = made_note_agents.NeverResets()
    audit(agent, tmp_path / "first")
    agent.items[:] = [(Facts.draw(0, 24).canary_document(of).text, None) for of in Facts.draw(0, 24).audited]
    found = audit(agent, tmp_path / "second")
    assert found.verdict.kind == "cannot-tell"
    assert "reset() does not reset" in found.verdict.explanation
    assert found.rate("empty").p_value < 0.01


@pytest.mark.parametrize("agent", [made_note_agents.Mute, made_note_agents.RefusesAll, made_note_agents.Lists])
def test_an_agent_that_says_nothing_of_use_passes_nothing(tmp_path, agent):
    found = audit(agent(), tmp_path)
    assert found.verdict.kind == "cannot-tell", found.verdict
    assert found.verdict.gate == "cannot-tell"
    counts = {made_note_agents.Mute: "empty", made_note_agents.RefusesAll: "refused"}
    if agent in counts:
        assert getattr(found.behaviour, counts[agent]) == found.behaviour.prompts


def test_errors_are_counted_and_the_rest_is_judged(tmp_path):
    found = audit(made_note_agents.Throws(), tmp_path)
    assert found.behaviour.raised == pytest.approx(found.behaviour.prompts / 3, rel=0.1)
    assert found.verdict.kind == "cannot-tell"
    assert "too many prompts failed" in found.verdict.headline
    assert path(found, "Answers with memory on").leaks is False


def test_an_agent_that_hangs_is_started_again_then_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(calls, "MOST_LOST_IN_A_ROW", 2)
    found = audit(f"{FILE}:Hangs", tmp_path, timeout=0.3, canaries=8, probes=("direct", "paraphrase"))
    assert found.behaviour.hung >= 2
    assert found.behaviour.unasked > 0
    assert any("ended early" in note for note in found.notes)
    assert found.verdict.kind == "cannot-tell"


def test_a_hang_now_and_then_costs_one_answer(tmp_path):
    agent = tmp_path / "one.py"
    agent.write_text(
        f"import sys; sys.path.insert(0, {str(FILE.parent)!r})\n"
        "import time, made_note_agents\n"
        "class Agent(made_note_agents.Pretends):\n"
        "    def ask(self, prompt, session=None):\n"
        "        if prompt.startswith('Summarise') and len(self.items) > 100:\n"
        "            time.sleep(1000)\n"
        "        return super().ask(prompt, session)\n"
    )
    found = audit(f"{agent}:Agent", tmp_path / "run", timeout=0.4, canaries=8)
    quiet = audit(f"{FILE}:Pretends", tmp_path / "quiet", canaries=8)
    assert found.behaviour.hung == 0
    assert found.rate("after").hits == quiet.rate("after").hits


def test_answers_that_differ_are_counted(tmp_path):
    found = audit(made_note_agents.Wavers(), tmp_path)
    assert found.behaviour.otherwise == found.behaviour.repeated > 0


def test_another_language_hides_nothing(tmp_path):
    found = audit(made_note_agents.French(), tmp_path)
    assert found.verdict.kind == "leak"
    assert found.rate("after").share == 1


class Counts(made_note_agents.Notes):
    """Counts the questions to all of its kind."""

    asked = 0

    def ask(self, prompt, session=None):
        Counts.asked += 1
        return super().ask(prompt, session)


def questions_of(folder, **options):
    """The findings of an audit, and how many questions it asked."""
    before = Counts.asked
    found = audit(Counts, folder, **options)
    return found, Counts.asked - before


class Interrupted(Silent):
    """Interrupts an audit once so many prompts are done."""

    def __init__(self, after):
        self._after = after

    def stage(self, name, total):
        def show(done):
            if done == self._after:
                raise KeyboardInterrupt

        return show


def without_times(document):
    """The figures that no clock has a part in."""
    return {
        **document,
        "behaviour": {**document["behaviour"], "seconds": 0},
        "traces": [
            {k: v for k, v in of.items() if k != "adjusted"} for of in document["traces"] if of["name"] != "latency"
        ],
    }


@pytest.mark.parametrize("share", [0.3, 0.97])
@pytest.mark.parametrize("unchanged", [True, False])
def test_an_interrupted_audit_goes_on_and_finds_the_same(tmp_path, monkeypatch, share, unchanged):
    monkeypatch.setattr(Counts, "asking_changes_nothing", unchanged)
    found, whole = questions_of(tmp_path / "whole")
    before = Counts.asked
    with pytest.raises(KeyboardInterrupt):
        audit(Counts, tmp_path / "cut", progress=Interrupted(int(share * found.behaviour.prompts)))
    first = Counts.asked - before
    again, rest = questions_of(tmp_path / "cut")
    assert without_times(again.document()) == without_times(found.document())
    assert not list((tmp_path / "cut").glob(".answers*"))
    if unchanged:
        assert rest == whole - first
    else:
        assert (rest < whole) == (share > 0.27)  # the first episode was finished then


def test_a_cut_line_of_the_journal_is_asked_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        audit(Counts, tmp_path, progress=Interrupted(400))
    journal = tmp_path / ".answers.part"
    journal.write_bytes(journal.read_bytes()[:-7])
    found, rest = questions_of(tmp_path)
    assert found.verdict.kind == "none-found"
    assert rest > 0


def test_the_publishable_files_hold_no_answer_and_nobody(tmp_path):
    found = audit(made_note_agents.Pretends(), tmp_path)
    names = [name for of in Facts.draw(0, 24).canaries for name in (*of.person.split(), of.value)]
    for file in ("report.html", "report.md", "findings.json"):
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert [name for name in names if name in text] == []
    private = (tmp_path / "private-report.html").read_text(encoding="utf-8")
    assert any(name in private for name in names)
    assert json.loads((tmp_path / "findings.json").read_text())["verdict"]["kind"] == found.verdict.kind


class Hostile(made_note_agents.Pretends):
    """Answers with markup, formats and escapes of terminals."""

    def ask(self, prompt, session=None):
        return f"{super().ask(prompt, session)} <script>alert(1)</script> {{{{7*7}}}} %s {{0}} \x1b[2J \u202e"

    def delete(self, person):
        return "<img src=x onerror=alert(1)>\x1b]0;title\x07"


def test_what_an_agent_says_is_only_text(tmp_path):
    audit(Hostile(), tmp_path)
    for file in tmp_path.glob("*.html"):
        page = file.read_text(encoding="utf-8")
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
    assert "{{7*7}}" in (tmp_path / "private-report.html").read_text(encoding="utf-8")


def test_another_seed_is_another_audit(tmp_path):
    audit(made_note_agents.Notes, tmp_path)
    with pytest.raises(AuditError, match="seed"):
        audit(made_note_agents.Notes, tmp_path, seed=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"canaries": 3}, "too few"),
        ({"options": 1}, "at least 2"),
        ({"cycles": -1}, "cycles is -1"),
        ({"timeout": 0}, "timeout is 0"),
        ({"probes": ["dirct"]}, "direct"),
    ],
)
def test_impossible_settings_are_one_sentence(tmp_path, options, sentence):
    with pytest.raises(AuditError, match=sentence):
        audit(made_note_agents.Notes(), tmp_path, **options)


def test_votes_do_not_depend_on_the_values():
    facts = Facts.draw(3, 8, 4)
    of = facts.canaries[0]
    a, b, c = facts.options[of.attribute][:3]
    readings = [{of.number: frozenset([b])}, {of.number: frozenset([a, c])}, {of.number: frozenset()}]
    assert combined(facts, readings)[of.number] == {b}
    assert combined(facts.with_drawn_values(np.random.default_rng(9)), readings) == combined(facts, readings)
    tie = [{of.number: frozenset([c])}, {of.number: frozenset([a])}]
    assert combined(facts, tie)[of.number] == {a}


def test_ids_in_the_order_of_ingestion_betray_the_places_of_the_deleted():
    facts = Facts.draw(5, 40)
    ids, number = {}, 0
    for of in places(facts, 5):
        if not isinstance(of, tuple):
            number += of.ingested
            continue
        number += 1
        ids[of[0].text] = number
    apart = gaps(facts, 5, ids)
    plain = [of for of in facts.audited if of.number in apart]
    assert np.mean([apart[of.number] for of in plain if of.ingested]) > np.mean(
        [apart[of.number] for of in plain if not of.ingested]
    )


def test_no_trace_without_answers_after_the_deletion():
    assert traces(Facts.draw(0, 8), PROBES, Heard(), 0) == []


def test_stored_values_count_only_next_to_the_person(tmp_path):
    class Backup(made_note_agents.Notes):
        """Deletes, but keeps a copy under a person's name, and other values about nobody."""

        def delete(self, person):
            super().delete(person)

        def memory_dump(self):
            return [{"text": text} for text, _ in self.items if "known for" in text]

    found = audit(Backup(), tmp_path)
    assert found.rate("after", probe=STORED).hits == 0
    assert found.rate("before", probe=STORED).hits == 0


def test_every_group_and_phase_has_a_rate(tmp_path):
    found = audit(made_note_agents.Notes(), tmp_path)
    facts = Facts.draw(0, 24)
    for phase in (Phase("before"), Phase("after", memory=False), Phase("cycled")):
        for group, members in groups(facts).items():
            rate = found.rate(phase.name, phase.memory, group, COMBINED)
            assert rate is not None or not members
    assert Assessment(facts, PROBES, Heard(), 0).receipt().asked == 0
