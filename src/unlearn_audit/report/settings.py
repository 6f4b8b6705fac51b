"""Settings in publishable form: what was configured, without paths of a disk or identifiers of records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PureWindowsPath
from typing import Any
from urllib.parse import urlsplit

MANY = 8
"""A list longer than this is summed up by its length."""

PRIVATE = frozenset({"training_warnings"})
"""Settings that are never published: the text of a warning can quote a record."""

_PATHS = frozenset({"file", "model", "folder", "store", "out"})
_IDENTIFIERS = re.compile(r"(^|[_-])(ids?|records?|requests?|worlds?|people)$")
_ROOTED = re.compile(r"^(/|~|\.\.?[/\\]|[A-Za-z]:[/\\]|\\\\)")


def in_full(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return nested settings as `publishable` does, but with whole paths: for their owner alone.

    Examples
    --------
    >>> in_full({"data": {"file": "/home/ada/people.csv", "label": None}, "deleted_ids": [17, 23]})
    [('data.file', '/home/ada/people.csv'), ('deleted_ids', '2 values')]
    """
    return _flat(settings, "", lambda _, text: text)


def publishable(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return nested settings as flat pairs of a dotted key and a text that names nobody.

    Of a path of a disk (and of whatever stands under file, model, folder, store or out) only the last part is
    left, of another web address only host and path; a list under a key that
    speaks of ids, records, requests or worlds, a long list, and a mapping keyed by numbers are only counted.
    Settings that are not set or `PRIVATE` are left out.

    Examples
    --------
    >>> publishable({"data": {"file": "/home/ada/people.csv", "label": None}, "deleted_ids": [17, 23]})
    [('data.file', 'people.csv'), ('deleted_ids', '2 values')]
    """
    return _flat(settings, "", _without_paths)


def _flat(settings: Mapping[str, Any], prefix: str, shown: Callable[[str, str], str]) -> list[tuple[str, str]]:
    """Return nested settings as pairs; ``shown`` takes a key and a text, and says what is shown of it."""
    pairs: list[tuple[str, str]] = []
    for key, value in settings.items():
        if key in PRIVATE:
            continue
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and not all(str(k).lstrip("-").isdigit() for k in value):
            pairs.extend(_flat(value, f"{name}.", shown))
        elif isinstance(value, Mapping):
            pairs.append((name, _counted(len(value))))
        elif value is not None:
            pairs.append((name, _text(str(key), value, shown)))
    return pairs


def without_folder(text: str) -> str:
    """Return a text, or only its last part if it is a path of a disk, or only host and path of a web address.

    Examples
    --------
    >>> without_folder("~/data/adult.csv"), without_folder("adult"), without_folder("https://me:pw@host/a?b=c")
    ('adult.csv', 'adult', 'host/a')
    """
    if "://" in text:
        parts = urlsplit(text)
        return f"{parts.hostname or ''}{parts.path}" if parts.scheme != "file" else PureWindowsPath(parts.path).name
    return PureWindowsPath(text).name or text if _ROOTED.match(text) else text


def _text(key: str, value: Any, shown: Callable[[str, str], str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if key.endswith("seed") else f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) > MANY or _IDENTIFIERS.search(key) or any(isinstance(v, Mapping) for v in value):
            return _counted(len(value))
        return ", ".join(_text(key, item, shown) for item in value) or "none"
    return shown(key, str(value))


def _without_paths(key: str, text: str) -> str:
    text = without_folder(text)
    return _last_part(text) if key in _PATHS else text


def _last_part(path: str) -> str:
    """Return what follows the last slash, so that of ``dir/model.py:make`` the factory stays."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path


def _counted(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"
