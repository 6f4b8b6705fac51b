"""Checks for your tests: of what an audit found, and of attacks, methods, defences, datasets and agents of your own.

`assert_not_leaking` holds an audit against limits::

    from unlearn_audit.testing import assert_not_leaking

    def test_my_release():
        assert_not_leaking("audit-run", max_auc=0.6)

Each of the others takes what you wrote, returns it (an instance where you gave a class), and raises an `AuditError`
that says what it found wrong::

    from unlearn_audit.testing import check_attack

    def test_my_attack():
        check_attack(MyAttack)
"""

from __future__ import annotations

from unlearn_audit.agents.conformance import check_agent
from unlearn_audit.attacks.conformance import check_attack
from unlearn_audit.audits.gate.assertion import assert_not_leaking
from unlearn_audit.data.conformance import check_dataset
from unlearn_audit.defenses.conformance import check_defense
from unlearn_audit.unlearning.conformance import check_unlearner

__all__ = ["assert_not_leaking", "check_agent", "check_attack", "check_dataset", "check_defense", "check_unlearner"]
