"""Little agents, which do as they are told; as a program they reply to lines, without a word of the package."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from types import SimpleNamespace

Reply = namedtuple("Reply", ["text", "log_probabilities"])

HUGE = (1 << 20) + 1


class Small:
    """An agent with what every agent has."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.documents, self.turns = [], {}

    def ingest(self, document, train=False):
        self.documents.append((document.text, document.person, train))

    def ask(self, prompt, session=None):
        before = self.turns.get(session, [])
        if session is not None:
            self.turns[session] = [*before, prompt]
        return " | ".join([*(text for text, *_ in self.documents), *before])

    def delete(self, person):
        kept = [document for document in self.documents if document[1] != person]
        found, self.documents = len(kept) < len(self.documents), kept
        return None if found else f"nobody is called {person}"


class Whole(Small):
    """An agent with all that there is."""

    asking_changes_nothing = True
    on = True
    cycles = 0

    def ask(self, prompt, session=None):
        if prompt == "how":
            return f"memory {self.on}, cycles {self.cycles}, trained {[trained for *_, trained in self.documents]}"
        if prompt == "odds":
            return Reply("Rome", {"Rome": -0.5, "Oslo": -1})
        return super().ask(prompt, session)

    def set_memory(self, on):
        self.on = on

    def cycle(self):
        self.cycles += 1
        return self  # nobody looks at it

    def memory_dump(self):
        texts = [{"text": text, "person": person, "id": at} for at, (text, person, _) in enumerate(self.documents)]
        return [*texts, "a summary"]

    def log_probabilities(self, prompt, continuations):
        return [-len(prompt + of) / 10 for of in continuations]


class Odd(Small):
    """An agent that does what the prompt says."""

    def ask(self, prompt, session=None):
        deed = getattr(self, f"do_{prompt}", None)
        return super().ask(prompt, session) if deed is None else deed()

    def do_hang(self):
        time.sleep(30)

    def do_hang_on(self):
        """Hang, deaf to polite signals, and with a process of its own that writes into a file."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do date +%N > beat; sleep 0.1; done"])
        time.sleep(30)

    def do_raise(self):
        return {}["nothing there"]

    def do_leave(self):
        sys.exit(3)

    def do_exit(self):
        print("good bye", file=sys.stderr)
        os._exit(7)

    def do_print(self):
        print('{"answer": "printed"}', flush=True)
        subprocess.run(["echo", "printed by a program"], check=True)
        return "said"

    def do_read(self):
        return sys.stdin.read()

    def do_empty(self):
        return ""

    def do_number(self):
        return 3

    def do_nothing(self):
        return None

    def do_huge(self):
        return "x" * HUGE

    def do_nan(self):
        return {"text": "x", "log_probabilities": {"y": math.nan}}

    def do_half(self):
        return "half \ud800 of a pair, 😀 and a whole one"

    def do_escape(self):
        raise ValueError("\x1b[2J cleared")

    def log_probabilities(self, prompt, continuations):
        return {"few": [-1.0], "positive": [0.5] * 2, "text": ["-1"] * 2, "nan": [math.nan] * 2, "none": None}[prompt]

    def memory_dump(self):
        return [{"id": "no text"}]


def replied(agent, message):
    """The reply of an agent to a message."""
    call, *given = message.values()
    try:
        if call == "hello":
            offers = ("set_memory", "cycle", "memory_dump", "log_probabilities")
            return {
                "answer": {
                    "offers": [name for name in offers if hasattr(agent, name)],
                    "asking_changes_nothing": getattr(agent, "asking_changes_nothing", False),
                }
            }
        if call == "ingest":
            given = [SimpleNamespace(text=message["text"], person=message["person"]), message["train"]]
        found = getattr(agent, call)(*given)
        if isinstance(found, Reply):
            found = {"text": found.text, "log_probabilities": found.log_probabilities}
        return {"answer": None if call == "cycle" else found}
    except (Exception, SystemExit) as error:  # noqa: BLE001
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    talker = globals()[sys.argv[1]]()
    for line in sys.stdin:
        print(json.dumps(replied(talker, json.loads(line))), flush=True)
