"""Words that nobody has used before: pronounceable, drawn from a seed, and unlike each other.

No model knows anything about them, a translation leaves them as they are, and one letter that an agent gets wrong does
not turn one into another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import numpy as np

SHORTEST, LONGEST = 6, 10
"""Letters of a word."""

APART = 3
"""The least edit distance (Levenshtein) between two words of one audit."""

_ONSETS = (
    "b",
    "d",
    "f",
    "g",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "z",
    "br",
    "dr",
    "gl",
    "kr",
    "pl",
    "tr",
    "vl",
)
_VOWELS = ("a", "e", "i", "o", "u")
_CODAS = ("", "", "", "", "l", "m", "n", "r", "s")
_LAST_CODAS = ("", "l", "m", "n", "r", "s", "k", "x")


def draw_words(rng: np.random.Generator, number: int) -> list[str]:
    """Return capitalised words; no two are within an edit distance of less than `APART`, and none is part of another.

    Parameters
    ----------
    rng
        What they are drawn with.
    number
        How many.

    Examples
    --------
    >>> draw_words(np.random.default_rng(0), 3)
    ['Krumzossun', 'Limorbuk', 'Donbogir']
    """
    chosen = Vocabulary()
    words: list[str] = []
    while len(words) < number:
        for word in _candidates(rng, number):
            if len(words) < number and chosen.admits(word):
                chosen.add(word)
                words.append(word.capitalize())
    return words


def _candidates(rng: np.random.Generator, number: int) -> Iterator[str]:
    """Yield words of three syllables whose length is in bounds."""
    onsets, vowels = rng.integers(len(_ONSETS), size=(number, 3)), rng.integers(len(_VOWELS), size=(number, 3))
    codas, last = rng.integers(len(_CODAS), size=(number, 2)), rng.integers(len(_LAST_CODAS), size=number)
    for i in range(number):
        ends = (*(_CODAS[k] for k in codas[i]), _LAST_CODAS[last[i]])
        syllables = (_ONSETS[o] + _VOWELS[v] + end for o, v, end in zip(onsets[i], vowels[i], ends, strict=True))
        word = "".join(syllables)
        if SHORTEST <= len(word) <= LONGEST:
            yield word


class Vocabulary:
    """Words that are unlike each other, found by what is left of them without some letters.

    Two words within an edit distance of d have a common text among those that deleting up to d letters leaves of each,
    so a new word is compared with few of the others.
    """

    def __init__(self) -> None:
        self._by_rest: defaultdict[str, list[str]] = defaultdict(list)
        self._words: set[str] = set()
        self._parts: set[str] = set()

    def admits(self, word: str) -> bool:
        """Return whether a word is unlike all others: `APART` letters away, inside none and with none inside."""
        if word in self._parts or not self._words.isdisjoint(_parts(word)):
            return False
        near = {other for rest in _rests(word) for other in self._by_rest.get(rest, ())}
        return all(edit_distance(word, other) >= APART for other in near)

    def add(self, word: str) -> None:
        """Add a word that is admitted."""
        self._words.add(word)
        self._parts |= _parts(word)
        for rest in _rests(word):
            self._by_rest[rest].append(word)


def _parts(word: str) -> set[str]:
    """Return what stands inside a word and is long enough to be one, itself included."""
    n = len(word)
    return {word[i:j] for i in range(n) for j in range(i + SHORTEST, n + 1)}


def _rests(word: str) -> set[str]:
    """Return what deleting fewer than `APART` letters leaves of a word."""
    rests = {word}
    for i in range(len(word)):
        rests.add(word[:i] + word[i + 1 :])
    for i, j in combinations(range(len(word)), 2):
        rests.add(word[:i] + word[i + 1 : j] + word[j + 1 :])
    return rests


def edit_distance(a: str, b: str) -> int:
    """Return how many letters must be inserted, deleted or replaced to turn one text into another (Levenshtein).

    Examples
    --------
    >>> edit_distance("kavelo", "kavel"), edit_distance("kavelo", "akvelo"), edit_distance("", "abc")
    (1, 2, 3)
    """
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != other))
    return row[-1]
