"""Checks for attacks, unlearning methods, defences and datasets of your own.

Each takes what you wrote, returns it (an instance where you gave a class), and raises an `AuditError` that says what it
found wrong. Call them in your tests::

    from unlearn_audit.testing import check_attack

    def test_my_attack():
        check_attack(MyAttack)
"""

from __future__ import annotations

from unlearn_audit.attacks.conformance import check_attack
from unlearn_audit.data.conformance import check_dataset
from unlearn_audit.defenses.conformance import check_defense
from unlearn_audit.unlearning.conformance import check_unlearner

__all__ = ["check_attack", "check_dataset", "check_defense", "check_unlearner"]
