"""What can be set of an unlearning method."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.retrain import Retrain


class Options(BaseModel):
    """The options of an unlearning method, and how it is made of them.

    A method declares its options as fields, in its own file. Without any these are the options of exact retraining.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def is_retraining(self) -> bool:
        """Whether they are those of exact retraining: no method that declares its own is."""
        return type(self) is Options

    def unlearner(self, retrain: Retrain) -> Unlearner:
        """Return the method.

        Parameters
        ----------
        retrain
            How a model is trained from scratch in the regime that it runs.
        """
        return retrain
