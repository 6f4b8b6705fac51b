"""What an audit of two tables of observations reads of a configuration, and how it takes the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unlearn_audit.attacks.sample import FIT_ROWS
from unlearn_audit.config import AuditConfig
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.attack_plan import AttackPlan, available_in_tables
from unlearn_audit.findings.tables import SideTables
from unlearn_audit.observations import Observations
from unlearn_audit.observations.table import GROUP
from unlearn_audit.utils.manifest import digest_of

READ_OF_FILES = ("games", "views", "attacks", "defenses", "features", "attack_models", "fit_rows", "groups", "seed")
"""The keys of a configuration that an audit of files reads."""


def plan_of_files(
    shadow: Observations, target: Observations, config: AuditConfig
) -> tuple[dict[str, SideTables], AttackPlan]:
    """Return two tables as an audit takes them, and the attacks on them; attack models are fitted on a bounded sample.

    Raises
    ------
    AuditError
        If what is asked cannot be had of files.
    """
    if config.until is not None:
        raise AuditError("until adds target worlds, and a file of posteriors has no worlds to add; use it with run")
    tables = {UNDEFENDED: SideTables(shadow, _grouped_by(target, config.groups))}
    if config.fit_rows is None:
        config = config.model_copy(update={"fit_rows": FIT_ROWS})
    plan = AttackPlan.of(config, available_in_tables(config, tables))
    for defense in plan.defenses:
        if defense.training != UNDEFENDED:
            raise AuditError(
                f"{defense.training} changes the training, and a file of posteriors has none; use it with run"
            )
    return tables, plan


def _grouped_by(target: Observations, names: Sequence[str]) -> Observations:
    """Return a table with the groups asked for alone."""
    for name in names:
        if name not in target.groups:
            there = ", ".join(GROUP + of for of in target.groups) or "none"
            raise AuditError(f"the target file has no column {GROUP + name!r} to group by; it has {there}")
    return replace(target, groups={name: target.groups[name] for name in names})


def file_settings(
    config: AuditConfig, files: Mapping[str, Path], read_as: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the configuration of an audit of tables: what is taken from ``config``, and digests of the files.

    Parameters
    ----------
    config
        The configuration.
    files
        The file of each side.
    read_as
        What was stated of how they are to be read.
    """
    used = config.model_dump(mode="json", include=set(READ_OF_FILES))
    return {
        **used,
        "observations": {side: {"file": path.name, "sha256": digest_of(path)} for side, path in files.items()},
        **({"read_as": dict(read_as)} if read_as else {}),
    }
