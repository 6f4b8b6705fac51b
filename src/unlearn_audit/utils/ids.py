"""Ids of people and records as texts: which of them are the same, and finding them in text."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

from unlearn_audit.utils.spreadsheet import unescaped

# soft hyphens, zero-width characters, marks of direction and byte order marks: nobody sees them
_UNSEEN = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_UNSEEN_ONES = re.compile(f"[{_UNSEEN}]")
_CODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_WITH_DECIMALS = re.compile(r"(-?\d+)\.0+")
_WORD = re.compile(r"\w+")


def plain(text: str) -> str:
    """Return an id without what nobody sees: unseen characters, blanks at its ends, and the quote of an escaped cell.

    Letters with accents are composed, however they were written.

    Examples
    --------
    >>> plain("\\ufeff17\\u200b"), plain(" A 1 "), plain("'=1"), plain("017")
    ('17', 'A 1', '=1', '017')
    """
    text = unescaped(text)
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFC", _UNSEEN_ONES.sub("", text)).strip()


def normal(text: str) -> str:
    """Return a form that ids have in common which people take for the same and a table does not.

    Examples
    --------
    >>> normal("017"), normal("17.0"), normal("Ａ１"), normal("0.5")
    ('17', '17', 'a1', '0.5')
    """
    folded = unicodedata.normalize("NFKC", plain(text)).casefold()
    number = re.fullmatch(r"([+-]?)0*(\d+)(?:\.0*)?", folded)
    return folded if number is None else f"{number[1].replace('+', '')}{number[2]}"


def whole(text: str) -> str:
    """Return a whole number that was written as one with decimals without them; all else as it is.

    Examples
    --------
    >>> whole("17.0"), whole("17.50"), whole("017"), whole("A.0")
    ('17', '17.50', '017', 'A.0')
    """
    number = _WITH_DECIMALS.fullmatch(text)
    return text if number is None else number[1]


def look_alikes(missing: Iterable[str], there: Iterable[str]) -> dict[str, str]:
    """Return, for ids that were not found, another that is there and may be meant.

    Examples
    --------
    >>> look_alikes(["017", "18"], ["17", "19"])
    {'017': '17'}
    """
    by_form = {normal(text): text for text in sorted(there)}
    return {text: by_form[normal(text)] for text in sorted(missing) if normal(text) in by_form}


class Mentions:
    """Finds ids in a text, each as a word: digits of an id also stand inside other numbers.

    Parameters
    ----------
    ids
        To look for; see `plain`.

    Examples
    --------
    >>> Mentions(["4711", "a b"]).any_in("the AUC was 0.4711, of 24711"), Mentions(["a b"]).any_in("of (a b).")
    (False, True)
    """

    def __init__(self, ids: Collection[str]) -> None:
        self._by_word: dict[str, list[tuple[int, str]]] = {}
        self._without_words: list[str] = []
        for text in ids:
            word = _WORD.search(text)
            if word is None:
                self._without_words.append(text)
            else:
                self._by_word.setdefault(word[0], []).append((word.start(), text))

    def any_in(self, text: str) -> bool:
        """Return whether an id is mentioned, also where letters are written as HTML or JSON may write them."""
        return any(self._any_in(form) for form in _forms(text))

    def _any_in(self, text: str) -> bool:
        if any(one in text for one in self._without_words):
            return True
        if not self._by_word:
            return False
        for word in _WORD.finditer(text):
            for offset, wanted in self._by_word.get(word[0], ()):
                start = word.start() - offset
                if start >= 0 and text.startswith(wanted, start) and _alone(text, start, start + len(wanted)):
                    return True
        return False


def _forms(text: str) -> Iterator[str]:
    """Yield a text without unseen characters, and again with what is escaped in it, if anything is."""
    seen = text if text.isascii() else unicodedata.normalize("NFC", _UNSEEN_ONES.sub("", text))
    yield seen
    read = _CODE.sub(lambda code: chr(int(code[1], 16)), html.unescape(seen))
    if read != seen:
        yield unicodedata.normalize("NFC", _UNSEEN_ONES.sub("", read))


def _alone(text: str, start: int, end: int) -> bool:
    before, after = text[max(start - 1, 0) : start], text[end : end + 2]
    inside_a_number = before == "." or (after[:1] == "." and after[1:].isdigit() and text[end - 1].isdigit())
    return not (_WORD.match(before) or _WORD.match(after) or inside_a_number)


def by_dataset(ids: Mapping[str | None, frozenset[str]], dataset: str | None) -> frozenset[str]:
    """Return the ids of a dataset, and those of any."""
    return ids.get(dataset, frozenset()) | ids.get(None, frozenset())
