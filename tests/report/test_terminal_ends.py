"""Intervals in the terminal's table keep its columns in line."""

from unlearn_audit.report.terminal import _estimate


def test_an_end_that_is_almost_1_has_three_decimals():
    assert _estimate(0.9, (0.776, 0.999999999), wide=True).plain == "0.900 [0.776, 1.000]"
    assert _estimate(0.1, (-0.05, 0.25), wide=True, signed=True).plain == "+0.100 [−0.050, +0.250]"
