"""How an owner makes a model forget: one file a method, all behind `Unlearner`."""

from unlearn_audit.unlearning.base import Trained, Unlearner, train
from unlearn_audit.unlearning.draws import measure, needs_measuring
from unlearn_audit.unlearning.methods import unlearner_for
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.sisa import Sisa

__all__ = ["Retrain", "Sisa", "Trained", "Unlearner", "measure", "needs_measuring", "train", "unlearner_for"]
