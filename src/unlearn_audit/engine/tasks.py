"""What an audit asks to be made: the worlds of one side of one arm, and what is known of them when they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from unlearn_audit.data.base import Dataset
from unlearn_audit.engine.measures import table_of_measures
from unlearn_audit.engine.store.keys import STAGE_VERSION, library_versions
from unlearn_audit.models.fingerprint import computed_with
from unlearn_audit.models.privacy import Spent
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning import Unlearner
from unlearn_audit.worlds import WorldPlan

_COMPUTED: dict[str, dict[str, str]] = {}


def _computed_with(source: ModelSource) -> dict[str, str]:
    """Return what a source's estimators compute with in this process, once found out for each source."""
    if not source.fingerprint:
        return computed_with(source.make(seed=0))
    if source.fingerprint not in _COMPUTED:
        _COMPUTED[source.fingerprint] = computed_with(source.make(seed=0))
    return _COMPUTED[source.fingerprint]


@dataclass(frozen=True)
class SideTask:
    """What one side trains: on which records, with which model, how it unlearns, in which worlds; for which arm.

    Attributes
    ----------
    data, source, unlearner, plan
        The records, the model, the method and the worlds.
    arm
        The name of its arm; empty for the one that is asked for.
    measures
        What is measured of each pair besides its answers, by the names of `unlearn_audit.engine.measures.MEASURES`. It
        is in no key: a world that was made without it is made again where it is asked for.
    keep_originals
        Whether originals are kept in the store, for other methods to start from.
    """

    data: Dataset
    source: ModelSource
    unlearner: Unlearner
    plan: WorldPlan
    arm: str = ""
    measures: tuple[str, ...] = ()
    keep_originals: bool = False

    @property
    def title(self) -> str:
        """What people call it: its side, and its arm where that is not the undefended one."""
        return f"{self.plan.side} side" if not self.arm else f"{self.plan.side} side under {self.arm}"

    @property
    def about(self) -> dict[str, str]:
        """Names of data and model, for people."""
        return {"dataset": self.data.name, "model": self.source.name}

    @property
    def shares_originals(self) -> bool:
        """Whether other methods learn the same originals."""
        return self.unlearner.learns_as(self.source, self.data) is not None

    def computing(self) -> dict[str, str]:
        """Return what computes in this process, by name: libraries, their versions, devices."""
        return {**library_versions(), **_computed_with(self.source)}

    def documents(self, fingerprint: str) -> list[dict[str, Any]]:
        """Return, for each world, everything that decides its observations."""
        sizes = self.plan.sizes.model_dump(exclude={"shadow", "target"})
        for name, usual in (
            ("layout", "paper"),
            ("probes", 0),
            ("canaries", "none"),
        ):  # as before there was anything else
            if sizes[name] == usual:
                del sizes[name]
        common = {
            "stage": f"observations/{STAGE_VERSION}",
            "libraries": library_versions(),
            "data": fingerprint,
            "model": self.source.fingerprint,
            "unlearning": repr(self.unlearner),
            "sizes": sizes,
            "scenario": self.plan.scenario.model_dump(),
            "seed": self.plan.seed,
            "side": self.plan.side,
            **self.plan.drawn_from,
        }
        trainer = self.unlearner.trainer(self.source, self.data)
        if trainer is not None:
            common["trainer"] = trainer
        return [{**common, "world": index} for index in range(self.plan.n_worlds)]


@dataclass(frozen=True)
class WorldStats:
    """What is known of the models of one side besides their posteriors.

    Attributes
    ----------
    overfitting
        (worlds,) train minus test accuracy of each original.
    warnings
        What training warned of, and how often.
    reused
        How many worlds came from the store.
    spent
        The most that a private training spent; None if none was private.
    measures
        What was measured, one row a figure: ``world``; ``request``, -1 for the world's original; ``name``, as
        ``accuracy.forget``; and ``value``. Empty where nothing was asked for.
    parameters
        (worlds,) how many parameters each original has; empty where that is not known of every one.
    """

    overfitting: tuple[float, ...]
    warnings: Mapping[str, int]
    reused: int
    spent: Spent | None = None
    measures: pd.DataFrame = field(default_factory=lambda: table_of_measures((), ()), compare=False)
    parameters: tuple[int, ...] = ()
