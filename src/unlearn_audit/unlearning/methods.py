"""From the configuration to an unlearning method."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from unlearn_audit.models.regimes import Draws, Regime, RowOrder, keeps_index_draws
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.sisa import Sisa

if TYPE_CHECKING:
    from unlearn_audit.config import UnlearningConfig


def unlearner_for(
    config: UnlearningConfig,
    source: ModelSource,
    asked: Regime,
    n_training: int | None = None,
    n_deleted: int = 1,
    *,
    plain: bool = False,
    draws: Draws | None = None,
) -> tuple[Unlearner, str | None]:
    """Return the method in the regime asked for, or in the one that the model really runs, and what to know of it.

    Parameters
    ----------
    config
        The method and its settings.
    source
        The model.
    asked
        The regime asked for.
    n_training
        How many records an original is trained on; None leaves unchecked whether *fixed* holds at this size.
    n_deleted
        How many records a request deletes.
    plain
        Whether each model is trained by its own ``fit``, even where several could be trained at once.
    draws
        What training the model several times showed (see `measure`); None takes it at its word.
    """
    retrain, note = Retrain.for_model(source, asked, draws)
    retrain = replace(retrain, plain=plain)
    if retrain.order is RowOrder.REPLACE and n_training is not None:
        retrain, lost = _at_size(retrain, config, source, n_training, n_deleted)
        note = lost or note
    if config.method == "sisa":
        return Sisa(retrain, config.shards, config.slices, config.aggregation), note
    return retrain, note


def _at_size(
    retrain: Retrain, config: UnlearningConfig, source: ModelSource, n_training: int, n_deleted: int
) -> tuple[Retrain, str | None]:
    """Return retraining as it is if the bootstraps stay at this size, else in the regime same-seed and why."""
    lost = _redrawn(config, n_training, n_deleted)
    if lost is None:
        return retrain, None
    before, after = lost
    # the nearest size is the least change to the audit; of two, the smaller surely finds enough records
    least = max(n_deleted + 1, config.shards * max(config.slices, 2) if config.method == "sisa" else 2)
    near = (n for step in count(1) for n in (n_training - step, n_training + step) if n >= least)
    better = next(n for n in near if _redrawn(config, n, n_deleted) is None)
    return replace(retrain, regime=Regime.SAME_SEED, order=RowOrder.MINUS), (
        f"regime fixed was asked for; NumPy draws every bootstrap of {source.name} anew where a fit goes from "
        f"{before:,} records to {after:,}, across a power of two, so it ran as same-seed, and a train size of "
        f"{better:,} would keep fixed"
    )


def _redrawn(config: UnlearningConfig, n_training: int, n_deleted: int) -> tuple[int, int] | None:
    """Return the numbers of rows before and after a deletion that shifts index draws; None if none does."""
    # records are dealt to shards in turn, so these have one of two sizes; a request may hit one with all it deletes
    parts = config.shards if config.method == "sisa" else 1
    sizes = {n_training // parts, -(-n_training // parts)}
    for size in sorted(sizes):
        # the most that may leave decides, since bits only get fewer; a shard with no record left is not fitted
        after = max(size - n_deleted, 1)
        if not keeps_index_draws(size, after):
            return size, after
    return None
