"""An audit about to be run: what is asked, of which records and models; and how it is to be executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unlearn_audit.config import AuditConfig, ReuseName
from unlearn_audit.engine.store.keys import dataset_fingerprint, digest
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.models import ModelSource, resolve_model
from unlearn_audit.utils.progress import Reporter, Silent
from unlearn_audit.worlds.prepare import Records, prepare


@dataclass(frozen=True)
class Execution:
    """What does not change results.

    Attributes
    ----------
    jobs
        Cores to use.
    store
        Folder of finished worlds, shared by runs; None means `default_store_folder`.
    reporter
        Shows progress.
    executor
        Where worlds are made: ``serial``, ``processes`` or ``dask``; None means processes for several jobs.
    scheduler
        The address of a running Dask scheduler; None means worker processes of this machine.
    keep_going
        Whether an attack that fails is reported and the others go on.
    explain
        Whether to tell the reporter what is reused and why the rest is not.
    reuse
        What may be taken from the store: ``never``, ``mine`` or ``always``; None means as the configuration says.
    """

    jobs: int = 1
    store: Path | None = None
    reporter: Reporter = field(default_factory=Silent)
    executor: str | None = None
    scheduler: str | None = None
    keep_going: bool = False
    explain: bool = False
    reuse: ReuseName | None = None

    def reusing(self, config: AuditConfig) -> Reuse:
        """Return what a run of a configuration may take from the store."""
        return Reuse(self.reuse or config.execution.reuse)


@dataclass(frozen=True)
class Subject:
    """An audit about to be run: its configuration, and the records and models of both sides.

    Attributes
    ----------
    config
        What is asked.
    records, models
        By side.
    """

    config: AuditConfig
    records: Mapping[str, Records]
    models: Mapping[str, ModelSource]

    @classmethod
    def load(cls, config: AuditConfig) -> Subject:
        """Load the data and resolve the models that a configuration names.

        Raises
        ------
        AuditError
            If there is no such data or model, or the two sides do not go together.
        """
        target, shadow = config.target, config.shadow_side
        records = {"target": prepare(target.data, config.seed, config.groups)}
        records["shadow"] = records["target"] if shadow.data == target.data else prepare(shadow.data, config.seed)
        models = {
            side: resolve_model(of.model, of.network.settings) for side, of in (("target", target), ("shadow", shadow))
        }
        return cls(config, records, models)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes this audit another than any other; changed data or model code make another identity."""
        columns = self.records["target"].columns
        groups = {name: digest({"values": [str(value) for value in of]}) for name, of in columns.items()}
        return {
            "config": self.config.model_dump(mode="json"),
            "data": {side: dataset_fingerprint(of.data) for side, of in self.records.items()},
            "model": {side: digest({"model": source.fingerprint}) for side, source in self.models.items()},
            **({"groups": groups} if groups else {}),
        }
