"""Headers of requests whose values are secret: they stand in the environment or in files, and in no command or log."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import content_of

_HEADER = re.compile(r"\s*([A-Za-z0-9-]+)\s*:\s*(.*?)(env|file):(.+?)\s*", re.DOTALL)


def headers_of(given: Sequence[str]) -> dict[str, str]:
    """Return headers by name.

    Parameters
    ----------
    given
        Each ``Name: env:VARIABLE`` or ``Name: file:PATH``, maybe with a text before, as ``Authorization: Bearer
        env:TOKEN``.

    Raises
    ------
    AuditError
        If one has another form, or there is no such variable or file.

    Examples
    --------
    >>> os.environ["TOKEN_OF_AN_EXAMPLE"] = "abc"
    >>> headers_of(["Authorization: Bearer env:TOKEN_OF_AN_EXAMPLE"])
    {'Authorization': 'Bearer abc'}
    """
    found = {}
    for text in given:
        parts = _HEADER.fullmatch(text)
        if parts is None:
            name = text.partition(":")[0].strip()[:40]
            raise AuditError(
                f"the header {name!r} has no value in the environment or in a file; write it like 'Authorization: "
                "Bearer env:TOKEN' or 'X-Api-Key: file:key.txt', so that its value appears in no command"
            )
        name, start, kind, place = parts.groups()
        value = _in_environment(name, place) if kind == "env" else _in_file(name, Path(place))
        if not value.isprintable() or not value.isascii():
            raise AuditError(f"the value of the header {name} is empty or holds characters not allowed in headers")
        found[name] = f"{start}{value}"
    return found


def _in_environment(name: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise AuditError(f"the environment variable {variable} of the header {name} is not set; export it first")
    return value


def _in_file(name: str, path: Path) -> str:
    value = content_of(path).decode("utf-8", errors="replace").strip()
    if not value:
        raise AuditError(f"the file {path} of the header {name} is empty")
    return value
