"""Little agents for tests: a store of sentences that answers by looking for the person and the attribute."""

import re
import time
from typing import ClassVar

NOTHING = "I know nothing about that."


class Notes:
    """Keeps every document, finds the one that names the person, and really deletes."""

    asking_changes_nothing = True

    def __init__(self):
        self.reset()

    def reset(self):
        self.items = []
        self.on = True
        self.last = {}

    def ingest(self, document, train=False):
        self.items.append((document.text, document.person))

    def ask(self, prompt, session=None):
        person = re.search(r"[A-Z][a-z]+ [A-Z][a-z]+", prompt.replace("What ", "").replace("Which ", ""))
        if session is not None:
            person = person or self.last.get(session)
            self.last[session] = person
        if person is None or not self.on:
            return NOTHING
        said = [text for text, _ in self.items if person[0] in text]
        return said[0] if said else NOTHING

    def delete(self, person):
        self.items = [of for of in self.items if of[1] != person]

    def set_memory(self, on):
        self.on = on

    def cycle(self):
        pass

    def memory_dump(self):
        return [{"text": text, "person": person} for text, person in self.items]


class Pretends(Notes):
    """Reports success and deletes nothing."""

    def delete(self, person):
        return True


class Refuses(Notes):
    """Deletes, and then refuses to talk about those who were deleted."""

    def reset(self):
        super().reset()
        self.gone = set()

    def delete(self, person):
        super().delete(person)
        self.gone.add(person)

    def ask(self, prompt, session=None):
        if any(person in prompt for person in self.gone):
            return "I cannot discuss that person."
        return super().ask(prompt, session)


class ComesBack(Notes):
    """Deletes, and writes it again from a backup at the next consolidation."""

    def reset(self):
        super().reset()
        self.backup = []

    def ingest(self, document, train=False):
        super().ingest(document, train)
        self.backup.append((document.text, document.person))

    def cycle(self):
        self.items = list(self.backup)


class NeverResets(Notes):
    """Keeps what it knew before a reset."""

    kept: ClassVar[list] = []

    def reset(self):
        super().reset()
        self.items = NeverResets.kept


class Mute(Notes):
    """Answers with an empty text."""

    def ask(self, prompt, session=None):
        return ""


class RefusesAll(Notes):
    """Refuses to answer anything."""

    def ask(self, prompt, session=None):
        return "I'm sorry, I can't help with that."


class Throws(Notes):
    """Raises an error at every third question."""

    def reset(self):
        super().reset()
        self.asked = 0

    def ask(self, prompt, session=None):
        self.asked += 1
        if self.asked % 3 == 0:
            raise RuntimeError("no capacity")
        return super().ask(prompt, session)


class Hangs(Notes):
    """Never answers one kind of question."""

    def ask(self, prompt, session=None):
        if prompt.startswith("I forgot"):
            time.sleep(1000)
        return super().ask(prompt, session)


class Wavers(Notes):
    """Answers the same question otherwise the second time."""

    def reset(self):
        super().reset()
        self.asked = 0

    def ask(self, prompt, session=None):
        self.asked += 1
        return f"{super().ask(prompt, session)} ({self.asked})"


class French(Pretends):
    """Deletes nothing and answers in another language."""

    def ask(self, prompt, session=None):
        said = super().ask(prompt, session)
        found = re.search(r"The ([a-z ]+) of (\w+ \w+) is (\w+)", said)
        return f"Chez {found[2]}, c’est « {found[3]} »." if found else "Je ne sais pas."


class Lists(Notes):
    """Names every value that it ever saw, whatever it is asked."""

    def ask(self, prompt, session=None):
        return " ".join(text.split()[0] for text, _ in self.items if "known for" in text)


class LogsQuestions(Notes):
    """Deletes, and keeps a log of all that it was ever asked, each on its own or all in one item."""

    asking_changes_nothing = False

    def __init__(self, whole=False):
        self.whole = whole
        super().__init__()

    def reset(self):
        super().reset()
        self.log = []

    def ask(self, prompt, session=None):
        self.log.append(prompt)
        return super().ask(prompt, session)

    def memory_dump(self):
        return super().memory_dump() + (["\n".join(self.log)] if self.whole else list(self.log))


class Likelihoods(Notes):
    """Offers log-probabilities: what a stored sentence says is far more likely."""

    def log_probabilities(self, prompt, continuations):
        return [0.0 if any(prompt + of in text for text, _ in self.items) else -9.0 for of in continuations]
