"""The page about an agent's deletions: publishable without any answer, and for the auditor with the worst ones."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from unlearn_audit.audits.agents.findings import AgentFindings
from unlearn_audit.audits.agents.losses import FEWEST_REFERENCES, PAIR_SCALE, LossAttack, too_few
from unlearn_audit.audits.agents.phases import JUDGED, MOMENTS
from unlearn_audit.audits.agents.probes import REGISTRY
from unlearn_audit.audits.agents.recovered import COMBINED, CONTENT, PROBABILITY, STORED, Rate
from unlearn_audit.audits.agents.traces import TRACES
from unlearn_audit.audits.agents.transcript import Exchange
from unlearn_audit.audits.agents.wording import counted, of_trace
from unlearn_audit.report.html import Figure
from unlearn_audit.report.next_steps import Step
from unlearn_audit.report.pages import page_template
from unlearn_audit.report.settings import publishable
from unlearn_audit.report.signing import Signing
from unlearn_audit.report.tables import Cell, Line, Table
from unlearn_audit.report.wording import number, percent

_SHOWN_GROUPS = ("deleted", "deleted, memory only", "deleted, also trained on", "never ingested", "kept")

_ANSWERS = (1, 5, 10)
"""k of leak@k that are shown."""

_GATES = {"fail": "gate-fail", "pass": "gate-pass", "cannot-tell": "gate-cannot-tell"}


def render(found: AgentFindings, signing: Signing | None = None, worst: Sequence[Exchange] = ()) -> str:
    """Return the page: self-contained; with answers of the agent it is the auditor's, and private.

    Parameters
    ----------
    found
        What was found.
    signing
        Date, version and owner; by default it is dated now.
    worst
        Answers that hold deleted values.
    """
    return page_template("agent.html.j2", "unlearn_audit.audits.agents").render(
        title="Does the agent forget?",
        found=found,
        gate=_GATES[found.verdict.gate],
        figures=key_figures(found),
        recovered=recovered_table(found),
        probes=probes_table(found),
        traces=traces_table(found),
        attacks=attacks_table(found),
        about_attacks=about_attacks(found),
        more=more_answers(found),
        receipt=receipt(found),
        behaviour=_behaviour(found),
        steps=_steps(found),
        worst=worst,
        content=percent(CONTENT),
        of_traces=percent(TRACES),
        settings=publishable(found.settings),
        signing=signing or Signing.now(),
    )


def key_figures(found: AgentFindings) -> list[Figure]:
    """Return the figures that are read first."""
    figures = []
    for moment in ("before", *JUDGED, "retrained"):
        rate = found.rate(moment)
        if rate is not None and rate.cases:
            figures.append(
                Figure(
                    _LABELS[moment],
                    f"{rate.hits} of {rate.cases}",
                    _ends(rate),
                    f"by chance {percent(round(rate.chance, 3))}",
                )
            )
    return figures


_LABELS = {
    "before": "Found before deletion",
    "after": "Found after deletion",
    "cycled": "Found after consolidation",
    "retrained": "Found where never ingested",
}


def recovered_table(found: AgentFindings) -> Table:
    """Return how many facts all probes together find, by phase and by what was done with the facts."""
    held = [group for group in _SHOWN_GROUPS if any(rate.group == group and rate.cases for rate in found.rates)]
    lines = []
    for phase in found.phases:
        cells = []
        for group in held:
            rate = found.rate(phase.name, phase.memory, group)
            cells.append(_cell(rate, "" if rate is None else _ends(rate)))
        lines.append(Line(phase.label, tuple(cells), leading=phase.name in JUDGED))
    return Table("", (("When the agent was asked", False), *((group, True) for group in held)), tuple(lines))


def probes_table(found: AgentFindings) -> Table:
    """Return how many of the deleted facts each probe finds, before and after."""
    shown = [phase for phase in found.phases if phase.name in ("before", *JUDGED, "reingested")]
    names = dict.fromkeys(rate.probe for rate in found.rates if rate.probe != COMBINED)
    lines = []
    for name in names:
        cells = []
        for phase in shown:
            rate = found.rate(phase.name, phase.memory, "deleted", name)
            ends = "" if rate is None or rate.adjusted is None else f"p {number(rate.adjusted)}"
            cells.append(_cell(rate, ends))
        lines.append(Line(_about(name), tuple(cells)))
    return Table("Probe by probe", (("Probe", False), *((phase.label, True) for phase in shown)), tuple(lines))


def _cell(rate: Rate | None, ends: str) -> Cell:
    return Cell("–") if rate is None or not rate.cases else Cell(f"{rate.hits} of {rate.cases}", ends, rate.share)


def traces_table(found: AgentFindings) -> Table:
    """Return what tells the deleted from those never ingested."""
    return Table(
        "",
        (("Trace", False), ("Deleted", True), ("Never ingested", True), ("p-value, all traces allowed for", True)),
        tuple(
            Line(
                f"{trace.name}: {trace.about}",
                (
                    Cell(f"{trace.deleted:.3g}", sort=trace.deleted),
                    Cell(f"{trace.never:.3g}", sort=trace.never),
                    Cell(number(trace.adjusted), sort=trace.adjusted),
                ),
                leading=trace.tells,
            )
            for trace in found.traces
        ),
    )


def attacks_table(found: AgentFindings) -> Table:
    """Return how well log-likelihoods tell the deleted from those never ingested."""
    return Table(
        "",
        (("Score", False), ("Sees", False), ("Memory", False), ("AUC", True)),
        tuple(
            Line(
                attack.name,
                (
                    Cell(attack.sees),
                    Cell("on" if attack.memory else "off"),
                    Cell(f"{attack.auc:.3f}", _ends_of_auc(attack), attack.auc),
                ),
            )
            for attack in found.attacks
        ),
    )


def _ends_of_auc(attack: LossAttack) -> str:
    if attack.interval is None:
        return "no interval: all scores are alike"
    return f"{attack.interval[0]:.3f} to {attack.interval[1]:.3f}"


def about_attacks(found: AgentFindings) -> str:
    """Return why attacks on log-likelihoods are missing; empty where none is, or the agent offers none."""
    if found.attacks:
        if any(attack.name == PAIR_SCALE for attack in found.attacks):
            return ""
        return (
            f"The score {PAIR_SCALE} is left out: it needs {2 * FEWEST_REFERENCES} facts that were never ingested, "
            "half of them as references; plant more with --canaries."
        )
    if not found.exposure:
        return ""
    cases = {of.group: of.cases for of in found.rates}
    few = too_few(cases.get("deleted", 0), cases.get("never ingested", 0))
    return few or "Log-likelihoods are not known of every fact both before and after the deletion."


def receipt(found: AgentFindings) -> list[tuple[str, str, str]]:
    """Return what was asked, claimed and found, as terms, answers and explanations."""
    of = found.receipt
    rows = [
        ("Asked", f"{of.asked:,}", "deletions"),
        ("Claimed", f"{of.claimed:,}", f"reported as done; {of.refused:,} as not done, and {of.failed:,} calls failed"),
    ]
    for moment, hits in of.found.items():
        name, _, stored = moment.partition(", ")
        where = "still stored" if stored else "still answered"
        rate = found.rate(name, probe=STORED if stored else COMBINED)
        cases = 0 if rate is None else rate.cases
        chance = f"chance gives {of.chance[moment]:.2g}"
        if of.claimed == of.asked:
            said = counted(hits, cases), f"that no other document implies: {where}; {chance}"
        else:
            among = f"of the {cases:,} that no other document implies, those reported as done"
            said = f"{hits:,}", f"{where}, {among}; {chance}"
        rows.append((f"Found {MOMENTS[name]}", *said))
    return rows


def more_answers(found: AgentFindings) -> list[tuple[str, str, str]]:
    """Return what several answers give away, and the bound on epsilon; nothing where there is no data."""
    rows = [
        (
            f"leak@{k}",
            percent(round(found.leak_at[k], 3)),
            f"of the recovered facts: at least one of {k} answers holds it"
            if k > 1
            else "of the recovered facts: one answer holds it",
        )
        for k in _ANSWERS
        if k in found.leak_at
    ]
    bound = found.epsilon
    if bound is not None and bound[1] > 0:
        rows.append(
            (
                "Epsilon",
                f"at least {bound[0]:.2f}",
                f"lower bound with 95 % confidence; so few facts can show {bound[1]:.2f} at most. It is conditional on "
                "this run, in which each fact counts as one trial",
            )
        )
    return rows


def _behaviour(found: AgentFindings) -> list[tuple[str, str, str]]:
    of = found.behaviour
    failed = ", ".join(
        f"{count:,} {what}"
        for what, count in (
            ("hung", of.hung),
            ("raised an error", of.raised),
            ("gave no usable reply", of.broken),
            ("not asked any more", of.unasked),
        )
        if count
    )
    rows = [
        ("Prompts", f"{of.prompts:,}", failed or "all of them answered"),
        ("Empty answers", f"{of.empty:,}", ""),
        ("Refusals", f"{of.refused:,}", "English phrases alone are recognised"),
        (
            "Readings without an option",
            f"{of.unread:,}",
            "right after the deletion, with memory on: each fact, kept ones too, counts once for each probe",
        ),
    ]
    if of.repeated:
        rows.append(("Asked twice", f"{of.repeated:,}", f"{of.otherwise:,} answered otherwise the second time"))
    return [*rows, ("Time of an answer", f"{of.seconds:.2g} s", "median")]


def _steps(found: AgentFindings) -> tuple[Step, ...]:
    kind = found.verdict.kind
    if kind == "none-found":
        return (
            Step("Consider what this does not show: other probes, and other facts, may find more."),
            Step("Audit again when the model, the memory or the way of deleting changes."),
        )
    if kind == "cannot-tell":
        return (Step("Do not base a decision on this run: it cannot tell."), Step(found.verdict.explanation))
    if kind == "trace":
        return (
            Step(
                "Make the agent treat the deleted as it treats people it never heard of: no list of names, no refusals."
            ),
            Step("Audit again."),
        )
    leaking = [path.name for path in found.paths if path.leaks]
    return (
        Step("Do not confirm deletions to people while the agent answers like this."),
        Step(f"Close the paths that leak: {', '.join(leaking)}." if leaking else "Find out where the values are kept."),
        Step("Delete from memory first, with all that was derived from it, then from the weights; then audit again."),
    )


def markdown(found: AgentFindings, signing: Signing) -> str:
    """Return the page in short, as Markdown."""
    lines = [f"# {found.verdict.headline}", "", found.verdict.explanation, "", f"{found.agent}; {signing.date}", ""]
    lines += ["| way | leaks | found |", "| --- | --- | --- |"]
    lines += [f"| {path.name} | {_word(path.leaks)} | {path.sentence} |" for path in found.paths]
    lines += ["", "Not tested:", "", *(f"- {line}" for line in found.untested), ""]
    return "\n".join(lines)


def print_audit(console: Console, found: AgentFindings, folder: str) -> None:
    """Print the verdict, the ways facts come back, and where the files are."""
    console.print()
    console.print(Text.assemble((found.verdict.headline, "bold"), f" {found.verdict.explanation}"), soft_wrap=True)
    console.print()
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("way", "leaks", "found"):
        grid.add_column(heading, overflow="fold")
    for path in found.paths:
        grid.add_row(path.name, _word(path.leaks), path.sentence)
    console.print(grid)
    for trace in found.traces:
        if trace.tells:
            console.print(Text(of_trace(trace)), soft_wrap=True)
    for line in found.untested[:-1]:
        console.print(Text(f"Not tested: {line}", "dim"), soft_wrap=True)
    console.print(f"Report: {folder}/report.html; with answers, private: {folder}/private-report.html", soft_wrap=True)


def _word(leaks: bool | None) -> str:
    return "" if leaks is None else "yes" if leaks else "not shown"


def _about(name: str) -> str:
    if name == STORED:
        return "stored items that name the person"
    if name == PROBABILITY:
        return "most likely option by log-probability"
    return f"{name}: {REGISTRY.find(name).about}"


def _ends(rate: Rate) -> str:
    return " to ".join(f"{100 * end:.0f}" for end in rate.interval) + " %"
