"""What a reproduction leaves behind: table, claims, figure, and a page that holds all three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unlearn_audit.report.svg import CLASSICAL, LEADING, PAIR, drawing, new_figure
from unlearn_audit.reproduce.claims import Decision, tally
from unlearn_audit.reproduce.page import ChartLine, render_reproduction
from unlearn_audit.reproduce.run import Reproduction
from unlearn_audit.utils.files import atomic_path, write_atomic
from unlearn_audit.utils.spreadsheet import to_csv


def write_reproduction(folder: Path, done: Reproduction) -> Path:
    """Write table and claims (CSV), figure (SVG, PNG), ``summary.md`` and ``report.html``; return the last."""
    table = done.table
    write_atomic(folder / "table.csv", to_csv(table))
    write_atomic(folder / "claims.csv", to_csv(claims_table(done)))
    for suffix in ("svg", "png"):
        _draw(done, table, folder / f"figure.{suffix}")
    write_atomic(folder / "summary.md", markdown(done))
    page = render_reproduction(done, chart_lines(done), _short(done), claims_table(done))
    write_atomic(folder / "report.html", page, publishable=True)
    return folder / "report.html"


def claims_table(done: Reproduction) -> pd.DataFrame:
    """Return one row a claim and place, with its outcome and the figures that decided it."""
    return pd.DataFrame([vars(decision) for decision in done.decisions])


def claims_by_text(done: Reproduction) -> dict[str, list[Decision]]:
    """Return the decisions of each claim."""
    by_text: dict[str, list[Decision]] = {}
    for decision in done.decisions:
        by_text.setdefault(decision.claim, []).append(decision)
    return by_text


def markdown(done: Reproduction, figure: str = "figure.svg") -> str:
    """Return the experiment as a section of Markdown: claims with their outcomes, then the short table."""
    lines = [f"## {done.experiment.title} (`{done.experiment.name}`)", "", f"The paper: {done.experiment.claim}.", ""]
    for claim, decisions in claims_by_text(done).items():
        lines.append(f"- {claim}: **{tally(decisions)}**")
    lines += ["", done.experiment.reading, "", f"![{done.experiment.title}]({figure})", ""]
    lines += [*_markdown_table(_short(done)), "", "Claims, one by one:", ""]
    return "\n".join([*lines, *_markdown_table(claims_table(done)), ""])


def overview(done: Sequence[Reproduction]) -> str:
    """Return all experiments as one page of Markdown: a table of the claims, then a section each."""
    rows = [
        {
            "experiment": f"[{each.experiment.name}](#{_anchor(each)})",
            "the paper": each.experiment.claim,
            "claim as decided": claim,
            "outcome": tally(decisions),
        }
        for each in done
        for claim, decisions in claims_by_text(each).items()
    ]
    sections = [markdown(each, f"{each.experiment.name}/figure.svg") for each in done]
    return "\n".join([*_markdown_table(pd.DataFrame(rows)), "", *sections])


def _anchor(done: Reproduction) -> str:
    """Return the anchor that Markdown gives to the section's heading."""
    heading = f"{done.experiment.title} ({done.experiment.name})".lower().replace(" ", "-")
    return "".join(c for c in heading if c.isalnum() or c in "-_")


def _short(done: Reproduction) -> pd.DataFrame:
    """Return the table as people read it: intervals in brackets, columns that never vary left out."""
    table = done.table
    short = table[list(done.cells[0].cell.labels)].copy()
    for column in ("game", "view", "defence", "adaptive", "regime", "train size"):
        if len(set(table[column])) > 1:
            short[column] = table[column]
    short["attack"] = table["attack"]
    for column, low, high in (
        ("AUC", "AUC low", "AUC high"),
        ("classical AUC", "classical low", "classical high"),
        ("AUC minus classical", "minus low", "minus high"),
    ):
        ends = zip(table[column], table[low], table[high], strict=True)
        short[column] = [f"{v:.3f} [{a:.3f}, {b:.3f}]" for v, a, b in ends]
    for column in ("DegCount", "DegRate", "bits", "overfitting", "accuracy of the posteriors", "calibration error"):
        if column in table:
            short[column] = [f"{value:.3f}" for value in table[column]]
    short["trainings"] = table["trainings"]
    return short


def _markdown_table(frame: pd.DataFrame) -> list[str]:
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[str(value).replace("|", "/") for value in row] for row in frame.itertuples(index=False)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _draw(done: Reproduction, table: pd.DataFrame, path: Path) -> None:
    """Draw the AUC of the attack on both versions and of the classical one, with intervals, cell by cell."""
    table = table[table["adaptive"]].reset_index(drop=True)
    names = _labels(done, table)
    with drawing(f"reproduce-{done.experiment.name}"):
        height = max(0.9 + 0.26 * len(table), 1.6)
        figure, axes = new_figure(7.5, height)
        figure.patch.set_alpha(1)
        y = np.arange(len(table))[::-1]
        axes.axvline(0.5, color=PAIR, linewidth=0.8, linestyle=(0, (2, 2)))
        for column, low, high, colour, marker, shift in (
            ("AUC", "AUC low", "AUC high", LEADING, "o", 0.12),
            ("classical AUC", "classical low", "classical high", CLASSICAL, "s", -0.12),
        ):
            label = "both versions" if column == "AUC" else "original alone (classical)"
            axes.hlines(y + shift, table[low], table[high], color=colour, linewidth=1.2)
            axes.plot(table[column], y + shift, marker, color=colour, markersize=4, label=label)
        axes.set_yticks(y, names)
        axes.set_xlim(min(0.4, float(table["classical low"].min()) - 0.02), 1.0)
        axes.set_xlabel("AUC with its 95 % interval; 0.5 is guessing")
        axes.set_title(done.experiment.title, loc="left")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / height), ncol=2)
        with atomic_path(path) as temporary:
            metadata: dict[str, Any] = {"Date": None} if path.suffix == ".svg" else {}
            figure.savefig(temporary, format=path.suffix[1:], dpi=160, metadata=metadata, bbox_inches="tight")


def chart_lines(done: Reproduction) -> list[ChartLine]:
    """Return what the figure shows, a line each cell, as the page draws it."""
    table = done.table
    table = table[table["adaptive"]].reset_index(drop=True)
    return [
        ChartLine(
            name,
            row["AUC"],
            (row["AUC low"], row["AUC high"]),
            row["classical AUC"],
            (row["classical low"], row["classical high"]),
        )
        for name, row in zip(_labels(done, table), table.to_dict("records"), strict=True)
    ]


def _labels(done: Reproduction, table: pd.DataFrame) -> list[str]:
    """Return what tells the lines of a table apart."""
    varying = [column for column in ("game", "view", "defence") if len(set(table[column])) > 1]
    return [_label(done, row, varying) for row in table.to_dict("records")]


def _label(done: Reproduction, row: Mapping[Any, Any], varying: Sequence[str]) -> str:
    parts = [str(row[label]) for label in done.cells[0].cell.labels]
    parts += [str(row[column]) for column in varying]
    return ", ".join(parts)
