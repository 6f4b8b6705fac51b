"""Extensions of the API pages: what the source alone doesn't show of parameters and of keys of a configuration."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from griffe import Class, Docstring, DocstringSectionKind, Extension, Function
from pydantic import BaseModel

from unlearn_audit.cli.shared.from_config import with_names
from unlearn_audit.utils.messages import first_line

SHARED = re.compile(r"^ *\w+(, \w+)+$", re.MULTILINE)


class OwnTypes(Extension):
    """Take types and defaults from the signature; the parser takes those of the first name for all."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Correct the parsed docstring of a function."""
        if func.docstring is None or not SHARED.search(func.docstring.value):
            return
        for section in func.docstring.parsed:
            if section.kind is DocstringSectionKind.parameters:
                for described in section.value:
                    parameter = next((of for of in func.parameters if of.name == described.name), None)
                    if parameter is not None:
                        described.annotation, described.value = parameter.annotation, parameter.default


class Keys(Extension):
    """Give each key of a block of a configuration its default and its description."""

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Describe the fields of a class, if it is such a block."""
        if not cls.path.startswith("unlearn_audit.config."):
            return
        block = getattr(import_module(cls.module.path), cls.name, None)
        if not (isinstance(block, type) and issubclass(block, BaseModel)):
            return
        for name, field in block.model_fields.items():
            if name not in cls.members:
                continue
            of = cls.members[name]
            of.value = None if field.is_required() else _short(field.get_default(call_default_factory=True))
            default = field.get_default()
            said = field.description or (first_line(type(default)) if isinstance(default, BaseModel) else "")
            if said and of.docstring is None:
                of.docstring = Docstring(_sentence(with_names(said)), parent=of)


def _short(default: Any) -> str:
    return f"{type(default).__name__}()" if isinstance(default, BaseModel) else repr(default)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
