"""A model and arrays from Python, as an audit takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import AuditConfig, DataConfig, SideConfig, WorldsConfig, build_config
from unlearn_audit.config.blocks import WEIGHT
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.worlds.from_arrays import prepare_arrays

SIZES = {"shadow_worlds": "shadow", "target_worlds": "target"}
"""Keywords of a function for fields of `WorldsConfig` that are called otherwise there."""

NO_SIDES = dict.fromkeys(
    ("target", "shadow"),
    "model, X and y are both sides; for an attacker with different data or a different model use run() with a "
    "configuration",
)
"""Why functions that take arrays have no such keywords."""


def sizes_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `WorldsConfig` among the keywords of a function."""
    named = {SIZES.get(key, key): of for key, of in given.items() if key not in SIZES.values()}
    return {key: named[key] for key in WorldsConfig.model_fields if key in named}


def settings_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `AuditConfig` among the keywords of a function; None means the default of the field."""
    apart = {"target", "shadow", "worlds", "groups", "execution"}
    return {key: of for key, of in given.items() if key in AuditConfig.model_fields.keys() - apart and of is not None}


@dataclass(frozen=True)
class Arrays:
    """A model and the arrays that it is audited with.

    Attributes
    ----------
    model
        What `unlearn_audit.models.resolve_model` takes.
    X, y, persons, groups, keep
        What `unlearn_audit.worlds.from_arrays.prepare_arrays` takes.
    name
        What to call the data in reports.
    fit_params
        What is passed on to ``fit``.
    """

    model: Any
    X: Any
    y: Sequence[Any] | str
    persons: Sequence[Any] | str | None
    name: str
    groups: Sequence[str] | Mapping[str, Sequence[Any]]
    keep: Sequence[str]
    fit_params: Mapping[str, Any]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Arrays:
        """Return what the keywords of a function hold; ``person`` is the name of a column, for ``persons``."""
        person, persons = given["person"], given["persons"]
        if person is not None and persons is not None:
            raise AuditError("person names a column and persons holds one value per record; give one of them")
        if person is not None and not isinstance(person, str):
            raise AuditError("person is the name of a column of X; give one value per record as persons")
        named = {key: given[key] for key in ("model", "X", "y", "name", "groups", "keep")}
        passed = dict(given["fit_params"] or {})
        if given["sample_weight"] is not None:
            if WEIGHT in passed:
                raise AuditError(f"{WEIGHT} and fit_params both give weights; keep one of them")
            passed[WEIGHT] = given["sample_weight"]
        return cls(**named, persons=persons if person is None else person, fit_params=passed)

    def task(self, what: str, sizes: WorldsConfig | Mapping[str, Any], settings: Mapping[str, Any]) -> AuditTask:
        """Return the audit, given what the function is called that takes the arrays, and its further settings."""
        source = resolve_model(self.model)
        told = {key: _told(of) for key, of in self.fit_params.items()}
        side = SideConfig(data=DataConfig(name=self.name), model=source.name, fit_params=told)
        groups = (self.groups,) if isinstance(self.groups, str) else self.groups
        keep = (self.keep,) if isinstance(self.keep, str) else self.keep
        values = {"target": side, "worlds": sizes, "groups": tuple(groups), **settings}
        config = build_config(values, where=f"{what}()")
        records = prepare_arrays(self.X, self.y, self.persons, self.name, config.seed, groups, keep, self.fit_params)
        both = {"target": records, "shadow": records}
        return AuditTask.of(config, both, {"target": source, "shadow": source}, self.fit_params)


def _told(value: Any) -> Any:
    """Return what a configuration tells of a parameter of ``fit``: a plain value, or what kind of value it is."""
    return value if isinstance(value, bool | int | float | str | None) else f"a {type(value).__name__}"
