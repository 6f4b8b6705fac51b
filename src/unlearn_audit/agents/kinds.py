"""The kinds of agents there are, which of them a text names, and how one is opened."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from unlearn_audit.agents.base import Agent, Failure, Kind, Opening
from unlearn_audit.agents.http import HttpKind
from unlearn_audit.agents.in_process import opened_object
from unlearn_audit.agents.program import ProgramKind
from unlearn_audit.agents.python import PythonKind
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.kinds import kind_taking, registry_of_kinds
from unlearn_audit.utils.registry import Registry

KINDS: dict[str, Kind] = {"http": HttpKind(), "python": PythonKind(), "program": ProgramKind()}
"""Our own kinds by name, in the order in which they are asked whether a text is theirs; a new one is one file."""


REGISTRY: Registry[Kind] = registry_of_kinds("agent", "agents", KINDS, Kind)  # type: ignore[type-abstract]
"""Every kind there is."""


@contextmanager
def open_agent(
    given: str | object,
    timeout: float = 60.0,
    headers: Mapping[str, str] | None = None,
    start_timeout: float = 300.0,
) -> Iterator[Agent]:
    """Open an agent for as long as a block runs.

    Parameters
    ----------
    given
        ``file.py:Class``, ``module:object``, an address, a command; or the object, class or function itself.
    timeout
        Seconds of one call.
    headers
        Of requests to an address; their values are secret.
    start_timeout
        Seconds until it can be called: it may have to load a model first.

    Raises
    ------
    AuditError
        If there is none, or it does not start.
    """
    for name, seconds in (("timeout", timeout), ("start_timeout", start_timeout)):
        if not 0 < seconds < math.inf:
            raise AuditError(f"{name} is {seconds:g}; give a number of seconds above 0")
    with ExitStack() as stack:
        try:
            agent = stack.enter_context(_opened(given, Opening(timeout, start_timeout, headers or {})))
        except Failure as failure:
            raise AuditError(str(failure)) from failure
        yield agent


def _opened(given: Any, opening: Opening) -> AbstractContextManager[Agent]:
    if isinstance(given, Agent):
        return nullcontext(given)
    if not isinstance(given, str):
        return opened_object(given, opening)
    kind = kind_taking(given, REGISTRY, "no agent", _meant(given))
    if opening.headers and isinstance(kind, PythonKind | ProgramKind):
        raise AuditError(f"headers are for an agent at an address, and {given} is none; leave them out")
    return kind.opened(given, opening)


def _meant(text: str) -> str:
    """Return which class a file of Python is probably given for; an empty text if none."""
    file = Path(text)
    if file.suffix != ".py" or not file.is_file():
        return ""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ""
    agents = [of.name for of in tree.body if isinstance(of, ast.ClassDef) and "ask" in _methods(of)]
    names = " or ".join(f"{text}:{name}" for name in agents)
    return f"did you mean {names}?" if names else f"name the class in it, as {text}:Agent"


def _methods(of: ast.ClassDef) -> set[str]:
    return {node.name for node in of.body if isinstance(node, ast.FunctionDef)}
