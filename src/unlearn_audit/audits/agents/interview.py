"""Leads an agent through the phases of an audit: what it is given, told to delete, and asked.

Two episodes, each from a reset: in ``retrained`` the agent never ingests the audited facts, like a model retrained
without them; in ``deleted`` it ingests those whose coin says so, and is told to delete them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from unlearn_audit.agents import Agent, Document, Failure
from unlearn_audit.audits.agents.facts import Canary, Facts
from unlearn_audit.audits.agents.heard import Event, Heard, Reply
from unlearn_audit.audits.agents.journal import Journal
from unlearn_audit.audits.agents.order import deleted, drawn, places, unrelated
from unlearn_audit.audits.agents.phases import Phase
from unlearn_audit.audits.agents.probes import Probe, Prompt, prompts_of
from unlearn_audit.audits.agents.probes.log_probabilities import Continuations, continuations
from unlearn_audit.errors import AuditError

EPISODES = ("retrained", "deleted")

MOST_FAILURES = 5
"""Calls that may hang or end the agent; then an episode asks nothing more."""

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
    """

    probes: Mapping[str, Probe]
    cycles: int
    samples: int
    seed: int


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
    """

    def __init__(
        self, agent: Agent, facts: Facts, settings: Settings, journal: Journal, show: Callable[[], None]
    ) -> None:
        self._agent, self._facts, self._settings, self._journal, self._show = agent, facts, settings, journal, show
        self._episode, self._done, self._failures = "", list[Callable[[], object]](), 0
        self._stopped: str | None = None
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
            If the agent cannot be reset, or cannot ingest a document.
        """
        for episode in EPISODES:
            if self._journal.ended(episode):
                continue
            self._episode, self._done, self._failures, self._stopped = episode, [], 0, None
            if episode == "retrained":
                self._retrained()
            else:
                self._deleted(recovered)
            if self._stopped is not None:
                self._add({"what": "stopped", "why": self._stopped})
            self._add({"what": "end"})
        return self.heard

    def _retrained(self) -> None:
        """Ask an agent that knows nothing, then one that was given everything but the audited facts."""
        facts, seed = self._facts, self._settings.seed
        self._begin()
        self._ask_all(Phase("empty"), self._prompts(SHORT))
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
        self._begin()
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
        self._ask_all(Phase("reingested"), self._prompts((*SHORT, "about")))
        # last of all: whom it asks about depends on the values, on which nothing that is judged may depend
        self._sample(recovered(self.heard))

    def _begin(self) -> None:
        """Reset the agent, which an earlier episode may have left without life."""
        try:
            self._agent.reset()
        except Failure as failure:
            if not failure.ended or not self._agent.restart():
                raise AuditError(f"{self._agent.where} cannot be reset: {failure}") from failure
        else:
            self._done.append(self._agent.reset)
            return
        self._state(self._agent.reset, "reset")

    def _phases(self, name: str) -> list[Phase]:
        return [Phase(name, memory) for memory in ((True, False) if "set_memory" in self._agent.offers else (True,))]

    def _prompts(self, names: Iterable[str] | None = None) -> list[tuple[str, Prompt]]:
        """Return the prompts of some probes, by default of all, each with the name of its probe."""
        return [
            (name, prompt)
            for name in names or self._settings.probes
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
        if not self._switch(phase):
            return
        for name, prompt in drawn(prompts, self._settings.seed, f"prompts of {phase.key}"):
            self._keep_reply("reply", phase, name, prompt)
        if "log_probabilities" in self._agent.offers and phase.name not in ("empty", "reingested"):
            for of in continuations(self._facts):
                self._score(phase, of)
        if not phase.memory:
            self._switch(Phase(phase.name))

    def _switch(self, phase: Phase) -> bool:
        """Switch the memory as a phase has it."""
        if "set_memory" in self._agent.offers:
            self._state(partial(self._agent.set_memory, phase.memory), "switch its memory")
        return self._stopped is None

    def _repeat(self) -> None:
        phase = Phase("before")
        for name, prompt in drawn(self._prompts(SHORT), self._settings.seed, "repeated")[:REPEATED]:
            self._keep_reply("repeat", phase, name, prompt)

    def _keep_reply(self, what: str, phase: Phase, probe: str, prompt: Prompt) -> None:
        known = self._journal.known(self._episode, (what, phase.name, phase.memory, probe, prompt.key))
        if known is None:
            reply = self._reply(prompt.turns, f"{phase.key}-{what}-{probe}-{prompt.key}")
            where = {"phase": phase.name, "memory": phase.memory, "probe": probe, "key": prompt.key}
            known = {"what": what, **where, **vars(reply)}
        self._add(known)
        self._show()

    def _reply(self, turns: Sequence[str], about: str) -> Reply:
        """Ask the turns of a conversation."""
        if self._stopped is not None:
            return Reply((), 0.0, "unasked")
        session = session_id(self._settings.seed, f"{self._episode}-{about}")
        began, texts = time.perf_counter(), []
        try:
            for turn in turns:
                texts.append(self._agent.ask(turn, session if len(turns) > 1 else None).text)
        except Failure as failure:
            seconds = time.perf_counter() - began
            self._recover(failure)
            return Reply((), seconds, failure.what)
        return Reply(tuple(texts), time.perf_counter() - began)

    def _score(self, phase: Phase, of: Continuations) -> None:
        known = self._journal.known(self._episode, ("log-probabilities", phase.name, phase.memory, None, of.canary))
        if known is None and self._stopped is None:
            try:
                values = list(self._agent.log_probabilities(of.prompt, of.continuations))
            except Failure as failure:
                self._recover(failure)
                return
            known = {
                "what": "log-probabilities",
                "phase": phase.name,
                "memory": phase.memory,
                "canary": of.canary,
                "values": values,
            }
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
                reply = self._reply(prompts[canary.number].turns, f"sample-{canary.number}-{number}")
                if reply.failure is None:
                    self._add({"what": "sample", "canary": canary.number, "text": reply.text})

    def _ingest(self, documents: Iterable[tuple[Document, bool]]) -> None:
        for document, train in documents:
            self._state(partial(self._agent.ingest, document, train), "ingest a document")

    def _cycle(self, times: int) -> bool:
        """Let summaries and consolidation run, and return whether the agent offers that."""
        if "cycle" not in self._agent.offers or not times:
            return False
        for _ in range(times):
            self._state(self._agent.cycle, "run a cycle")
        return self._stopped is None

    def _delete(self, person: str) -> None:
        if self._stopped is not None:
            self._add({"what": "claim", "person": person, "claimed": None, "said": "not asked"})
            return
        call = partial(self._agent.delete, person)
        try:
            said = call()
        except Failure as failure:
            self._recover(failure)
            self._add({"what": "claim", "person": person, "claimed": None, "said": str(failure)})
            return
        self._done.append(call)
        text = said if isinstance(said, str) else ""
        self._add({"what": "claim", "person": person, "claimed": said is not False, "said": text})

    def _dump(self, moment: str) -> None:
        if "memory_dump" not in self._agent.offers or self._stopped is not None:
            return
        try:
            items = self._agent.memory_dump()
        except Failure as failure:
            self._recover(failure)
            return
        self._add({"what": "dump", "phase": moment, "items": [[of.text, of.id, of.person] for of in items]})

    def _state(self, call: Callable[[], object], doing: str) -> None:
        """Make a call that changes the agent's state, and remember it for a restart.

        Raises
        ------
        AuditError
            If the call fails: an agent in an unknown state cannot be audited.
        """
        if self._stopped is not None:
            return
        try:
            call()
        except Failure as failure:
            raise AuditError(f"{self._agent.where} could not {doing}: {failure}") from failure
        self._done.append(call)

    def _recover(self, failure: Failure) -> None:
        """Bring a lost agent back to where it was, or ask nothing more in this episode."""
        if failure.what == "raised":
            return
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self._stopped = f"{self._failures} calls failed; of the last: {failure}"
        elif failure.ended:
            self._restart(failure)

    def _restart(self, failure: Failure) -> None:
        """Start an agent anew, and repeat all calls that changed its state."""
        try:
            if not self._agent.restart():
                self._stopped = f"the agent cannot be started again after this: {failure}"
                return
        except Failure as another:
            self._stopped = f"the agent did not start again: {another}"
            return
        done, self._done = self._done, []
        for call in done:
            self._state(call, "repeat what it was told before it was started again")

    def _add(self, event: Event) -> None:
        event = {**event, "episode": self._episode}
        self._journal.add(event)
        self.heard.add(event)


def session_id(seed: int, about: str) -> str:
    """Return what a conversation is called: an agent must not read from it when it is asked, or why.

    Examples
    --------
    >>> len(session_id(0, "deleted-after")), session_id(0, "a") == session_id(1, "a")
    (32, False)
    """
    return sha256(f"{seed} {about}".encode()).hexdigest()[:32]


def n_prompts(facts: Facts, settings: Settings, offers: Iterable[str]) -> int:
    """Return how many prompts an audit asks, but for those that depend on answers."""
    offered = set(offers)
    counts = {name: len(prompts_of(probe, facts, settings.seed)) for name, probe in settings.probes.items()}
    every, about = sum(counts.values()), counts.get("about", 0)
    short = sum(counts.get(name, 0) for name in SHORT)
    moments = 4 if "cycle" in offered and settings.cycles else 3
    both = 2 if "set_memory" in offered else 1
    return every * moments * both + short + min(REPEATED, short) + short + about
