"""A reader that answers questions with words of the texts that it is given. It knows forms of questions, no names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

COMMON = frozenset(
    re.findall(
        r"\w+",
        """a about an and answer any anything are as at be can complete could did do does few file for forgot from give
        had has have how i in is it know let me my of on one or our ours please same say sentence sentences summarise
        summarize summary talk tell that the their them they this to us was we were what when where which who whose
        will with word would you your""",
    )
)
"""Words that tell nothing of what a question is about; none of them is part of a name."""

Search = Callable[[str], Iterable[str]]
"""Returns the texts that fit a query, the best first."""

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_END = re.compile(r"(?<=[.!?])\s+")
_COMPLETE = re.compile(r"complete\b[^:]*:\s*(?P<stem>.+)", re.IGNORECASE | re.DOTALL)
_CHOICE = re.compile(r"(?P<asked>[^:]+):\s*(?P<options>[^:?]+,[^:?]+)\?")


@dataclass(frozen=True)
class Question:
    """What a prompt asks.

    Attributes
    ----------
    names
        Whom or what it is about.
    words
        What it asks about them; nothing means everything.
    form
        ``plain``, ``who``, ``complete`` or ``choice``.
    stem
        The sentence to complete.
    options
        What may be chosen.
    """

    names: tuple[str, ...]
    words: tuple[str, ...]
    form: str = "plain"
    stem: str = ""
    options: tuple[str, ...] = ()


def sentences(text: str) -> list[str]:
    """Split a text after full stops, question marks and exclamation marks.

    Examples
    --------
    >>> sentences("The bank is old. Is it? Yes")
    ['The bank is old.', 'Is it?', 'Yes']
    """
    return [sentence for sentence in _END.split(text.strip()) if sentence]


@lru_cache(maxsize=10_000)
def names(text: str) -> tuple[str, ...]:
    """Return the names in a text: runs of capitalised words that are not common ones.

    Examples
    --------
    >>> names("The bank of Ada Byron is Coutts, was it? Yes, Ada Byron.")
    ('Ada Byron', 'Coutts', 'Yes', 'Ada Byron')
    """
    found: list[str] = []
    end = None
    for word in _WORD.finditer(text):
        if not word[0][0].isupper() or word[0].casefold() in COMMON:
            continue
        if end is not None and text[end : word.start()].isspace():
            found[-1] += f" {word[0]}"
        else:
            found.append(word[0])
        end = word.end()
    return tuple(found)


@lru_cache(maxsize=10_000)
def content_words(text: str) -> tuple[str, ...]:
    """Return the words of a text that are not common ones, in lower case.

    Examples
    --------
    >>> content_words("What is the home town of Ada Byron?")
    ('home', 'town', 'ada', 'byron')
    """
    return tuple(word for word in _words(text) if word not in COMMON)


def mentions(text: str, name: str) -> bool:
    """Return whether a name is in a text, as whole words in this order.

    Examples
    --------
    >>> mentions("Dear ada byron!", "Ada Byron"), mentions("Ada Byrons", "Ada Byron")
    (True, False)
    """
    return f" {' '.join(_words(name))} " in f" {' '.join(_words(text))} "


def read_question(prompt: str, topic: str | None = None) -> Question:
    """Return what a prompt asks; one without a name is about the topic of the conversation.

    Examples
    --------
    >>> read_question("Who has the bank Coutts?")
    Question(names=('Coutts',), words=('bank',), form='who', stem='', options=())
    >>> read_question("Which bank was that?", topic="Ada Byron").names
    ('Ada Byron',)
    """
    if found := _COMPLETE.match(prompt):
        return replace(_plain(found["stem"], topic), form="complete", stem=found["stem"])
    if found := _CHOICE.match(prompt):
        options = (option.strip() for option in re.split(r",|\bor\b", found["options"]))
        return replace(_plain(found["asked"], topic), form="choice", options=tuple(o for o in options if o))
    plain = _plain(prompt, topic)
    return replace(plain, form="who") if _words(prompt)[:1] == ["who"] else plain


def answer(question: Question, search: Search) -> str | None:
    """Return the answer that texts give to a question, None if they give none or it names nobody and nothing.

    Parameters
    ----------
    question
        As `read_question` returns it.
    search
        Called once, or twice where the answer takes two texts.
    """
    fitting = _fitting(question, search) if question.names else []
    if not fitting:
        return None
    if question.form == "who":
        return " and ".join(dict.fromkeys(n for s in fitting for n in names(s) if n not in question.names)) or None
    if question.form == "choice":
        return next((option for s in fitting for option in question.options if mentions(s, option)), None)
    if question.form == "complete":
        return next((word for s in fitting if (word := _next_word(s, question))), None)
    if not question.words:
        return " ".join(fitting[:6])
    return _second_step(question, fitting[0], search) or fitting[0]


def _plain(text: str, topic: str | None) -> Question:
    about = names(text) or ((topic,) if topic else ())
    of_names = {word for name in about for word in _words(name)}
    return Question(about, tuple(dict.fromkeys(w for w in content_words(text) if w not in of_names)))


def _fitting(question: Question, search: Search) -> list[str]:
    """Return the sentences that mention every name and most of what is asked, those with most of it first."""
    query = " ".join((*question.names, *question.words))
    covered: dict[str, int] = {}
    for text in search(query):
        for sentence in sentences(text):
            words = frozenset(_words(sentence))
            count = sum(word in words for word in question.words)
            if 2 * count >= len(question.words) and all(mentions(sentence, name) for name in question.names):
                covered.setdefault(sentence, count)
    if question.form == "who":
        return [sentence for sentence, count in covered.items() if count == len(question.words)]
    return sorted(covered, key=lambda sentence: -covered[sentence])


def _second_step(question: Question, first: str, search: Search) -> str | None:
    """Return what a second text says of someone or something that the first one names, if the first left words open."""
    missing = tuple(word for word in question.words if word not in _words(first))
    between = tuple(name for name in names(first) if name not in question.names)
    if not missing or not between:
        return None
    further = (sentence for name in between for sentence in _fitting(Question((name,), missing), search))
    return next(further, None)


def _next_word(sentence: str, question: Question) -> str | None:
    """Return the word after the stem, or the name that the sentence adds where it is put another way."""
    stem, words = _words(question.stem), list(_WORD.finditer(sentence))
    folded = [word[0].casefold() for word in words]
    for start in range(len(words) - len(stem)):
        if folded[start : start + len(stem)] == stem:
            return words[start + len(stem)][0]
    return next((name for name in names(sentence) if name not in question.names), None)


@lru_cache(maxsize=10_000)
def _folded(text: str) -> tuple[str, ...]:
    return tuple(word[0].casefold() for word in _WORD.finditer(text))


def _words(text: str) -> list[str]:
    return list(_folded(text))
