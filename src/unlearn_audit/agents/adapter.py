"""Objects of the user's that are agents, as what replies to messages."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from unlearn_audit.agents.base import OPTIONAL, REQUIRED, Document
from unlearn_audit.agents.messages import Unusable
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import defined_at, foreign, raised

_SILENT = ("reset", "ingest", "set_memory", "cycle")
"""Calls whose result nobody looks at."""


def adapter_of(found: Any, where: str) -> Adapter:
    """Return the adapter of an object, or of what a class or function returns without arguments.

    Raises
    ------
    AuditError
        If it raises an error, or lacks a method.
    """
    made = found
    if isinstance(found, type) or (callable(found) and _lacking(found)):
        with foreign(f"agent {where} raised when it was made (", ")", of=found):
            made = found()
    if missing := _lacking(made):
        raise AuditError(
            f"agent {where} is a {type(made).__name__} without {' and '.join(missing)}; give an object, or a class or "
            f"function without arguments that makes one, with the methods {', '.join(REQUIRED)}{defined_at(found)}"
        )
    return Adapter(made)


def _lacking(found: Any) -> list[str]:
    return [name for name in REQUIRED if not callable(getattr(found, name, None))]


class Adapter:
    """An agent of the user's.

    Parameters
    ----------
    agent
        Any object with the methods of `unlearn_audit.agents.base.REQUIRED`, and maybe some of ``OPTIONAL``.
    """

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def reply(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reply to a message, in values that JSON has."""
        call = message.get("call")
        if call == "hello":
            offers = [name for name in OPTIONAL if callable(getattr(self._agent, name, None))]
            nothing = getattr(self._agent, "asking_changes_nothing", False) is True
            return {"answer": {"offers": offers, "asking_changes_nothing": nothing}}
        if call not in (*REQUIRED, *OPTIONAL):
            return {"error": f"there is no call {call!r}"}
        method = getattr(self._agent, call)
        try:
            found = method(*_arguments(call, message))
            return {"answer": None if call in _SILENT and not inspect.isawaitable(found) else _plain(found, call)}
        except Unusable as error:
            return {"error": f"{error}{defined_at(method)}", "what": "broken"}
        # it may call sys.exit, and is to be heard of all the same
        except BaseException as error:  # noqa: BLE001
            return {"error": raised(error, of=method)}


def _arguments(call: str, message: Mapping[str, Any]) -> list[Any]:
    if call == "ingest":
        return [Document(message["text"], message["person"]), message["train"]]
    # in the order of the method's parameters, which people may name otherwise
    return [value for name, value in message.items() if name != "call"]


def _plain(value: Any, call: str) -> Any:
    """Return a value as JSON has it.

    Raises
    ------
    Unusable
        If JSON has no such value.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {of.name: _plain(getattr(value, of.name), call) for of in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):  # a named tuple
        return _plain(value._asdict(), call)
    if isinstance(value, Mapping):
        return {str(key): _plain(of, call) for key, of in value.items()}
    if hasattr(value, "tolist"):  # a number or array of NumPy or PyTorch
        return _plain(value.tolist(), call)
    if isinstance(value, list | tuple):
        return [_plain(of, call) for of in value]
    if inspect.iscoroutine(value):
        value.close()
        raise Unusable(f"answered '{call}' with a coroutine; let the method await it, as by asyncio.run")
    raise Unusable(f"answered '{call}' with a {type(value).__name__}; answer with texts and numbers")
