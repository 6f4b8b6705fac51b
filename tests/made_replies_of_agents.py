"""Agents as functions from prompts to texts, for tests of probes and of what chance gives."""

import numpy as np


class Knowing:
    """Knows every fact as it was drawn, and answers every probe rightly."""

    def __init__(self, facts, form="{}"):
        self.facts, self.form = facts, form

    def __call__(self, probe, prompt):
        if prompt.canary is None:
            attribute, _, option = prompt.key.partition(": ")
            who = [of.person for of in self.facts.canaries if (of.attribute, of.value) == (attribute, option)]
            return [self.form.format(" and ".join(who) or "Nobody.")]
        value = self.facts.canaries[prompt.canary].value
        said = self.facts.known_for[value] if probe.name == "hop" else value
        return [*["Yes."] * (len(prompt.turns) - 1), self.form.format(said)]


def silent(probe, prompt):
    """Answers nothing."""
    return [""] * len(prompt.turns)


def echoing(probe, prompt):
    """Repeats what it is asked."""
    return list(prompt.turns)


class Fixed:
    """Always says the same."""

    def __init__(self, text):
        self.text = text

    def __call__(self, probe, prompt):
        return [self.text] * len(prompt.turns)


class Chatty:
    """Names options, people and what options are known for, as many as it likes, at random."""

    def __init__(self, facts, rng, most=12):
        self.words = [*facts.known_for, *facts.known_for.values(), *facts.people]
        self.rng, self.most = rng, most

    def __call__(self, probe, prompt):
        return [
            ", ".join(self.words[i] for i in self.rng.integers(len(self.words), size=self.rng.integers(self.most + 1)))
            for _ in prompt.turns
        ]


def asked(probe, prompts, agent):
    """The replies of an agent to prompts."""
    return {prompt.key: agent(probe, prompt) for prompt in prompts}


def told_all(facts):
    """The text that names everything."""
    return " ".join([*facts.people, *facts.known_for, *facts.known_for.values()])


def agents(facts):
    """Agents that know nothing of the values, by name."""
    rng = np.random.default_rng(0)
    options = facts.options[facts.canaries[0].attribute]
    return {
        "silent": silent,
        "echoing": echoing,
        "everything": Fixed(told_all(facts)),
        "backwards": Fixed(" ".join(told_all(facts).split()[::-1])),
        "one option": Fixed(f"It is {options[-1]}."),
        "one person": Fixed(f"Always {facts.canaries[0].person}."),
        "two people": Fixed(f"{facts.canaries[1].person} or {facts.canaries[2].last_name}, {options[0]}"),
        "chatty": Chatty(facts, rng),
        "terse": Chatty(facts, rng, most=1),
    }
