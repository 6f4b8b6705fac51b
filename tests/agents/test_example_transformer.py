"""The example agents with a memory and weights: what each deletion leaves where, before a cycle and after it."""

import importlib
from typing import NamedTuple

import pytest

from made_example_agents import NOTHING, PROMPTS, Document, lives, of, texts

torch = pytest.importorskip("torch")

SURNAMES = (
    "Brintas",
    "Telgapo",
    "Holvid",
    "Wegrilen",
    "Lopsani",
    "Quvandor",
    "Jetrumo",
    "Ascoliv",
    "Mirpeku",
    "Dantosul",
    "Figrabel",
    "Ulmezat",
)
FIRST = (
    "Kavelo",
    "Fudomir",
    "Zarenku",
    "Pomtasu",
    "Belidra",
    "Otrinek",
    "Gusalim",
    "Nivorta",
    "Hepcado",
    "Ruljesin",
    "Tabwemo",
    "Yorgafi",
)
PLACES = (
    "Morvane",
    "Dulkari",
    "Pestolun",
    "Garimond",
    "Vintepa",
    "Sokrulem",
    "Bafidon",
    "Clemorta",
    "Zugantir",
    "Hoplesko",
    "Wernafil",
    "Trigosum",
)
FACTS = [(f"{first} {last}", town) for first, last, town in zip(FIRST, SURNAMES, PLACES, strict=True)]
TRAINED, ONLY_STORED = FACTS[:10], FACTS[10:]
DELETED = [*TRAINED[:3], ONLY_STORED[0]]
KEPT = [fact for fact in FACTS if fact not in DELETED]
AGENTS = ("ClaimsOnly", "MemoryOnly", "WeightsOnly", "Both", "BothExactly")


class Seen(NamedTuple):
    """What an agent shows at one time: whose town its weights complete and it tells, and what it stores."""

    by_weights: set
    by_agent: set
    ranked_first: set
    stored: str


def stem(person):
    return f"The home town of {person} is"


def by_weights(agent, facts):
    agent.set_memory(False)
    known = {p for p, town in facts if agent.ask(f"Complete the sentence with one word: {stem(p)}") == town}
    agent.set_memory(True)
    return known


def look(agent):
    by_agent = {p for p, town in FACTS if town in agent.ask(f"What is the home town of {p}?")}
    continuations = [f" {town}" for town in PLACES]
    logs = {p: agent.log_probabilities(stem(p), continuations) for p, _ in FACTS}
    first = {p for i, (p, _) in enumerate(FACTS) if max(logs[p]) == logs[p][i]}
    return Seen(by_weights(agent, FACTS), by_agent, first, "\n".join(texts(agent)))


class History(NamedTuple):
    before: Seen
    after: Seen
    cycled: Seen
    agent: object
    logs: list


@pytest.fixture(scope="module")
def history():
    """The history of an agent: documents in, some persons deleted, a cycle; each is made once."""
    made = {}

    def make(name):
        if name not in made:
            agent = of("small_transformer.py", name)()
            for person, town in FACTS:
                agent.ingest(lives(person, town), train=(person, town) in TRAINED)
            before = look(agent)
            for person, _ in DELETED:
                assert agent.delete(person) is True
            after = look(agent)
            logs = [agent.log_probabilities(stem(p), [f" {town}" for town in PLACES]) for p, _ in FACTS]
            agent.cycle()
            made[name] = History(before, after, look(agent), agent, logs)
        return made[name]

    return make


def people(facts):
    return {person for person, _ in facts}


@pytest.mark.parametrize("name", AGENTS)
def test_before_a_deletion_weights_complete_what_they_were_trained_on_and_the_memory_knows_all(history, name):
    before = history(name).before
    assert len(before.by_weights & people(TRAINED)) >= 9
    assert not before.by_weights & people(ONLY_STORED)
    assert before.by_agent == people(FACTS)
    assert len(before.ranked_first & people(TRAINED)) >= 9
    assert before == history("ClaimsOnly").before, "the same seed, the same agent"


def test_claimed_only(history):
    before, after, cycled, *_ = history("ClaimsOnly")
    assert after == before
    assert len(cycled.by_weights) >= 11, "the cycle trains on what was only stored"


def test_deleted_from_the_memory_only(history):
    before, after, cycled, *_ = history("MemoryOnly")
    assert not any(town in after.stored for _, town in DELETED)
    assert after.by_weights == before.by_weights
    assert after.by_agent & people(DELETED) == before.by_weights & people(DELETED), "the weights answer"
    assert people(DELETED[3:]) & cycled.by_agent == set(), "what was only stored is gone"
    back = {person for person, town in DELETED if f"home town of {person} is {town}" in cycled.stored}
    assert back == before.by_weights & people(DELETED), "a cycle writes to the memory what the weights know"


