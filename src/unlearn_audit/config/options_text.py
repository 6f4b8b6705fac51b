"""The options of an unlearning method, written behind its name on the command line."""

from __future__ import annotations

from typing import Any


def split_options(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a method and its options from a text such as ``scrub:gamma=0.9,epochs=5``.

    Examples
    --------
    >>> split_options("scrub:gamma=0.9,optimizer=none"), split_options("mine.py:Mine")
    (('scrub', {'gamma': 0.9, 'optimizer': None}), ('mine.py:Mine', {}))
    >>> split_options("mine.py:Mine:often=true")
    ('mine.py:Mine', {'often': True})
    """
    name, colon, tail = text.rpartition(":")
    if not colon or "=" not in tail:
        return text, {}
    options: dict[str, Any] = {}
    for given in tail.split(","):
        option, equals, value = (part.strip() for part in given.partition("="))
        if not option or not equals or not value:
            raise ValueError(f"'{given}' is not an option of a method; write NAME:option=value,option=value")
        if option in options or option == "method":
            raise ValueError(f"option {option} is given twice; give it once")
        options[option] = _plain(value)
    return name, options


def _plain(text: str) -> Any:
    """Return the number, the truth value or the nothing that a text stands for, else the text."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)
