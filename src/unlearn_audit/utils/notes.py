"""Sentences that may change what figures mean, among routine ones: a type of text that every room can use."""


class Caution(str):
    """A sentence that may change what figures mean, among other sentences.

    Wherever something is adjusted it is said as text; one of this type becomes a note of level ``warning``.
    """

    __slots__ = ()
