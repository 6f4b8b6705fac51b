"""The report as Markdown, in publishable form and in the order of the page."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from unlearn_audit.findings.schema import Findings
from unlearn_audit.report.attack_tables import sections
from unlearn_audit.report.further import further
from unlearn_audit.report.further_tables import groups_table, overfitting_table, released_table
from unlearn_audit.report.glossary import GLOSSARY
from unlearn_audit.report.settings import publishable, without_folder
from unlearn_audit.report.story import tell
from unlearn_audit.report.strips import attack_strips, release_strips
from unlearn_audit.report.tables import Table
from unlearn_audit.report.three_arms import arms_words
from unlearn_audit.report.wording import brief
from unlearn_audit.utils.shown import isolated

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&]|^[#+-](?= )|^\d+(?=\. ))")


def markdown(findings: Findings) -> str:
    """Return the report as Markdown: it names no record, and texts of users cannot become marks or tags.

    Parameters
    ----------
    findings
        What the audit found.
    """
    title = f"{without_folder(findings.dataset)}, {findings.model}"
    story, leading = tell(findings, title), findings.leading()
    _, releases = release_strips(story.releases)
    environment = Environment(
        loader=PackageLoader("unlearn_audit.report"),
        autoescape=False,  # what is written is no HTML, and tags of users are escaped below  # nosec B701
        finalize=_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"brief": brief, "table": _table, "code": _code}
    return environment.get_template("report.md.j2").render(
        findings=findings,
        story=story,
        leading=leading,
        releases=releases,
        strips=attack_strips(findings),
        first=sections(findings, leading)[0],
        tables=[("Who is at risk", groups_table(findings)), ("Cost of defences", released_table(findings)),
                ("Overfitting of the original models", overfitting_table(findings))],
        arms_words=[] if findings.arms is None else list(arms_words(findings.arms)),
        further=further(findings),
        glossary=GLOSSARY,
        settings=[*publishable(findings.details), *publishable(findings.config)],
    )  # fmt: skip


def _text(value: Any) -> Any:
    r"""Return a text on one line, of which nothing is read as a mark.

    Examples
    --------
    >>> print(_text("a|b <i>*x*"))
    a\|b \<i\>\*x\*
    """
    if not isinstance(value, str) or isinstance(value, _Written):
        return value
    return _SPECIAL.sub(r"\\\1", isolated(" ".join(value.split())))


class _Written(str):
    """What is Markdown already."""

    __slots__ = ()


def _code(command: str) -> str:
    return _Written(f"`{command}`")


def _table(of: Table) -> str:
    """Return a table, every text in it escaped."""
    lines = [[brief(label) for label, _ in of.columns]]
    for line in of.lines:
        head = f"{brief(line.head)} ({line.tag})" if line.tag else brief(line.head)
        lines.append([head, *(brief(c.value) + (f" ({brief(c.ends)})" if c.ends else "") for c in line.cells)])
    rows = ["| " + " | ".join(map(_text, line)) + " |" for line in lines]
    rows.insert(1, "| " + " | ".join("---:" if numeric else "---" for _, numeric in of.columns) + " |")
    return _Written("\n".join(rows))
