"""Tests the claim of a regime once for each model, and keeps what was found in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.executors import elsewhere
from unlearn_audit.engine.store.keys import STAGE_VERSION, dataset_fingerprint, digest, library_versions
from unlearn_audit.engine.store.reuse import Reuse
from unlearn_audit.engine.store.store import Store
from unlearn_audit.models.fingerprint import computed_with
from unlearn_audit.models.regimes import Draws, Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning import Forgetting, Unlearner, measure, measure_method, needs_measuring
from unlearn_audit.utils.progress import Reporter, Silent
from unlearn_audit.worlds import WorldPlan


@dataclass
class Claims:
    """What was found of the models of an audit.

    Attributes
    ----------
    store
        Where it is looked up and kept; None for nowhere.
    reuse
        Whether what is kept there may be taken.
    keep
        Whether it is kept, or only looked up.
    reporter
        Shows that models are trained.
    """

    store: Store | None = None
    reuse: Reuse = field(default_factory=Reuse)
    keep: bool = True
    reporter: Reporter = field(default_factory=Silent)
    _found: dict[str, Draws] = field(default_factory=dict, init=False, repr=False)

    def of(self, source: ModelSource, data: Dataset, plan: WorldPlan, asked: Regime) -> Draws | None:
        """Return what training a model several times on one world's records shows; None if it is known what it does.

        Raises
        ------
        AuditError
            If a training fails.
        """
        if not needs_measuring(source):
            return None
        return self._found_or_measured(
            {**_document("regime", source, data, plan), "asked": str(asked)},
            source,
            data,
            "Training twice, to see what is reproducible",
            lambda: measure(source, data, plan.world(0).training, asked, plan.seed, np.sort(plan.pool.unseen)),
        )

    def of_method(self, unlearner: Unlearner, source: ModelSource, data: Dataset, plan: WorldPlan) -> Draws | None:
        """Return what unlearning twice from one original with one seed shows; None if it is known what it draws from.

        Raises
        ------
        AuditError
            If the training or an unlearning fails.
        """
        if not (isinstance(unlearner, Forgetting) and unlearner.unknown_draws):
            return None
        return self._found_or_measured(
            {**_document("regime-of-method", source, data, plan), "unlearning": repr(unlearner)},
            source,
            data,
            "Training once and unlearning twice, to see what is reproducible",
            lambda: Draws(again=measure_method(unlearner, source, data, plan.world(0).training, plan.seed)),
        )

    def _found_or_measured(
        self, document: dict[str, Any], source: ModelSource, data: Dataset, doing: str, measured: Callable[[], Draws]
    ) -> Draws:
        key = digest(document)
        if key not in self._found:
            self._found[key] = self._stored(source, document) or self._measured(document, source, data, doing, measured)
        return self._found[key]

    def _stored(self, source: ModelSource, document: dict[str, Any]) -> Draws | None:
        if self.store is None or not self.reuse.allows(source, document):
            return None
        found = self.store.get_arrays(document)
        known = None if found is None else {name: float(value) for name, value in found[0].items()}
        if known is None or not known.keys() <= {of.name for of in fields(Draws)}:
            return None
        return Draws(**known)

    def _measured(
        self, document: dict[str, Any], source: ModelSource, data: Dataset, doing: str, measured: Callable[[], Draws]
    ) -> Draws:
        show = self.reporter.stage(doing, 1)
        found = elsewhere(measured)
        show(1)
        if self.store is not None and self.keep:
            about = {"dataset": data.name, "model": source.name}
            arrays = {name: np.array(value) for name, value in asdict(found).items() if value is not None}
            self.store.put(document, arrays, {}, about)
        return found


def _document(stage: str, source: ModelSource, data: Dataset, plan: WorldPlan) -> dict[str, Any]:
    """Return what decides what a model's trainings show."""
    return {
        "stage": f"{stage}/{STAGE_VERSION}",
        "libraries": {**library_versions(), **computed_with(source.make(seed=0))},
        "data": dataset_fingerprint(data),
        "model": source.fingerprint,
        "train_size": plan.sizes.train_size,
        "seed": plan.seed,
    }
