"""The answers within a document of JSON: where they are, and what form they have.

The forms: a list of probabilities a record; an object from class to probability a record, or a list of objects with
``label`` and ``score``; a label a record; a probability a record, where there are two classes; or a tensor of KServe
v2, ``{"shape": [n, k], "data": [...]}``.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import in_one_line, shortened
from unlearn_audit.versions.base import Replies

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\*)\]")

_ANSWERS = ("predictions", "outputs", "probabilities", "results", "answers", "scores", "data")
"""Where answers are looked for, if no path leads to them."""

_OF_A_RECORD = ("probabilities", "probability", "posteriors", "probs", "scores")
"""The same within the object of one record."""


def parsed(content: bytes) -> Any:
    """Return a document.

    Raises
    ------
    AuditError
        If it is no JSON.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        start = in_one_line(content[:200].decode("utf-8", errors="replace"), 80)
        raise AuditError(f"answered not with JSON but with {start!r}; check the address") from error


def at_path(document: Any, path: str) -> Any:
    """Return what a path leads to in a document: names and numbers joined by dots; ``[*]`` stands for each of a list.

    Raises
    ------
    AuditError
        If there is nothing.

    Examples
    --------
    >>> at_path({"results": [{"p": [0.1, 0.9]}, {"p": [0.5, 0.5]}]}, "$.results[*].p")
    [[0.1, 0.9], [0.5, 0.5]]
    >>> at_path({"outputs": [{"data": [1]}]}, "outputs.0.data")
    [1]
    """
    return _walked(document, [name or number for name, number in _STEP.findall(path.removeprefix("$"))], path)


def _walked(found: Any, steps: list[str], path: str) -> Any:
    for at, step in enumerate(steps):
        if step == "*" and isinstance(found, list):
            return [_walked(each, steps[at + 1 :], path) for each in found]
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            held = f"an object with {shortened(found)}" if isinstance(found, dict) else f"a {_kind(found)}"
            raise AuditError(f"has no answers at {path}: instead of {step}, it has {held}; check --answers")
    return found


def replies_in(document: Any, path: str | None, n: int) -> Replies:
    """Return the answers for n records that a document holds.

    Raises
    ------
    AuditError
        If they are not found, are not n, or have no form that is known.
    """
    found = _tensor(at_path(document, path) if path else _found(document))
    if not isinstance(found, list):
        raise AuditError(f"answered with a {_kind(found)} where a list of answers is needed; say with --answers where")
    if len(found) != n:
        raise AuditError(f"answered {len(found):,} times for {n:,} records; one answer per record is needed")
    found = [_of_record(each) for each in found]
    kinds = {_kind(each) for each in found}
    if kinds == {"object"}:
        return _by_name(found)
    if kinds == {"list"}:
        return _by_place(found)
    if kinds <= {"text", "whole number", "true or false"}:
        return Replies(labels=np.array([str(each) for each in found], dtype=object))
    if kinds <= {"number", "whole number"}:
        return Replies(values=np.array(found, dtype=np.float64)[:, None])
    raise AuditError(f"answered with {' and '.join(sorted(kinds))} for a record; probabilities or labels are needed")


def _found(document: Any) -> Any:
    if isinstance(document, dict):
        names = [name for name in _ANSWERS if name in document]
        if not names:
            said = "" if "error" not in document else f" (error: {in_one_line(str(document['error']), 200)})"
            raise AuditError(
                f"answered with an object with {shortened(document) or 'nothing in it'}{said}; say with --answers "
                "where in it the answers are"
            )
        document = document[names[0]]
    if isinstance(document, list) and document and all(isinstance(of, dict) and "data" in of for of in document):
        likely = [of for of in document if "prob" in str(of.get("name", "")).lower()]
        if len(document) > 1 and len(likely) != 1:
            listed = shortened(str(of.get("name", at)) for at, of in enumerate(document))
            raise AuditError(f"answered with several outputs ({listed}); say which with --answers outputs.0")
        return (likely or document)[0]
    return document


def _tensor(found: Any) -> Any:
    """Return the rows of a tensor of KServe v2; anything else as it is."""
    if not (isinstance(found, dict) and isinstance(found.get("data"), list)):
        return found
    shape = found.get("shape")
    try:
        return np.array(found["data"], dtype=object).reshape(shape if shape else -1).tolist()
    except (ValueError, TypeError) as error:
        raise AuditError(f"answered with a tensor whose data do not fit its shape {shape}") from error


def _of_record(found: Any) -> Any:
    """Return the probabilities within the answer for one record, where that is an object with more in it."""
    if isinstance(found, dict):
        inside = [found[name] for name in _OF_A_RECORD if isinstance(found.get(name), dict | list)]
        return inside[0] if inside else found
    if (
        isinstance(found, list)
        and found
        and all(isinstance(of, dict) and {"label", "score"} <= of.keys() for of in found)
    ):
        return {of["label"]: of["score"] for of in found}
    return found


def _by_name(found: list[dict[Any, Any]]) -> Replies:
    classes = tuple(dict.fromkeys(str(name) for each in found for name in each))
    place = {name: at for at, name in enumerate(classes)}
    values = np.full((len(found), len(classes)), np.nan)
    for row, each in enumerate(found):
        for name, value in each.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise AuditError(
                    f"answered with an object whose {name} is a {_kind(value)}; numbers by class are needed, so say "
                    "with --answers where they are, such as predictions[*].probabilities"
                )
            # what is named is a number, if not a good one
            values[row, place[str(name)]] = np.inf if value != value else value
    return Replies(values=values, classes=classes)


def _by_place(found: list[list[Any]]) -> Replies:
    sizes = sorted({len(each) for each in found})
    if len(sizes) > 1:
        raise AuditError(f"answered with {sizes[0]} numbers for one record and {sizes[-1]} for another")
    try:
        values = np.array([[np.nan if value is None else value for value in each] for each in found], dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise AuditError("answered with lists that hold no numbers; say with --answers where these are") from error
    return Replies(values=np.where(np.isnan(values), np.inf, values))


def _kind(value: Any) -> str:
    for kind, name in ((bool, "true or false"), (str, "text"), (dict, "object"), (list, "list")):
        if isinstance(value, kind):
            return name
    return {int: "whole number", float: "number"}.get(type(value), "null")
