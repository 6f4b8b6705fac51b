"""The words of a configuration, and the base of its blocks."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from unlearn_audit.utils.doors import OBJECT, Given, is_object

RegimeName = Literal["fixed", "same-seed", "fresh"]
ScenarioName = Literal["single", "group", "online", "multi-version", "retained", "class"]
ConfigView = Literal["pair", "sequence"]
GameName = Literal["deleted-vs-unseen", "deleted-vs-retained", "retained-vs-unseen", "three-way"]
ReuseName = Literal["never", "mine", "always"]
MeasureName = Literal["relearning", "quantisation"]
THREE_WAY: GameName = "three-way"

NAME = r"[a-z][a-z0-9-]*"
"""The form of a name, as a regular expression."""

_STEP = rf"({OBJECT}|{NAME})(:[^+:\s]+)?"


def _kebab_case(text: str) -> str:
    if re.fullmatch(NAME, text) is None:
        raise ValueError(f"{text!r} is not a name; use small letters, digits and hyphens")
    return text


def _defense(text: str) -> str:
    # step by step: of all at once there are twice as many ways to read them with each
    if not all(re.fullmatch(_STEP, step) for step in text.split("+")):
        raise ValueError(f"{text!r} is not a defence; write it like rounding:2, and join several by +")
    return text


def _kebab_case_or_object(text: str) -> str:
    return text if is_object(text) else _kebab_case(text)


def _or_given(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Take an object itself, in Python, and name it as it could be imported; one of our own by its name."""
    if isinstance(value, Given):
        return value
    if not (callable(value) or hasattr(value, "score")):
        return validate(value)
    given = Given.of(value)
    ours = given.startswith("unlearn_audit.") and not isinstance(value, type)
    return validate(value.name) if ours else given


Name = Annotated[str, AfterValidator(_kebab_case)]
"""A name of something registered; whether there is such a thing, the plan of an audit looks up."""

MemberName = Annotated[
    str, AfterValidator(_kebab_case_or_object), WrapValidator(_or_given), PlainSerializer(str, return_type=str)
]
"""The same, or ``module:object`` or ``file.py:object``; or, in Python, the object."""

DefenseText = Annotated[str, AfterValidator(_defense)]
"""The text of a defence; whether there are such defences, the plan of an audit looks up."""


class Frozen(BaseModel):
    """A block of a configuration: it never changes, and has no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Group = Literal["Data", "Model", "Unlearning", "Worlds", "Attacks", "Defences", "Execution"]
"""Under which heading the help lists a flag."""


def flagged(
    default: Any,
    group: Group,
    flag: str = "",
    *,
    rare: bool = False,
    of_files: bool = False,
    family: str = "",
    **field: Any,
) -> Any:
    """Return a field that is also a flag of the command line, with its description as help.

    Parameters
    ----------
    default
        Of the field.
    group
        The heading it is listed under.
    flag
        Its name without dashes; by default that of the field.
    rare
        Whether only the whole help lists it.
    of_files
        Whether it means something for files of posteriors too.
    family
        A family of `unlearn_audit.utils.registry.GROUPS` whose members it names.
    field
        What `pydantic.Field` takes.
    """
    extra: Any = {"group": group, "flag": flag, "rare": rare, "of_files": of_files, "family": family}
    return Field(default=default, json_schema_extra=extra, **field)
