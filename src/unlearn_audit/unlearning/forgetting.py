"""Methods that change the trained original, instead of training another model."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.regimes import Regime
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Trained, Unlearner
from unlearn_audit.unlearning.retrain import Retrain, rows_after
from unlearn_audit.unlearning.training import fitting
from unlearn_audit.utils.seeds import Kind, integer_seed
from unlearn_audit.utils.typing import Positions
from unlearn_audit.worlds.design import Request


class WholeClassWarning(UserWarning):
    """A request forgot every training record of a class."""


@dataclass(frozen=True)
class Update:
    """What a method is asked to do with an original.

    Attributes
    ----------
    forget
        (f,) positions of the records that it is to forget.
    retain
        (r,) positions of those that it is to keep, with what the request adds; none of them is forgotten, now or by
        an earlier request.
    seed
        Of all that the method draws.
    """

    forget: Positions
    retain: Positions
    seed: int


@dataclass(frozen=True)
class Forgetting(Unlearner):
    """A method that starts from the trained original, which is trained as retraining trains it.

    Attributes
    ----------
    regime
        How the originals' randomness relates to a retrained model's. In *fixed* and *same-seed* the method draws from
        the original's seed, in *fresh* from a new one. A later update in a chain never repeats the draws of an earlier
        one, which are already in the weights.
    retrain
        Trains the originals.
    """

    regime: Regime
    retrain: Retrain

    unknown_draws: ClassVar[bool] = False
    """Whether it is not known what the method draws from, so that it is tried whether it repeats."""

    @abstractmethod
    def forget(self, original: Trained, update: Update) -> Any:
        """Return a fitted model that has forgotten; ``original.model`` must stay unchanged."""

    def learn(self, source: ModelSource, data: Dataset, training: Positions, seed: int) -> Trained:
        """Return a trained model."""
        return self.retrain.learn(source, data, training, seed)

    def trainer(self, source: ModelSource, data: Dataset) -> str | None:
        """Return what trains the originals in place of their own ``fit``; None if nothing."""
        return self.retrain.trainer(source, data)

    def learns_as(self, source: ModelSource, data: Dataset) -> str | None:
        """Return how retraining learns originals; None if a class derived from this one learns differently."""
        return self.retrain.learns_as(source, data) if type(self).learn is Forgetting.learn else None

    def update_of(self, original: Trained, request: Request, seed: int) -> Update:
        """Return what a request asks of an original.

        Raises
        ------
        AuditError
            If it deletes nothing, everything, or a record that the original was not trained on.
        """
        if not np.isin(request.deleted, original.training).all():
            raise AuditError("a request deletes a record that the model was not trained on; delete training records")
        if self.regime is not Regime.FRESH:
            seed = integer_seed(original.seed, Kind.UNLEARNED, original.updates) if original.updates else original.seed
        return Update(request.deleted, rows_after(original.training, request, self.retrain.order), seed)

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return the model after a request."""
        update = self.update_of(original, request, seed)
        with fitting(original.source.name, original.data, len(update.retain), update.seed) as messages:
            warn_of_whole_classes(original.data, update)
            model = self.forget(original, update)
        return after_update(original, update, model, messages)


def after_update(original: Trained, update: Update, model: Any, messages: Iterable[str]) -> Trained:
    """Return the model that an update made of an original, with what it warned of."""
    return replace(
        original, model=model, training=update.retain, seed=update.seed, warnings=tuple(messages),
        updates=original.updates + 1,
    )  # fmt: skip


def made_by(trained: Trained, method: str) -> Trained:
    """Return an unlearned model with a source that names what unlearned it, for messages."""
    end = f", unlearned by {method},"
    name = trained.source.name
    return trained if name.endswith(end) else replace(trained, source=replace(trained.source, name=name + end))


def warn_of_whole_classes(data: Dataset, update: Update) -> None:
    """Warn where no record of a class is retained: whatever the model says of the class is then a matter of taste."""
    gone = np.setdiff1d(data.y[update.forget], data.y[update.retain])
    if len(gone):
        names = ", ".join(data.class_names[at] for at in np.searchsorted(data.class_values, gone))
        warnings.warn(f"a request forgets every training record of {names}", WholeClassWarning, stacklevel=2)