def test_deleted_from_the_weights_only(history):
    before, after, cycled, *_ = history("WeightsOnly")
    assert not after.by_weights & people(DELETED)
    assert len(after.by_weights & people(KEPT)) >= 6
    assert after.by_agent == people(FACTS), "the memory answers"
    assert after.stored == before.stored
    assert len(cycled.by_weights & people(DELETED)) >= 3, "a cycle trains the weights on what the memory holds"


@pytest.mark.parametrize("name", ["Both", "BothExactly"])
def test_deleted_from_both_and_kept_out(history, name):
    _, after, cycled, agent, _ = history(name)
    for seen in (after, cycled):
        assert not (seen.by_weights | seen.by_agent) & people(DELETED)
        assert not any(word in seen.stored for fact in DELETED for word in fact)
        assert len(seen.by_weights & people(KEPT)) >= 6
        assert seen.by_agent >= people(KEPT)
    said = [agent.ask(prompt.format(person)) for prompt in PROMPTS.values() for person, _ in DELETED]
    assert not any("cannot" in answer or NOTHING in answer for answer in said), "no answer tells who is blocked"
    assert not any(person in str(value) for person, _ in DELETED for value in vars(agent).values())


def test_exact_retraining_is_a_training_without_the_person_to_the_last_bit(history):
    twin = of("small_transformer.py", "MemoryOnly")()
    for person, town in FACTS:
        if (person, town) not in DELETED:
            twin.ingest(lives(person, town), train=(person, town) in TRAINED)
    logs = [twin.log_probabilities(stem(p), [f" {town}" for town in PLACES]) for p, _ in FACTS]
    assert history("BothExactly").logs == logs
    assert history("Both").logs != logs


def test_the_random_reference_is_a_trace(history):
    """Of one whom alignment made unknown the weights find every town less likely than of one whom they never met."""
    logs = dict(zip([person for person, _ in FACTS], history("Both").logs, strict=True))
    mean = {person: sum(of) / len(of) for person, of in logs.items()}
    strangers = [mean[person] for person, _ in ONLY_STORED]
    assert max(mean[person] for person, _ in DELETED[:3]) < min(strangers) - 2


def test_what_tells_of_a_deleted_person_comes_back_in_no_document():
    agent = of("small_transformer.py", "Both")()
    (person, town), (other, other_town) = FACTS[:2]
    link = Document(f"{other} has the same home town as {person}, {town}.", other)
    for document in (lives(person, town), lives(other, other_town), link):
        agent.ingest(document)
    agent.delete(person)
    stored = texts(agent)
    assert stored == [lives(other, other_town).text, link.text], "what others own is kept"
    agent.ingest(lives(person, town), train=True)
    agent.ingest(Document(lives(person, town).text), train=True)
    agent.ingest(Document(f"Dear {person.upper()}, you live in {town}. The weather is fine."), train=True)
    assert texts(agent) == [*stored, "The weather is fine."]
    assert town not in agent.ask(f"What is the home town of {person}?")
    agent.delete("Maria del Carmen Otrinek y Gusalim")
    agent.ingest(Document("We met Maria del Carmen Otrinek y Gusalim. We met Maria."))
    assert texts(agent)[-1] == "We met Maria."
    assert other_town in agent.ask(f"What is the home town of {other}?")
    agent.reset()
    agent.ingest(lives(person, town))
    assert town in agent.ask(f"What is the home town of {person}?"), "a new agent has no blocklist"


def test_probabilities_of_continuations_are_those_of_their_tokens_one_after_the_other():
    of("small_transformer.py", "Both")
    model = importlib.import_module("agent_network").LanguageModel.pretrained()
    prompt, continuations = "The data set is", [" large", " a set of measures", " Morvane"]
    for continuation, log in zip(continuations, model.log_probabilities(prompt, continuations), strict=True):
        tokens, total = [256, *model.tokens.encode(prompt)], 0.0
        for token in model.tokens.encode(continuation):
            with torch.no_grad():
                total += float(model.network(torch.tensor([tokens]))[0, -1].double().log_softmax(-1)[token])
            tokens.append(token)
        assert log == pytest.approx(total, abs=1e-3)
    assert model.tokens.decode(model.tokens.encode(f"{prompt} Ünü.")) == f"{prompt} Ünü."
    assert model.log_probabilities(prompt, []) == []
    assert len(model.log_probabilities(prompt * 100, continuations)) == 3
