"""What an agent keeps outside its weights: rows of SQLite, found by their words and by their vectors."""

from __future__ import annotations

import hashlib
import sqlite3
import weakref
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from agent_reader import content_words

TABLES = """
PRAGMA secure_delete = ON;
CREATE TABLE items (number INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, person TEXT, text TEXT);
CREATE TABLE sources (item TEXT, source TEXT, UNIQUE (item, source));
CREATE VIRTUAL TABLE words USING fts5 (text, content = 'items', content_rowid = 'number');
"""


WIDTH = 512
"""Numbers of a vector."""


class Stored(NamedTuple):
    """One item of the memory: a document, or something derived from documents."""

    id: str
    kind: str
    person: str | None
    text: str


class VectorIndex:
    """Vectors of texts by hashing, each with its item, as vector stores keep them."""

    def __init__(self) -> None:
        self._items: list[Stored] = []
        self._matrix = np.zeros((0, WIDTH), dtype=np.float32)

    def update(self, items: Sequence[Stored], drop: bool = True) -> None:
        """Compute the vectors of new items; unless told otherwise, drop those of items that are no more."""
        there = {item.id for item in items}
        kept = [place for place, item in enumerate(self._items) if not drop or item.id in there]
        known = {item.id for item in self._items}
        new = [item for item in items if item.id not in known]
        self._items = [*(self._items[place] for place in kept), *new]
        self._matrix = self._matrix[kept]
        if new:
            self._matrix = np.concatenate([self._matrix, [_vector(item.text) for item in new]])

    def search(self, text: str, count: int) -> list[Stored]:
        """Return the items most similar to a text, the most similar first."""
        similarity = self._matrix @ _vector(text)
        return [self._items[place] for place in np.argsort(-similarity, kind="stable")[:count] if similarity[place] > 0]


class Memory:
    """Items in the order in which they were stored, with references from what is derived to its sources.

    The id of an item is a digest of its content. Numbers in sequence would show by their gaps that something was
    deleted.

    Parameters
    ----------
    drop_vectors
        Whether vectors of deleted items are dropped. They have to be: a vector store answers by them.
    """

    def __init__(self, drop_vectors: bool = True) -> None:
        # whoever holds the agent may call it from any thread, one at a time
        self._rows = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._rows.executescript(TABLES)
        weakref.finalize(self, self._rows.close)
        self._vectors = VectorIndex()
        self._drop_vectors = drop_vectors
        self._indexed = True

    def add(self, kind: str, text: str, person: str | None) -> str:
        """Store an item and return its id; what is there already is not stored twice."""
        id = _digest(kind, person, text)
        self._rows.execute(
            "INSERT OR IGNORE INTO items (id, kind, person, text) VALUES (?, ?, ?, ?)", (id, kind, person, text)
        )
        self._indexed = False
        return id

    def derive(self, kind: str, text: str, person: str, sources: Iterable[str]) -> None:
        """Store what was derived from other items, in the place of what was derived of this kind for this person.

        Without a text nothing takes that place.
        """
        former = [item.id for item in self.items() if (item.kind, item.person) == (kind, person)]
        if not text:
            self.remove(former)
            return
        id = _digest(kind, person, text)
        if former:
            self._rows.execute("DELETE FROM sources WHERE item = ?", (former[0],))
            self._rows.execute("UPDATE items SET id = ?, text = ? WHERE id = ?", (id, text, former[0]))
            self._rows.execute("UPDATE OR REPLACE sources SET source = ? WHERE source = ?", (id, former[0]))
        else:
            self.add(kind, text, person)
        self._rows.executemany("INSERT INTO sources VALUES (?, ?)", [(id, source) for source in sources])
        self._indexed = False

    def items(self) -> list[Stored]:
        """Return every item in stored order."""
        rows = self._rows.execute("SELECT id, kind, person, text FROM items ORDER BY number")
        return [Stored(*row) for row in rows]

    def persons(self) -> list[str]:
        """Return everyone whom an item belongs to, in the order of their first items."""
        return list(dict.fromkeys(item.person for item in self.items() if item.person is not None))

    def closure(self, person: str) -> tuple[set[str], dict[str, set[str]]]:
        """Return what has to go with a person, and what has other sources too.

        Returns
        -------
        gone
            Ids of the person's items and, step by step, of all that is derived from nothing but these.
        shared
            Ids of what is derived from some of these and from something else, each with the sources that it keeps.
        """
        gone = {item.id for item in self.items() if item.person == person}
        sources: dict[str, set[str]] = {}
        for item, source in self._rows.execute("SELECT item, source FROM sources"):
            sources.setdefault(item, set()).add(source)
        while more := {item for item, of in sources.items() if of <= gone} - gone:
            gone |= more
        return gone, {item: of - gone for item, of in sources.items() if of & gone and item not in gone}

    def remove(self, ids: Iterable[str]) -> None:
        """Delete items, and every reference from and to them."""
        each = [(id,) for id in ids]
        self._rows.executemany("DELETE FROM items WHERE id = ?", each)
        self._rows.executemany("DELETE FROM sources WHERE item = ?", each)
        self._rows.executemany("DELETE FROM sources WHERE source = ?", each)
        self._indexed = False

    def index(self) -> None:
        """Build the indices of words and of vectors anew from the rows, if these have changed."""
        if not self._indexed:
            self._rows.execute("INSERT INTO words (words) VALUES ('rebuild')")
            self._vectors.update(self.items(), drop=self._drop_vectors)
            self._indexed = True

    def search(self, query: str, count: int = 10) -> list[Stored]:
        """Return the items that fit a query best, by reciprocal rank fusion of words and vectors."""
        self.index()
        scores: dict[Stored, float] = {}
        for found in (self._search_words(query, count), self._vectors.search(query, count)):
            for rank, item in enumerate(found, start=1):
                scores[item] = scores.get(item, 0.0) + 1 / (60 + rank)
        return sorted(scores, key=lambda item: -scores[item])[:count]

    def _search_words(self, query: str, count: int) -> list[Stored]:
        either = " OR ".join(f'"{word}"' for word in content_words(query)[:50])
        rows = self._rows.execute(
            "SELECT id, kind, person, items.text FROM words JOIN items ON items.number = words.rowid"
            " WHERE words MATCH ? ORDER BY rank LIMIT ?",
            (either, count),
        )
        return [Stored(*row) for row in rows]


def _digest(kind: str, person: str | None, text: str) -> str:
    return hashlib.sha256(repr((kind, person, text)).encode()).hexdigest()[:16]


def _vector(text: str) -> np.ndarray:
    """Return the vector of a text: its parts of words of three and four letters, each with a place and a sign."""
    # common words would make all sentences of one form alike
    words = [f" {word} " for word in content_words(text)]
    parts = [w[i : i + size] for w in words for size in (3, 4) for i in range(len(w) - size + 1)]
    codes = np.array([zlib.crc32(part.encode()) for part in parts], dtype=np.int64)
    vector = np.bincount(codes % WIDTH, weights=1 - 2 * (codes // WIDTH % 2), minlength=WIDTH)
    length = np.linalg.norm(vector)
    return (vector / length if length else vector).astype(np.float32)
