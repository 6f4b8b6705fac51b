"""How an owner makes a model forget: one file a method, all behind `Unlearner`."""

from typing import TYPE_CHECKING

from unlearn_audit.utils.lazy import lazily

if TYPE_CHECKING:
    from unlearn_audit.unlearning.base import Trained, Unlearner, check_request
    from unlearn_audit.unlearning.draws import measure, needs_measuring
    from unlearn_audit.unlearning.forgetting import Forgetting, Update
    from unlearn_audit.unlearning.methods import METHODS, code_of, options_of, parse_method, unlearner_for
    from unlearn_audit.unlearning.options import Exactness, Options
    from unlearn_audit.unlearning.retrain import Retrain
    from unlearn_audit.unlearning.sisa import Sisa
    from unlearn_audit.unlearning.training import train

__all__ = [
    "METHODS",
    "Exactness",
    "Forgetting",
    "Options",
    "Retrain",
    "Sisa",
    "Trained",
    "Unlearner",
    "Update",
    "check_request",
    "code_of",
    "measure",
    "needs_measuring",
    "options_of",
    "parse_method",
    "train",
    "unlearner_for",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "base": ("Trained", "Unlearner", "check_request"),
        "draws": ("measure", "needs_measuring"),
        "forgetting": ("Forgetting", "Update"),
        "methods": ("METHODS", "code_of", "options_of", "parse_method", "unlearner_for"),
        "options": ("Exactness", "Options"),
        "retrain": ("Retrain",),
        "sisa": ("Sisa",),
        "training": ("train",),
    },
)
