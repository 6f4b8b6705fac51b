import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from unlearn_audit.attacks.base import score_column
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.curves import roc_points
from unlearn_audit.report.plots import PLOTS, roc_plot, scores_plot
from unlearn_audit.report.strips import MOST, attack_strips
from unlearn_audit.report.svg import GRID, PAIR, VARIABLES


@pytest.fixture(scope="module")
def plots(findings, scores):
    drawn = [plot.draw(findings, scores) for column in PLOTS for plot in column]
    return {re.search(r'aria-labelledby="(.+?)-title', svg)[1]: svg for svg in drawn}


def words(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


def test_each_plot_is_one_accessible_svg(plots):
    for name, svg in plots.items():
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{name}-title {name}-description"
        assert root[0].tag.endswith("title")
        assert root[0].text
        assert root[1].tag.endswith("desc")
        assert len(root[1].text) > 40


def test_the_plots_are_small_and_share_no_ids(plots):
    ids = [i for svg in plots.values() for i in re.findall(r'\bid="([^"]*)"', svg)]
    assert sum(map(len, plots.values())) < 300_000
    assert len(ids) == len(set(ids))
    for svg in plots.values():
        own = set(re.findall(r'\bid="([^"]*)"', svg))
        assert set(re.findall(r"(?:url\(|href=\")#([^\")]*)", svg)) <= own


def test_equal_findings_give_equal_plots(plots, findings, scores):
    assert roc_plot(findings, scores) == plots["roc"]
    assert scores_plot(findings, scores) == plots["scores"]
    assert "dc:date" not in plots["roc"]


def test_every_colour_follows_the_page(plots):
    for svg in plots.values():
        colours = set(re.findall(r": (#[0-9a-f]{6})", svg))
        assert colours <= {"#000000"}, colours
    elsewhere = {GRID, PAIR}
    assert all(f"var(--{VARIABLES[c]}" in "".join(plots.values()) for c in VARIABLES if c not in elsewhere)


def test_drawing_leaves_the_settings_of_matplotlib_alone(findings, scores):
    before = dict(mpl.rcParams)
    roc_plot(findings, scores)
    assert dict(mpl.rcParams) == before


def test_importing_the_report_loads_no_pyplot():
    code = "import sys, unlearn_audit.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0


def test_the_chart_shows_the_best_eight_and_folds_the_rest(findings):
    chart = attack_strips(findings)
    assert (len(chart.best), len(chart.best) + len(chart.rest)) == (MOST, 28)
    assert chart.best[0].leading
    assert chart.best[0].attack == findings.selected.attack
    of_both = [float(row.auc) for row in chart.best[1:] if "original alone" not in row.model]
    assert of_both == sorted(of_both, reverse=True)
    assert len(of_both) == MOST - 2
    assert min(of_both) >= max(float(row.auc) for row in chart.rest if "original alone" not in row.model)


def test_the_best_attack_on_the_original_alone_is_shown_for_comparison(findings):
    shown = [row for row in attack_strips(findings).best if "original alone" in row.model]
    classical = [r.auc for r in findings.results if r.is_classical and r.rows == "all"]
    assert [row.auc for row in shown] == [f"{max(classical):.3f}"]


def test_values_of_the_roc_curve_can_be_read_off(findings, scores):
    svg = ElementTree.fromstring(roc_plot(findings, scores))
    curves = json.loads(svg.get("data-points"))
    left, top, width, height = map(float, svg.get("viewBox").split())
    assert [curve["kind"] for curve in curves] == ["leading", "classical"]
    for curve in curves:
        assert 10 < len(curve["at"]) <= 120
        assert all(left < x < width and top < y < height for x, y, _, _ in curve["at"])
        x, y, *words = zip(*curve["at"], strict=True)
        assert list(x) == sorted(x)
        assert list(y) == sorted(y, reverse=True)
        assert words[0][-1] == words[1][-1] == "100 %"


def test_the_roc_curve_has_the_rates_that_are_printed(findings, scores):
    leading = findings.leading()
    table = scores[scores["role"] != "retained"]
    column = table[score_column(leading.attack, leading.attack_model)].to_numpy()
    x, y = roc_points(column, (table["role"] == "deleted").to_numpy(), 1e-4)
    realised = leading.realised_fpr["0.01"]
    assert y[np.searchsorted(x, realised, side="right") - 1] == pytest.approx(leading.tpr_at_fpr["0.01"], abs=0.003)


def test_tied_and_unbounded_scores_and_a_missing_baseline_can_be_drawn(findings, scores):
    column = score_column(findings.selected.attack, findings.selected.attack_model)
    few = scores[["game", "role", "paper", "defense", "adaptive", column]].copy()
    few[column] = np.where(few["role"] == "deleted", 3.0, -2.0)
    assert "classical" not in " ".join(words(roc_plot(findings, few)))
    assert "deleted (480)" in words(scores_plot(findings, few))


def test_a_reference_record_is_not_shown(findings, scores):
    extra = scores.copy()
    extra.loc[extra["role"] == "retained", "role"] = "reference"
    text = " ".join(words(scores_plot(findings, extra)))
    assert "reference" not in text
    assert "retained" not in text


def test_only_the_papers_rows_are_shown_where_only_those_were_measured(findings, scores):
    only = findings.model_copy(update={"results": tuple(r for r in findings.results if r.rows == "paper")})
    assert "unseen (480)" in words(scores_plot(only, scores))


def test_texts_of_users_are_escaped_and_never_read_as_formulas(findings, scores):
    name = "<b>$x_1$</b>"
    odd = findings.model_copy(
        update={"results": tuple(r.model_copy(update={"attack_model": name}) for r in findings.results)}
    )
    selected = odd.selected.model_copy(update={"attack_model": name})
    leading = score_column(findings.selected.attack, findings.selected.attack_model)
    renamed = scores.rename(columns={leading: score_column(selected.attack, name)})
    svg = roc_plot(odd.model_copy(update={"selected": selected}), renamed)
    assert "<b>" not in svg
    assert any(name in text for text in words(svg))


def test_missing_scores_are_an_error(findings, scores):
    column = score_column(findings.selected.attack, findings.selected.attack_model)
    with pytest.raises(AuditError, match="no column"):
        roc_plot(findings, scores.drop(columns=column))
    with pytest.raises(AuditError, match="no unseen records"):
        scores_plot(findings, scores[scores["role"] != "unseen"])
