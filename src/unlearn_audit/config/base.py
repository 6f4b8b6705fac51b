"""The words of a configuration, and the base of its blocks."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

RegimeName = Literal["fixed", "same-seed", "fresh"]
ScenarioName = Literal["single", "group", "online", "multi-version", "retained"]
ConfigView = Literal["pair", "sequence"]
GameName = Literal["deleted-vs-unseen", "deleted-vs-retained", "retained-vs-unseen", "three-way"]
ReuseName = Literal["never", "mine", "always"]
THREE_WAY: GameName = "three-way"

_NAME = r"[a-z][a-z0-9-]*"
_DEFENSE = re.compile(rf"{_NAME}(:[^+:\s]+)?(\+{_NAME}(:[^+:\s]+)?)*")


def _kebab_case(text: str) -> str:
    if re.fullmatch(_NAME, text) is None:
        raise ValueError(f"{text!r} is not a name; use small letters, digits and hyphens")
    return text


def _defense(text: str) -> str:
    if _DEFENSE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a defence; write it like rounding:2, and join several by +")
    return text


Name = Annotated[str, AfterValidator(_kebab_case)]
"""A name of something registered; whether there is such a thing, the plan of an audit looks up."""

DefenseText = Annotated[str, AfterValidator(_defense)]
"""The text of a defence; whether there are such defences, the plan of an audit looks up."""


class Frozen(BaseModel):
    """A block of a configuration: it never changes, and has no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
