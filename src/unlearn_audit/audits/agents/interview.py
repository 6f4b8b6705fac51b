"""Leads an agent through the phases of an audit: what it is given, told to delete, and asked.

Two episodes, each from a reset: in ``retrained`` the agent never ingests the audited facts, like a model retrained
without them; in ``deleted`` it ingests those whose coin says so, and is told to delete them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from unlearn_audit.agents import Agent, Answer, Document, Failure
from unlearn_audit.audits.agents.calls import Calls
from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Event, Heard, Reply
from unlearn_audit.audits.agents.journal import Journal
from unlearn_audit.audits.agents.order import deleted, drawn, places, unrelated
from unlearn_audit.audits.agents.phases import BOTH, Phase
from unlearn_audit.audits.agents.probes import Probe, Prompt, prompts_of
from unlearn_audit.audits.agents.probes.log_probabilities import Continuations, continuations, of_answer

EPISODES = ("retrained", "deleted")

REPEATED = 20
"""Prompts that are asked once more before the deletion, to see whether the agent repeats itself."""

SHORT = ("direct", "choice")
"""Probes of phases in which not everything is asked."""


@dataclass(frozen=True)
class Settings:
    """How an agent is audited.

    Attributes
    ----------
    probes
        By name.
    cycles
        How often summaries and consolidation run after the deletion.
    samples
        More answers for each fact that was recovered after its deletion.
    seed
        Of orders.
    time_limit
        Seconds that all calls may take together.
    """

    probes: Mapping[str, Probe]
    cycles: int
    samples: int
    seed: int
    time_limit: float = 86_400.0


class Interview:
    """One audit's conversation with an agent.

    Parameters
    ----------
    agent
        The agent.
    facts
        What it is given.
    settings
        How it is asked.
    journal
        Keeps what is answered.
    show
        Told of each prompt that is done.
    say
        Shows a line to whoever runs the audit.
    """

    def __init__(
        self,
        agent: Agent,
        facts: Facts,
        settings: Settings,
        journal: Journal,
        show: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._agent, self._facts, self._settings, self._journal, self._show = agent, facts, settings, journal, show
        self._deadline, self._say = time.monotonic() + settings.time_limit, say
        self._start("")
        self.heard = Heard.of(journal.events)

    def run(self, recovered: Callable[[Heard], Sequence[Canary]]) -> Heard:
        """Ask all that has not been asked yet.

        Parameters
        ----------
        recovered
            Returns the facts that answers after the deletion still hold, which are then asked more often.

        Raises
        ------
        AuditError
            If the agent cannot be reset, or cannot ingest a document before it was asked anything.
        """
        for episode in EPISODES:
            if self._journal.ended(episode):
                continue
            self._start(episode)
            if episode == "retrained":
                self._retrained()
            else:
                self._deleted(recovered)
            self._add({"what": "end"})
        return self.heard

    def _start(self, episode: str) -> None:
        self._episode = episode
        self._calls = Calls(self._agent, self._add, self._say, self._deadline, self._settings.time_limit)

    def _retrained(self) -> None:
        """Ask an agent that knows nothing, then one that was given everything but the audited facts."""
        facts, seed = self._facts, self._settings.seed
        self._calls.begin()
        self._ask_all(Phase("empty"), self._prompts(asked_at("empty", self._settings.probes)))
        self._ingest(of for of in places(facts, seed) if not isinstance(of, Canary))
        self._cycle(1)
        for phase in self._phases("retrained"):
            self._ask_all(phase, self._prompts())
        self._dump("retrained")
        # as many documents about nobody that is asked about: what they add to the store is no residue
        self._ingest([(document, False) for document in unrelated(facts, seed, len(deleted(facts)))])
        self._dump("unrelated")

    def _deleted(self, recovered: Callable[[Heard], Sequence[Canary]]) -> None:
        """Ask before and after a deletion, after consolidation, and once derived documents came back."""
        facts, seed = self._facts, self._settings.seed
        self._calls.begin()
        for of in places(facts, seed):
            if not isinstance(of, Canary):
                self._ingest([of])
            elif of.ingested:
                self._ingest([(facts.canary_document(of), of.trained)])
        self._cycle(1)
        for phase in self._phases("before"):
            self._ask_all(phase, self._prompts())
        self._repeat()
        self._dump("before")
        for canary in drawn(deleted(facts), seed, "deletion"):
            self._delete(canary.person)
        for phase in self._phases("after"):
            self._ask_all(phase, self._prompts())
        self._dump("after")
        if self._cycle(self._settings.cycles):
            for phase in self._phases("cycled"):
                self._ask_all(phase, self._prompts())
            self._dump("cycled")
        self._ingest([(document, False) for document in self._derived()])
        self._ask_all(Phase("reingested"), self._prompts(asked_at("reingested", self._settings.probes)))
        # last of all: whom it asks about depends on the values, on which nothing that is judged may depend
        self._sample(recovered(self.heard))

    def _phases(self, name: str) -> list[Phase]:
        return [Phase(name, memory) for memory in (BOTH if "set_memory" in self._agent.offers else BOTH[:1])]

    def _prompts(self, names: Iterable[str] | None = None) -> list[tuple[str, Prompt]]:
        """Return the prompts of some probes, by default of all, each with the name of its probe."""
        return [
            (name, prompt)
            for name in (self._settings.probes if names is None else names)
            if name in self._settings.probes
            for prompt in prompts_of(self._settings.probes[name], self._facts, self._settings.seed)
        ]

    def _derived(self) -> list[Document]:
        """Return what the agent itself wrote about the deleted persons before the deletion."""
        texts = self.heard.of_probe(Phase("before"), "summary")
        numbers = {canary.number for canary in deleted(self._facts)}
        written = [texts.get(prompt.key) for _, prompt in self._prompts(("summary",)) if prompt.canary in numbers]
        return [Document(of[-1], None) for of in written if of and of[-1].strip()]

    def _ask_all(self, phase: Phase, prompts: Sequence[tuple[str, Prompt]]) -> None:
        """Ask the prompts of a phase, in an order of its own, and then for probabilities where they are offered."""
        self._calls.moment = phase.name
        if not self._switch(phase):
            return
        for name, prompt in drawn(prompts, self._settings.seed, f"prompts of {phase.key}"):
            self._keep_reply("reply", phase, name, prompt)
        if "log_probabilities" in self._agent.offers and _is_scored(phase):
            for of in continuations(self._facts):
                self._score(phase, of)
        if not phase.memory:
            self._switch(Phase(phase.name))

    def _switch(self, phase: Phase) -> bool:
        """Switch the memory as a phase has it."""
        if "set_memory" in self._agent.offers:
            self._calls.change("set_memory", partial(self._agent.set_memory, phase.memory))
        return not self._calls.stopped

    def _repeat(self) -> None:
        phase = Phase("before")
        for name, prompt in drawn(self._prompts(SHORT), self._settings.seed, "repeated")[:REPEATED]:
            self._keep_reply("repeat", phase, name, prompt)

    def _keep_reply(self, what: str, phase: Phase, probe: str, prompt: Prompt) -> None:
        where = {"phase": phase.name, "memory": phase.memory}
        known = self._journal.known(self._episode, (what, phase.name, phase.memory, probe, prompt.key))
        scored = None
        if known is None:
            reply, last = self._reply(prompt.turns, f"{phase.key}-{what}-{probe}-{prompt.key}")
            known = {"what": what, **where, "probe": probe, "key": prompt.key, **vars(reply)}
            if last is not None and what == "reply" and probe == "choice":
                scored = self._scored(phase, prompt, last)
        elif what == "reply" and probe == "choice":
            scored = self._journal.known(self._episode, ("log-probabilities", *where.values(), None, prompt.canary))
        self._add(known)
        if scored is not None:
            self._add(scored)
        self._show()

    def _reply(self, turns: Sequence[str], about: str) -> tuple[Reply, Answer | None]:
        """Ask the turns of a conversation, and return the last answer too, as it came."""
        if self._calls.stopped:
            return Reply((), 0.0, "unasked"), None
        session = session_id(self._settings.seed, f"{self._episode}-{about}") if len(turns) > 1 else None
        began, answers = time.perf_counter(), list[Answer]()
        try:
            self._calls.ask(lambda: answers.extend(self._agent.ask(turn, session) for turn in turns))
        except Failure as failure:
            return Reply((), time.perf_counter() - began, failure.what), None
        return Reply(tuple(answer.text for answer in answers), time.perf_counter() - began), answers[-1]

    def _scored(self, phase: Phase, prompt: Prompt, answer: Answer) -> Event | None:
        """Return the log-probabilities that an answer came with, where the agent gives them in no other way."""
        if "log_probabilities" in self._agent.offers or not _is_scored(phase):
            return None
        if answer.log_probabilities is None or prompt.canary is None:
            return None
        options = self._facts.options[self._facts.canaries[prompt.canary].attribute]
        values = of_answer(answer.log_probabilities, options)
        return None if values is None else _score_event(phase, prompt.canary, values)

    def _score(self, phase: Phase, of: Continuations) -> None:
        known = self._journal.known(self._episode, ("log-probabilities", phase.name, phase.memory, None, of.canary))
        if known is None and not self._calls.stopped:
            call = partial(self._agent.log_probabilities, of.prompt, of.continuations)
            values = self._calls.look("log_probabilities", call)
            known = None if values is None else _score_event(phase, of.canary, values)
        if known is not None:
            self._add(known)

    def _sample(self, canaries: Sequence[Canary]) -> None:
        """Ask about facts that were recovered more often."""
        if not self._switch(Phase("after")):
            return
        direct = self._settings.probes.get("direct")
        if direct is None:
            return
        prompts = {prompt.canary: prompt for prompt in prompts_of(direct, self._facts, self._settings.seed)}
        for canary in canaries:
            for number in range(self._settings.samples):
                reply, _ = self._reply(prompts[canary.number].turns, f"sample-{canary.number}-{number}")
                if reply.failure is None:
                    self._add({"what": "sample", "canary": canary.number, "text": reply.text})

    def _ingest(self, documents: Iterable[tuple[Document, bool]]) -> None:
        for document, train in documents:
            self._calls.change("ingest", partial(self._agent.ingest, document, train))

    def _cycle(self, times: int) -> bool:
        """Let summaries and consolidation run, and return whether the agent offers that."""
        if "cycle" not in self._agent.offers or not times:
            return False
        for _ in range(times):
            self._calls.change("cycle", self._agent.cycle)
        return not self._calls.stopped

    def _delete(self, person: str) -> None:
        if self._calls.stopped:
            self._add({"what": "claim", "person": person, "claimed": None, "said": "not asked"})
            return
        try:
            said = self._calls.delete(partial(self._agent.delete, person))
        except Failure as failure:
            claim = {"what": "claim", "person": person, "claimed": None}
            self._add({**claim, "said": f"the call failed ({failure.what})", "why": str(failure)})
            return
        text = said if isinstance(said, str) else ""
        self._add({"what": "claim", "person": person, "claimed": said is not False, "said": text})

    def _dump(self, moment: str) -> None:
        if "memory_dump" not in self._agent.offers or self._calls.stopped:
            return
        self._calls.moment = moment
        items = self._calls.look("memory_dump", self._agent.memory_dump)
        if items is not None:
            self._add({"what": "dump", "phase": moment, "items": [[of.text, of.id, of.person] for of in items]})

    def _add(self, event: Event) -> None:
        event = {**event, "episode": self._episode}
        self._journal.add(event)
        self.heard.add(event)


def _is_scored(phase: Phase) -> bool:
    return phase.name not in ("empty", "reingested")


def _score_event(phase: Phase, canary: int, values: Sequence[float]) -> Event:
    where = {"phase": phase.name, "memory": phase.memory, "canary": canary}
    return {"what": "log-probabilities", **where, "values": list(values)}


def session_id(seed: int, about: str) -> str:
    """Return what a conversation is called: an agent must not read from it when it is asked, or why.

    Examples
    --------
    >>> len(session_id(0, "deleted-after")), session_id(0, "a") == session_id(1, "a")
    (32, False)
    """
    return sha256(f"{seed} {about}".encode()).hexdigest()[:32]


def asked_at(moment: str, probes: Collection[str]) -> list[str]:
    """Return the names of the probes that are used at a moment at which not all are.

    Examples
    --------
    >>> asked_at("reingested", ["direct", "about", "hop"]), asked_at("empty", ["hop"]), asked_at("reingested", ["hop"])
    (['direct', 'about'], ['hop'], [])
    """
    used = [name for name in (*SHORT, *(("about",) if moment == "reingested" else ())) if name in probes]
    # what the agent knows by itself is asked in any case
    return used or ([*probes][:1] if moment == "empty" else [])


def n_prompts(facts: Facts, settings: Settings, offers: Iterable[str]) -> int:
    """Return how many prompts an audit asks, but for those that depend on answers."""
    offered = set(offers)
    counts = {name: len(prompts_of(probe, facts, settings.seed)) for name, probe in settings.probes.items()}
    once = sum(counts[name] for moment in ("empty", "reingested") for name in asked_at(moment, counts))
    moments = 4 if "cycle" in offered and settings.cycles else 3
    both = 2 if "set_memory" in offered else 1
    repeated = min(REPEATED, sum(counts.get(name, 0) for name in SHORT))
    return sum(counts.values()) * moments * both + once + repeated
