"""What can be set of an unlearning method, and what the method promises."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from unlearn_audit.data.base import Dataset
from unlearn_audit.models.fingerprint import Fingerprint, fingerprint
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.retrain import Retrain


class Exactness(StrEnum):
    """What a method promises of the unlearned model."""

    EXACT = "exact"
    """It is the model that training it the same way on the retained records makes, up to `Options.tolerance`."""
    CERTIFIED = "certified"
    """It is close in distribution to a reference that the method names, with a proven bound."""
    APPROXIMATE = "approximate"
    """Nothing."""
    NONE = "none"
    """It is the original: nothing is forgotten."""
    UNDECLARED = "not declared"
    """The method says nothing of it: a function or a program of the user's."""


class Options(BaseModel):
    """The options of an unlearning method, what it promises, and how it is built from them.

    A method declares its options as fields and its promises as class variables, in its own file.

    Attributes
    ----------
    exactness
        What it promises about the unlearned model.
    changes_weights
        Whether it always changes the model. A method that says so but leaves a model unchanged is reported.
    tolerance
        The largest difference between one of its posteriors and that of a retrained model that it promises; None for
        no promise.
    keeps_accuracy
        Whether the unlearned model is meant to be as accurate as a retrained one.
    reference
        Where the method was published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exactness: ClassVar[Exactness] = Exactness.APPROXIMATE
    changes_weights: ClassVar[bool] = True
    tolerance: ClassVar[float | None] = None
    keeps_accuracy: ClassVar[bool] = True
    reference: ClassVar[str] = ""

    @property
    def is_retraining(self) -> bool:
        """Whether they are those of exact retraining, which no method with its own options is."""
        return isinstance(self, RetrainOptions)

    @property
    def steps_made(self) -> int | None:
        """How many noisy steps each request takes, if the method takes them; None if that depends on its records."""
        return None

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG002
        """Return why this method cannot unlearn from such models, as the end of a sentence; None if it can."""
        return None

    def code(self) -> Fingerprint | None:
        """Return what identifies the code of this method; None for our own, identified by the version.

        Its options are in the text of the method, and so in every key already.
        """
        return None if is_ours(type(self)) else fingerprint(type(self).unlearner, None)

    def unlearner(self, retrain: Retrain) -> Unlearner:
        """Return the method.

        Parameters
        ----------
        retrain
            How a model is trained from scratch in the regime that it runs.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how its method is made: define `unlearner`")


class RetrainOptions(Options):
    """Exact retraining has no options."""

    exactness = Exactness.EXACT
    tolerance = 0.0

    def unlearner(self, retrain: Retrain) -> Retrain:
        """Return retraining itself."""
        return retrain


def is_ours(kind: type) -> bool:
    """Return whether a class is of this package, and its errors are faults of ours."""
    return kind.__module__.startswith("unlearn_audit.")
