"""The block of a configuration that says what an update does."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from unlearn_audit.config.base import Frozen, ScenarioName, flagged

_WHOM = {"delete_class": "--delete-class", "delete_ids": "--delete-ids"}
"""The keys that say whom the scenario class deletes, with their options."""


class ScenarioConfig(Frozen):
    """What an update does (Chen et al., CCS 2021, section 6)."""

    name: ScenarioName = flagged(
        "single",
        "Unlearning",
        "scenario",
        description="what an update does. single: one deletion; group: several at once; online: deletions and the same "
        "number of additions; multi-version: a chain of deletions; retained: single deletions, querying those who "
        "remain; class: all records of a class, or on a list, at once",
    )
    size: int | str = flagged(
        1,
        "Unlearning",
        description="records (or people) deleted by one update: a number, or a share like 1%. Default: 1, group 10",
    )
    versions: int = flagged(
        1, "Unlearning", rare=True, ge=1, description="updates in a chain of multi-version. Default: 5"
    )
    delete_class: str | None = flagged(
        None, "Unlearning", rare=True, description="scenario class: the class whose records are all deleted at once"
    )
    delete_ids: str | None = flagged(
        None,
        "Unlearning",
        rare=True,
        description="scenario class: a file of the ids that are deleted at once, one per line or in a column 'record'; "
        "ids of people with --person, else row numbers from 0",
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"name": value}
        if isinstance(value, dict):
            if value.get("name") == "rectify":
                raise ValueError("rectifications are audited by a separate command: unlearn-audit rectify")
            usual: dict[str, dict[str, Any]] = {"group": {"size": 10}, "multi-version": {"versions": 5}}
            named = "single" if value.get("delete_class") is value.get("delete_ids") is None else "class"
            return {**usual.get(str(value.get("name")), {}), "name": named, **value}
        return value

    @field_validator("size", mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value

    @model_validator(mode="after")
    def _size_fits_the_name(self) -> ScenarioConfig:
        if isinstance(self.size, str):
            number = self.size.removesuffix("%")
            try:
                right = self.size.endswith("%") and 0 < float(number) < 100
            except ValueError:
                right = False
            if not right:
                raise ValueError(f"size {self.size!r} is not a percentage between 0% and 100%")
        elif self.size < 1:
            raise ValueError(f"size {self.size} deletes no one; give at least 1")
        if self.name in ("single", "retained") and self.size != 1:
            raise ValueError(f"scenario {self.name} deletes one record per update; use scenario group for {self.size}")
        if self.name != "multi-version" and self.versions != 1:
            raise ValueError(f"scenario {self.name} has one update; use scenario multi-version for {self.versions}")
        return self

    @model_validator(mode="after")
    def _says_whom(self) -> ScenarioConfig:
        given = [flag for name, flag in _WHOM.items() if getattr(self, name) is not None]
        if self.name != "class" and given:
            raise ValueError(f"{given[0]} belongs to the scenario class, and the scenario is {self.name}")
        if self.name == "class" and len(given) != 1:
            raise ValueError("scenario class needs either --delete-class (a class) or --delete-ids (a file of ids)")
        if self.name == "class" and self.size != 1:
            raise ValueError(f"scenario class deletes all that {given[0]} names; leave --size {self.size} out")
        return self

    @model_serializer(mode="wrap")
    def _as_before_there_was(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out whom the scenario class deletes where it is another one: configurations keep their digest."""
        written: dict[str, Any] = write(self)
        return {key: value for key, value in written.items() if key not in _WHOM or value is not None}
