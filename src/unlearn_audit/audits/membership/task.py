"""An audit about to be run: what is asked, of which records and models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unlearn_audit.audits.membership.listed import listed_records
from unlearn_audit.config import AuditConfig
from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.store.keys import dataset_fingerprint, digest
from unlearn_audit.models import ModelSource, resolve_model
from unlearn_audit.unlearning import code_of
from unlearn_audit.unlearning.training import known_to_answer
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.prepare import Records, prepare


@dataclass(frozen=True)
class AuditTask:
    """An audit about to be run: its configuration, and the records and models of both sides.

    Attributes
    ----------
    config
        What is asked.
    records, models
        By side.
    listed
        (m,) positions of the target's records that a list of ids names, if one is to be deleted.
    """

    config: AuditConfig
    records: Mapping[str, Records]
    models: Mapping[str, ModelSource]
    listed: Positions | None = None

    @classmethod
    def load(cls, config: AuditConfig) -> AuditTask:
        """Load the data and resolve the models that a configuration names.

        Raises
        ------
        AuditError
            If there is no such data or model, or the two sides do not go together.
        """
        target, shadow = config.target, config.shadow_side
        passed = target.passed_on
        records = {"target": prepare(target.data, config.seed, config.groups, passed)}
        records["shadow"] = (
            records["target"]
            if shadow.data == target.data
            else prepare(shadow.data, config.seed, fit_params=shadow.passed_on)
        )
        models = {
            side: resolve_model(of.model, of.network.settings, of.timeout)
            for side, of in (("target", target), ("shadow", shadow))
        }
        return cls.of(config, records, models, passed)

    @classmethod
    def of(
        cls,
        config: AuditConfig,
        records: Mapping[str, Records],
        models: Mapping[str, ModelSource],
        fit_params: Mapping[str, Any] = MappingProxyType({}),
    ) -> AuditTask:
        """Return the audit; the code of an unlearning method of other people's counts with that of each model.

        Of ``fit_params``, what is no column of the records is passed on to every ``fit`` as it is.
        """
        models = {side: _ready(source, records[side].data, fit_params) for side, source in models.items()}
        code = code_of(config.unlearning)
        if code is not None:
            models = {side: source.along_with(code) for side, source in models.items()}
        listed = None
        if config.scenario.delete_ids is not None:
            listed = listed_records(Path(config.scenario.delete_ids), records["target"])
        return cls(config, records, models, listed)

    @property
    def same_data(self) -> bool:
        """Whether both sides draw on the same records."""
        return self.records["shadow"] is self.records["target"]

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
            **({} if self.listed is None else {"listed": digest({"positions": self.listed.tolist()})}),
        }


def _ready(source: ModelSource, data: Dataset, fit_params: Mapping[str, Any]) -> ModelSource:
    """Return a source that passes on what ``fit`` is to get, and of which it is known how its models answer."""
    constants = {name: value for name, value in fit_params.items() if name not in data.fit_columns}
    return known_to_answer(source.passing(constants, data.fit_columns), data)
