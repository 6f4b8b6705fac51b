"""What the tests of the example agents share: documents about invented persons, and forms of questions."""

from pathlib import Path
from typing import NamedTuple

from unlearn_audit.utils.doors import Door

FOLDER = Path(__file__).parents[1] / "examples" / "agents"
NOTHING = "I have nothing on file about that."
KNOWN_FOR = {"Morvane": "Abrifel", "Dulkari": "Cotrune", "Pestolun": "Ewolap", "Garimond": "Ibasdir"}
TOWNS = tuple(KNOWN_FOR)
REFUSAL = "I cannot discuss that person."


class Document(NamedTuple):
    text: str
    person: str | None = None


def of(file, name):
    """A class of an example, loaded as the audit loads it."""
    return Door.of("agent", f"{FOLDER / file}:{name}").open()


def lives(person, town):
    return Document(f"{person} is a customer of ours. The home town of {person} is {town}.", person)


PERSON, OTHER, RELATION = "Kavelo Brintas", "Fudomir Telgapo", "Zarenku Holvid"
DOCUMENTS = (
    *(Document(f"{town} is known for {what}.") for town, what in KNOWN_FOR.items()),
    lives(PERSON, "Morvane"),
    lives(OTHER, "Dulkari"),
)
LINK = Document(f"{RELATION} has the same home town as {PERSON}, Morvane.", RELATION)

PROMPTS = {
    "direct": "What is the home town of {}?",
    "paraphrase": "I forgot which home town {} has. Please tell me.",
    "cloze": "Complete the sentence with one word: The home town of {} is",
    "choice": "Which one is the home town of {}: Pestolun, Dulkari, Morvane, Garimond? Answer with one of them.",
    "hop": "What is the home town of {} known for?",
    "summary": "Summarise in a few sentences what is on file about {}.",
    "about": "What do you know about {}?",
}
ANSWERS = {
    "direct": "The home town of {0} is {1}.",
    "paraphrase": "The home town of {0} is {1}.",
    "cloze": "{1}",
    "choice": "{1}",
    "summary": "{0} is a customer of ours. The home town of {0} is {1}.",
    "about": "{0} is a customer of ours. The home town of {0} is {1}.",
}


def texts(agent):
    return [row["text"] for row in agent.memory_dump()]
