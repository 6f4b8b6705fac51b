"""The messages that agents get and reply to, as JSON, and what is made of a reply.

====================================================  ==================================================================
``{"call": "hello"}``                                 ``{"offers": ["cycle", ...], "asking_changes_nothing": false}``
``{"call": "reset"}``                                 anything
``{"call": "ingest", "text": ..., "person": ...,      anything; ``person`` is null for a document about nobody
"train": false}``
``{"call": "ask", "prompt": ..., "session": ...}``    a text, or ``{"text": ..., "log_probabilities": {text: number}}``
``{"call": "delete", "person": ...}``                 null or true for done, false, or a message
``{"call": "set_memory", "on": true}``                anything
``{"call": "cycle"}``                                 anything
``{"call": "memory_dump"}``                           a list of texts, or of ``{"text": ..., "id": ..., "person": ...}``
``{"call": "log_probabilities", "prompt": ...,        a list of as many numbers
"continuations": [...]}``
====================================================  ==================================================================

What is on the right comes as ``{"answer": ...}``. A call that fails is told by ``{"error": "why"}`` in its place; with
``"what": "broken"`` the error is that the answer was of no use, and with ``"what": "sentence"`` it says all by itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from unlearn_audit.agents.base import OPTIONAL, Answer, Item
from unlearn_audit.utils.messages import in_one_line, reason

MOST_CHARACTERS = 1 << 20
"""Of a text that an agent answers."""

_MOST_BYTES = 8 * MOST_CHARACTERS
_MOST_OF_A_DUMP = 1 << 28

_ROUNDING = 1e-6
"""By how much a logarithm of a probability may be above 0."""


_ID_DIGITS = 100
_LARGEST_ID = 10**_ID_DIGITS


class Unusable(Exception):
    """A reply that is of no use, told as the rest of a sentence that begins with the agent."""


def most_bytes(call: str) -> int:
    """Return how many bytes a reply may have; that is more than its texts, which JSON may write as escapes."""
    return _MOST_OF_A_DUMP if call == "memory_dump" else _MOST_BYTES


def line_of(message: Mapping[str, Any]) -> bytes:
    r"""Return a message as one line.

    Examples
    --------
    >>> line_of({"call": "ask", "prompt": "Who?", "session": None})
    b'{"call": "ask", "prompt": "Who?", "session": null}\n'
    """
    return json.dumps(message).encode() + b"\n"


def reply_in(content: bytes) -> dict[str, Any]:
    """Return the reply that a line or body holds: an object with ``answer`` or ``error``.

    Raises
    ------
    Unusable
        If it is none.

    Examples
    --------
    >>> reply_in(b'{"answer": "Ada"}')
    {'answer': 'Ada'}
    """
    told = in_one_line(content[:400].decode("utf-8", errors="replace"), 80)
    needed = 'reply with one line of JSON, {"answer": ...} or {"error": "..."}, and print nothing else'
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError) as error:  # a number may have too many digits
        raise Unusable(f"replied '{told}', which is no JSON ({reason(error)}); {needed}") from error
    if not isinstance(reply, dict) or ("answer" in reply) == ("error" in reply):
        raise Unusable(f"replied '{told}'; {needed}")
    return reply


def hello_of(value: Any) -> tuple[frozenset[str], bool]:
    """Return what an agent offers, and whether asking changes nothing.

    Raises
    ------
    Unusable
        If it says neither.
    """
    if not isinstance(value, dict):
        raise _unusable("hello", value, 'an object such as {"offers": [], "asking_changes_nothing": false}')
    offers, nothing = value.get("offers", []), value.get("asking_changes_nothing", False)
    strays = [_said(name) for name in offers if name not in OPTIONAL] if isinstance(offers, list) else [_named(offers)]
    if strays:
        raise Unusable(f"offers {in_one_line(strays[0], 80)!r}; offer a list of some of {', '.join(OPTIONAL)}")
    if not isinstance(nothing, bool):
        raise Unusable(f"says asking_changes_nothing is {_named(nothing)}; say true or false")
    return frozenset(offers), nothing


def answer_of(value: Any) -> Answer:
    """Return the answer to a question.

    Raises
    ------
    Unusable
        If it holds no text, or log-probabilities that are none.

    Examples
    --------
    >>> answer_of({"text": "Ada", "log_probabilities": {"Ada": -0.1}})
    Answer(text='Ada', log_probabilities={'Ada': -0.1})
    """
    if not isinstance(value, dict):
        return Answer(_text("ask", value, "a text"))
    text = _text("ask", value.get("text"), "a text")
    logs = value.get("log_probabilities")
    if logs is None:
        return Answer(text)
    if not isinstance(logs, dict):
        raise _unusable("ask", logs, "an object of numbers by text as log_probabilities")
    return Answer(text, {_clean(of): _logarithm("ask", number) for of, number in logs.items()})


def claim_of(value: Any) -> bool | str | None:
    """Return what an agent claims of a deletion.

    Raises
    ------
    Unusable
        If it claims nothing that can be understood.
    """
    if value is None or isinstance(value, bool):
        return value
    return _text("delete", value, "null or true for done, false, or a message")


def items_of(value: Any) -> list[Item]:
    """Return the items of a memory.

    Raises
    ------
    Unusable
        If they are no list of items with a text each.

    Examples
    --------
    >>> items_of(["Ada lives in Rome.", {"id": 7, "text": "Ada banks.", "person": "Ada"}])
    [Item(text='Ada lives in Rome.', id=None, person=None), Item(text='Ada banks.', id='7', person='Ada')]
    """
    if not isinstance(value, list):
        raise _unusable("memory_dump", value, "a list")
    return [_item(of) for of in value]


def logarithms_of(value: Any, n: int) -> list[float]:
    """Return the log-probabilities of n continuations.

    Raises
    ------
    Unusable
        If they are not as many numbers.
    """
    if not isinstance(value, list):
        raise _unusable("log_probabilities", value, "a list of numbers")
    if len(value) != n:
        raise Unusable(f"gave {len(value):,} log-probabilities for {n:,} continuations; give one for each, in order")
    return [_logarithm("log_probabilities", number) for number in value]


def _item(value: Any) -> Item:
    needed = "a list of texts, or of objects with a text and maybe an id and a person,"
    if not isinstance(value, dict):
        return Item(_text("memory_dump", value, needed))
    return Item(_text("memory_dump", value.get("text"), needed), _label(value.get("id")), _label(value.get("person")))


def _label(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= _LARGEST_ID:  # Python writes no number of thousands of digits
            raise Unusable(f"answered 'memory_dump' with a number of more than {_ID_DIGITS} digits as an id")
        return str(value)
    if value is None:
        return None
    if isinstance(value, str):
        return _text("memory_dump", value, "an id and a person that are texts")
    raise _unusable("memory_dump", value, "an id and a person that are texts")


def _text(call: str, value: Any, needed: str) -> str:
    if not isinstance(value, str):
        raise _unusable(call, value, needed)
    if len(value) > MOST_CHARACTERS:
        raise Unusable(
            f"answered '{call}' with a text of {len(value):,} characters; answer with {MOST_CHARACTERS:,} at most"
        )
    return _clean(value)


def _clean(text: str) -> str:
    """Return a text without halves of surrogate pairs, which JSON has and no file can hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _logarithm(call: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unusable(call, value, "numbers as log-probabilities")
    try:
        found = float(value)
    except OverflowError:  # an integer may be larger than any float, and too long to be written
        found = math.inf if value > 0 else -math.inf
    if not -math.inf < found <= _ROUNDING:  # nan is not either
        raise Unusable(
            f"answered '{call}' with {found} as a log-probability; give natural logarithms of probabilities, which are "
            "finite and at most 0"
        )
    return found


def _unusable(call: str, value: Any, needed: str) -> Unusable:
    return Unusable(f"answered '{call}' with {_named(value)}; answer with {needed.rstrip(',')}")


def _said(value: Any) -> str:
    return value if isinstance(value, str) else _named(value)


def _named(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    names = {str: "a text", list: "a list", dict: "an object", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")
