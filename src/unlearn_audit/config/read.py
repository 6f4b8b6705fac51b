"""From a YAML file, flags or nested dictionaries to a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from unlearn_audit.config.audit import AuditConfig, reuse_to_execution
from unlearn_audit.config.blocks import unit_to_person
from unlearn_audit.errors import AuditError

# PyYAML's constructors pass on what they stumble over: a 13th month, an `!!int` that is none, endless nesting
_BAD_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


def read_config(path: Path, overrides: dict[str, Any] | None = None) -> AuditConfig:
    """Read a YAML file and lay ``overrides`` (nested dictionaries) over it.

    Raises
    ------
    AuditError
        If the file is missing, is not plain YAML, or has an unknown key or a bad value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
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
    return build_config(_merge(reuse_to_execution(content), overrides or {}), where=str(path))


def build_config(values: dict[str, Any], where: str = "the configuration") -> AuditConfig:
    """Validate nested dictionaries into an `AuditConfig`; bad values raise a one-sentence `AuditError`."""
    try:
        return AuditConfig.model_validate(values)
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "the whole"
            if problem["type"] == "extra_forbidden":
                problems.append(f"unknown key '{key}'")
            else:
                problems.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}")
        message = f"{where} cannot be used: {'; '.join(problems)}"
        raise AuditError(" ".join(message.splitlines())) from error  # keys and values can hold newlines


_SHORT_FORMS = {"data": "name", "scenario": "name", "unlearning": "method", "until": "auc"}
"""Blocks that may be written as one word, and the key that the word stands for."""


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
