"""From a YAML file, flags or nested dictionaries to a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import yaml
from pydantic import BaseModel, ValidationError

from unlearn_audit.config.audit import AuditConfig, reuse_to_execution
from unlearn_audit.config.blocks import unit_to_person
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.doors import installed, is_object
from unlearn_audit.utils.manifest import check_recorded
from unlearn_audit.utils.programs import is_command
from unlearn_audit.utils.registry import GROUPS
from unlearn_audit.utils.suggest import advice

# PyYAML's constructors pass on what they stumble over: a 13th month, an `!!int` that is none, endless nesting
_BAD_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError, ArithmeticError)

_MOST_BYTES = 1_000_000
_MOST_VALUES = 100_000
_MOST_BRACKETS = 100
_IN_BASE_60 = re.compile(r"(?::[0-5]?[0-9]){20}")


def read_config(path: Path, overrides: dict[str, Any] | None = None, *, allow_code: bool = False) -> AuditConfig:
    """Read a YAML file and lay ``overrides`` (nested dictionaries) over it.

    A file on its own runs only this package's code: third-party models, attacks, methods, defences and datasets must
    be named in ``overrides``, or allowed.

    Raises
    ------
    AuditError
        If the file is missing, is not plain YAML, has an unknown key or a bad value, names third-party code that is not
        allowed, or is in the folder of a run and has changed since the run wrote it.
    """
    check_recorded(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise AuditError(
                f"{path} has more than {_MOST_BYTES:,} bytes, too many for a configuration; check the path"
            )
        text = path.read_text(encoding="utf-8")
        _check_text(text)
        content = yaml.safe_load(text)
        _check_extent(content)
    except AuditError:
        raise
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise AuditError(f"no configuration file at {path}; check the path") from error
    except OSError as error:
        raise AuditError(f"the configuration {path} cannot be read ({error.strerror}); check the file") from error
    except UnicodeDecodeError as error:
        raise AuditError(f"{path} is not UTF-8 text; save the configuration as UTF-8") from error
    except _BAD_YAML as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise AuditError(f"{path} is not plain YAML ({reason}); only plain values are read") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise AuditError(f"{path} holds a {type(content).__name__}, not keys and values; see docs/configuration.md")
    config = build_config(_merge(reuse_to_execution(content), overrides or {}), where=str(path))
    vouched = set(_texts(overrides or {}))
    for key, name in () if allow_code else _code_named(config):
        if name not in vouched:
            meant = "" if key != "defenses" or ".py:" in name else " (if a parameter is meant, it has to be a number)"
            raise AuditError(
                f"{path} would run third-party code ({key}: {name}); once you have read it, pass --allow-code, or name "
                f"it on the command line{meant}"
            )
    return config


def _check_text(text: str) -> None:
    """Raise for what takes a reader of YAML the square of its length: brackets in brackets, and numbers in base 60."""
    steps = np.zeros(len(text), dtype=np.int8)
    letters = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    steps[np.isin(letters, [ord("["), ord("{")])] = 1
    steps[np.isin(letters, [ord("]"), ord("}")])] = -1
    if np.cumsum(steps, dtype=np.int64).max(initial=0) > _MOST_BRACKETS:
        raise ValueError(f"brackets are nested more than {_MOST_BRACKETS} deep")
    if _IN_BASE_60.search(text):
        raise ValueError("a number in base 60 is too long")


def _check_extent(content: Any) -> None:
    """Raise where aliases make a few lines stand for more values than a configuration has, or for themselves."""
    left, open_ones = _MOST_VALUES, [content]
    while open_ones:
        of = open_ones.pop()
        below = list(of.values()) if isinstance(of, dict) else of if isinstance(of, list | tuple | set) else ()
        left -= 1 + len(below)
        if left < 0:
            raise ValueError(f"its aliases expand to more than {_MOST_VALUES:,} values")
        open_ones += below


def _code_named(config: AuditConfig) -> Iterator[tuple[str, str]]:
    """Yield key and name of all that a configuration names and this package does not hold."""
    if config.unlearning.method == "command":
        yield "unlearning.command", str(config.unlearning.command)
    named = [("unlearning", "unlearning", config.unlearning.method)]
    for side, of in (("target", config.target), ("shadow", config.shadow)):
        if of is not None and of.model is not None:
            named.append((f"{side}.model", "models", of.model))
        if of is not None and of.data is not None and of.data.name is not None:
            named.append((f"{side}.data", "datasets", of.data.name))
    named += [("attacks", "attacks", name) for name in config.attacks or ()]
    yield from ((key, name) for key, family, name in named if _is_foreign(family, name))
    for text in config.defenses:
        for step in text.split("+"):
            # with a parameter, or without
            names = (step, step.rpartition(":")[0], step.partition(":")[0])
            if any(_is_foreign("defenses", name) for name in names):
                yield "defenses", text


def _is_foreign(family: str, name: str) -> bool:
    if family == "models" and is_command(name):
        return True
    return is_object(name) or name in installed(GROUPS[family])


def _texts(values: Any) -> Iterator[str]:
    """Yield every text in nested dictionaries and lists."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from _texts(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _texts(value)


def build_config(values: dict[str, Any], where: str = "the configuration") -> AuditConfig:
    """Validate nested dictionaries into an `AuditConfig`; bad values raise a one-sentence `AuditError`."""
    try:
        return AuditConfig.model_validate(values)
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "the whole"
            if problem["type"] == "extra_forbidden":
                problems.append(f"unknown key '{key}', {advice(str(problem['loc'][-1]), _keys(problem['loc'][:-1]))}")
            elif problem["type"] == "literal_error":
                expected = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
                problems.append(f"{key}: {problem['input']!r} is unknown, {advice(str(problem['input']), expected)}")
            else:
                problems.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}")
        message = f"{where} cannot be used: {'; '.join(problems)}"
        raise AuditError(" ".join(message.splitlines())) from error  # keys and values can hold newlines


def _keys(path: tuple[str | int, ...]) -> list[str]:
    """Return the keys of the block that a path of keys leads to."""
    block: type[BaseModel] = AuditConfig
    for key in path:
        held = block.model_fields[str(key)].annotation
        block = next(of for of in (held, *get_args(held)) if isinstance(of, type) and issubclass(of, BaseModel))
    return list(block.model_fields)


_SHORT_FORMS = {"data": "name", "scenario": "name", "unlearning": "method", "until": "auc"}
"""Blocks that may be written as one word, and the key that the word sets."""


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid on top, key by key; another source of data replaces the old one.

    What is no block where ``over`` has one stays, so that the validation names it.
    """
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if key in _SHORT_FORMS and isinstance(below, str):
            below = {_SHORT_FORMS[key]: below}
        if not isinstance(value, dict) or below is None:
            merged[key] = value
        elif isinstance(below, dict):
            below = unit_to_person(below) if key == "data" else below
            if key == "data" and {"name", "file"} & value.keys():
                below = {k: v for k, v in below.items() if k == "encoding"}
            merged[key] = _merge(below, value)
    return merged
