"""Which influence a model has."""

from __future__ import annotations

from unlearn_audit.attacks.influence.base import Influence
from unlearn_audit.attacks.influence.last_layer import LastLayerInfluence
from unlearn_audit.attacks.influence.leaves import LeafInfluence
from unlearn_audit.attacks.influence.logistic import LogisticInfluence
from unlearn_audit.attacks.influence.one_training_each import RetrainingInfluence
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.logistic import LogisticSettings
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.training import passes_on
from unlearn_audit.utils.typing import Positions


def influence_for(source: ModelSource, data: Dataset, own: Positions, n_training: int, seed: int = 0) -> Influence:
    """Return the influence of records on a model: from one model of the attacker's own, or one for each candidate.

    Parameters
    ----------
    source, data
        The model, and the records.
    own
        Positions of the attacker's own records.
    n_training
        How many records the models under attack are trained on.
    seed
        Of what the attacker trains, where it trains.

    Raises
    ------
    AuditError
        If the attacker's own model cannot be trained.
    """
    if passes_on(source, data) or not one_training_suffices(source):
        return RetrainingInfluence.of(source, data, own, n_training, seed)
    model = source.make(0)
    if LogisticSettings.of(model) is not None:
        found = LogisticInfluence.of(source, data, own, n_training)
        if found is not None:
            return found
        if not LastLayerInfluence.is_for(model):
            raise AuditError(
                f"the attacker's own {source.name} cannot be solved for on {len(own):,} records; use numeric features "
                "without missing values, records of all classes, and equal class weights"
            )
    kind = LeafInfluence if LeafInfluence.is_for(model) else LastLayerInfluence
    return kind.of(source, data, own, n_training, seed)


def one_training_suffices(source: ModelSource) -> bool:
    """Return whether one training of a model of this kind shows the influence of every record."""
    model = source.make(0)
    return LogisticSettings.of(model) is not None or LeafInfluence.is_for(model) or LastLayerInfluence.is_for(model)
