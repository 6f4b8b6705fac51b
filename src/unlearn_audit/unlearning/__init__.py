"""How an owner makes a model forget: one file a method, all behind `Unlearner`."""

from unlearn_audit.unlearning.base import Trained, Unlearner, train
from unlearn_audit.unlearning.retrain import Retrain

__all__ = ["Retrain", "Trained", "Unlearner", "train"]
