"""Which methods lie on a front, and how they are drawn, from rows without any training."""

from made_arms import best, comparison
from unlearn_audit.audits.methods.findings import Cost, Method
from unlearn_audit.audits.methods.fronts import with_fronts
from unlearn_audit.audits.methods.plots import draw_mark
from unlearn_audit.findings.comparison import Measured
from unlearn_audit.report.svg import PAPER, new_figure


def row(method, leak, lost, seconds, reading="same"):
    accuracy = Measured(name="accuracy.test", mean=0.9, retrained=0.9, none=0.9, difference=-lost, difference_ci=None)
    arms = comparison(method=method, update=best((-0.1, 0.1), one=0.5 + leak), measures=(accuracy,))
    cost = Cost(seconds=seconds, seconds_ci=None, relative=1, relative_ci=None, peak_memory=None, reused=False)
    return Method(method=method, status="compared", reading=reading, arms=arms, cost=cost)


def test_what_forgets_nothing_lies_on_no_front_and_keeps_no_other_off():
    rows = with_fronts(
        [
            row("none", 0.0, 0.0, 0.001, "unchanged"),
            row("lazy", 0.0, 0.0, 0.001, "unchanged"),
            row("exact", 0.2, 0.0, 1.0),
            row("fast", 0.3, 0.1, 0.1),
            row("worst", 0.4, 0.2, 2.0),
        ]
    )
    assert [of.fronts for of in rows] == [(), (), ("accuracy", "seconds"), ("seconds",), ()]


def test_no_unlearning_lies_on_no_front_even_where_retraining_changes_no_answer_either():
    nothing = row("none", 0.0, 0.0, 0.001, "as-retraining").model_copy(update={"exactness": "none"})
    same = row("sisa", 0.0, 0.0, 0.1, "as-retraining").model_copy(update={"exactness": "exact"})
    assert [of.fronts for of in with_fronts([nothing, same])] == [(), ("accuracy", "seconds")]


def test_a_mark_is_filled_on_the_front_of_its_plot_alone():
    fast = row("fast", 0.3, 0.1, 0.1).model_copy(update={"fronts": ("seconds",)})
    filled = {}
    for front in ("accuracy", "seconds"):
        _, axes = new_figure(2, 2)
        draw_mark(axes, fast, "fast", 0.1, 0.3, front, 0)
        filled[front] = axes.lines[-1].get_markerfacecolor() != PAPER
    assert filled == {"accuracy": False, "seconds": True}
