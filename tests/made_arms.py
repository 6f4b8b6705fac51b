"""Comparisons of three arms without any training, for tests of what is made of them."""

from unlearn_audit.findings.comparison import ArmsComparison, AttackOnArms, BestOnArms
from unlearn_audit.findings.sections import ArmResult


def arm(auc, regime="fixed"):
    return ArmResult(
        regime=regime, auc=auc, auc_ci=(auc - 0.05, min(auc + 0.05, 1)), tpr=0.1, tpr_ci=(0.05, 0.2), realised_fpr=0.01
    )


def best(ends, one=0.8, other=0.7, seen=0.1, regime="fixed"):
    return BestOnArms(
        unlearned_attack="l-diff", retrained_attack="sorted-diff/mlp", none_attack=None, unlearned=arm(one, regime),
        retrained=arm(other), none=None, excess=abs(one - 0.5) - abs(other - 0.5), excess_ci=ends,
        excess_claim_ci=ends, seen=seen,
    )  # fmt: skip


def attack(name="l-diff", view="pair", ends=(-0.1, 0.1), one=0.8, other=0.7):
    return AttackOnArms(
        attack=name, attack_model=None, view=view, unlearned=arm(one), retrained=arm(other), none=None,
        difference=one - other, difference_ci=ends, difference_all_ci=ends, excess=one - other, excess_ci=ends,
        excess_all_ci=ends,
    )  # fmt: skip


def comparison(**changes):
    values = {
        "game": "deleted-vs-unseen", "method": "scrub", "moved": 0.9, "apart": 0.9, "update": best((-0.1, 0.2)),
        "residual": None, "attacks": (attack(),),
    }  # fmt: skip
    return ArmsComparison(**(values | changes))
