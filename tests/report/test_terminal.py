import io
from pathlib import Path

import pytest
from rich.console import Console

from unlearn_audit.report.terminal import print_summary


@pytest.fixture
def printed(findings):
    def build(width, what=findings, path=Path("runs/first/report.html")):
        stream = io.StringIO()
        print_summary(Console(file=stream, width=width, color_system=None), what, path)
        return stream.getvalue()

    return build


@pytest.mark.parametrize("width", [80, 100, 118, 120, 160])
def test_no_line_is_wider_than_the_terminal_and_no_cell_is_cut(printed, width):
    text = printed(width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    assert "…" not in text
    for word in ("euclidean-distance", "logistic-regression", "classical-sorted", "TPR@1%", "accuracy"):
        assert word in text


def test_a_wide_terminal_has_one_line_an_attack_and_a_narrow_one_two(printed, findings):
    leading = findings.leading()
    line = f"{leading.auc:.3f} [{leading.auc_ci[0]:.3f}, {leading.auc_ci[1]:.3f}]"
    assert line in printed(120)
    assert line not in printed(80)
    assert f"[{leading.auc_ci[0]:.3f}, {leading.auc_ci[1]:.3f}]" in printed(80)


def test_the_leading_attack_comes_first_then_the_best_of_each_feature(printed, findings):
    lines = [line.split() for line in printed(120).splitlines() if " all " in line or " paper " in line]
    selected = findings.selected
    assert [line[:3] for line in lines[:2]] == [
        [selected.attack, selected.attack_model, "all"],
        [selected.attack, selected.attack_model, "paper"],
    ]
    assert len(lines) == 2 + 6
    assert {line[0] for line in lines[-2:]} == {"classical", "classical-sorted"}
    for line in lines[2:]:
        rivals = [r for r in findings.results if r.attack == line[0] and r.rows == "all"]
        assert line[1] == max(rivals, key=lambda r: r.shadow_auc).attack_model


def test_the_verdict_stands_below_and_the_path_last(printed, findings):
    text = printed(120)
    flat = " ".join(text.split())
    assert findings.verdict.summary in flat
    assert text.splitlines()[-1] == "Report: runs/first/report.html"


def test_a_long_path_stays_in_one_piece(printed):
    path = Path("runs") / ("x" * 150) / "report.html"
    assert printed(80, path=path).splitlines()[-1] == f"Report: {path}"


def test_without_a_report_the_verdict_is_last(printed):
    assert "Report" not in printed(80, path=None)


def test_texts_with_brackets_are_not_read_as_markup(printed, findings):
    assert "[red]adult[/red]" in printed(120, findings.model_copy(update={"dataset": "[red]adult[/red]"}))


def test_a_rate_that_is_not_given_and_missing_shadow_aucs_are_no_obstacle(printed, findings):
    results = tuple(
        r.model_copy(update={"shadow_auc": None, "tpr_at_fpr": {}, "defense": "top-1"}) for r in findings.results
    )
    selected = findings.selected.model_copy(update={"defense": "top-1"})
    text = printed(160, findings.model_copy(update={"results": results, "selected": selected}))
    assert "sorted-diff, top-1" in text
    assert "–" in text


def test_notes_and_a_changed_regime_are_pointed_to(printed, findings):
    told = findings.model_copy(update={"regime_note": "it ran as same-seed"})
    lines = printed(160, told).splitlines()
    assert "2 notes on data, sizes and training: see the report or findings.json." in lines
    verdict = lines.index("Verdict: leak-by-update; gate: fail.")
    # whatever may change what figures mean follows at once, and nothing routine is among it
    assert lines[verdict + 1 : verdict + 3] == [
        "Warning: Regime: it ran as same-seed",
        "Warning: Shadow side: 3 trainings learned nothing.",
    ]
    quiet = printed(120, findings.model_copy(update={"notes": (), "regime_note": None}))
    assert "notes on data" not in quiet
    assert "Warning" not in quiet


def test_what_is_nearly_certain_is_not_printed_as_certain(printed, findings):
    leading = findings.leading()
    near = {"auc": 0.99998, "auc_ci": (0.99991, 0.999996)}
    results = tuple(r.model_copy(update=near) if r is leading else r for r in findings.results)
    text = printed(160, findings.model_copy(update={"results": results}))
    assert "0.99998 [0.9999, 0.999996]" in text


def test_what_training_warned_of_stands_with_its_count(printed, findings):
    texts = {"target side": {"FutureWarning: probability is deprecated.": 44, "UserWarning: other": 1}}
    text = printed(160, findings.model_copy(update={"execution": {"training_warnings": texts}}))
    assert (
        "target side: training warned 44 times: FutureWarning: probability is deprecated. "
        "(further texts: 1, see findings.json)"
    ) in text
    assert "training warned" not in printed(160)
