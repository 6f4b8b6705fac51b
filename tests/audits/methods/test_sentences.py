"""What a comparison of methods says, from rows without any training."""

import pytest

from unlearn_audit.audits.methods.sentences import CLAIMED, limits_of
from unlearn_audit.config import AuditConfig


def test_the_stated_error_is_that_of_all_claims_of_a_method():
    said = " ".join(limits_of((), AuditConfig()))
    assert pytest.approx(0.03 + 0.03 + 0.02 + 0.02) == CLAIMED
    assert "apart with a probability of 10 % at most. Nothing corrects for the number of methods" in said
    assert "5 % of comparisons" not in said
