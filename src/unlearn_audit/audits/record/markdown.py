"""The record as a page in Markdown; what comes from outside is written as text and never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from unlearn_audit.audits.record.schema import Attack, Digest, Figure, Made, Parameters, Record, Requests
from unlearn_audit.report.wording import NOT_GIVEN, interval, number, percent
from unlearn_audit.utils.shown import hidden

_MARKUP = re.compile(r"([\\`*_{}\[\]#!|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

NOT_RECORDED = "not recorded"


def markdown(record: Record) -> str:
    """Return the page."""
    return "\n".join(_lines(record)) + "\n"


def text(words: str) -> str:
    r"""Return words as Markdown shows them, on one line, whatever characters they hold.

    Examples
    --------
    >>> print(text("<b>a|b</b> *1*"))
    &lt;b&gt;a\|b&lt;/b&gt; \*1\*
    """
    escaped = "".join(_ENTITIES.get(character, character) for character in words)
    return hidden(_MARKUP.sub(r"\\\1", " ".join(escaped.split())))


def _lines(record: Record) -> Iterator[str]:
    yield f"# Record of tests of anonymity ({record.opinion})"
    yield from ("", text(record.outcome), "")
    yield from _section("Who, when and with what", _made(record.made))
    scope = record.scope
    yield from _section(
        "Scope",
        _table(
            ("", ""),
            [
                ("kind of run", scope.kind),
                ("question", scope.question),
                ("data", scope.dataset or NOT_RECORDED),
                ("model", scope.model or NOT_RECORDED),
                ("how records were deleted", scope.unlearning or NOT_RECORDED),
                ("regime", scope.regime or NOT_RECORDED),
            ],
        ),
    )
    yield from _section("Threat model of each attack", _attacks(record.attacks))
    yield from _section(
        "Tests that were not run", _table(("test", "why"), [(of.test, of.why) for of in record.not_run])
    )
    yield from _section("Results", _figures(record.figures))
    yield from _section("Sizes", _table(("", "number"), [(name, f"{n:,}") for name, n in record.sizes.items()]))
    yield from _section("Training records and parameters", _parameters(record.parameters))
    digests = [("data", record.data), ("model", record.models), ("file of the run", record.results)]
    yield from _section("Digests (SHA-256)", _digests(digests))
    yield from _section("Requests", _requests(record.requests))
    yield from _section("Assumptions", _list(record.assumptions))
    yield from _section("Limits", _list(record.limits))
    yield from _section("What the run did not record", _list(record.not_recorded))
    yield from _section("Settings", _table(("setting", "value"), list(scope.settings.items())))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from lines
    yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        yield "None."
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(text, row))} |"


def _list(items: Iterable[str]) -> Iterator[str]:
    yield from [f"- {text(item)}" for item in items] or ["None."]


def _made(made: Made) -> Iterator[str]:
    named = (
        ("owner of the model", made.owner),
        ("auditor", made.auditor),
        ("run ended", made.finished),
        ("made with unlearn-audit", made.version),
        ("command", made.command),
        ("this record", f"{made.recorded}, unlearn-audit {made.recorded_by}"),
    )
    yield from _table(("", ""), [(name, value or NOT_RECORDED) for name, value in named])


def _attacks(attacks: Iterable[Attack]) -> Iterator[str]:
    rows = []
    for of in attacks:
        needs = NOT_RECORDED if of.needs is None else "; ".join(of.needs) or "nothing else"
        rows.append((of.attack, of.about or NOT_RECORDED, of.sees, of.knows, needs))
    yield from _table(("attack", "what it does", "sees", "knows", "needs"), rows)


def _figures(figures: Sequence[Figure]) -> Iterator[str]:
    sizes = "positives, negatives, worlds"
    head = ("attack", "game", "setting", sizes, "AUC (95 %)", "claimed by", "TPR at FPR", "smallest AUC detected")
    yield "The smallest AUC detected is the one that would have been claimed with a probability of 80 %."
    yield ""
    yield from _table(head, [_row(of) for of in figures])


def _row(of: Figure) -> tuple[str, ...]:
    sizes = ", ".join(NOT_GIVEN if n is None else f"{n:,}" for n in (of.positives, of.negatives, of.worlds))
    rates = (
        f"{number(value)} at {percent(rate)}" + (f" ({interval(ends)})" if (ends := of.tpr_ci.get(rate)) else "")
        for rate, value in of.tpr.items()
    )
    auc = number(of.auc) + (f" ({interval(of.auc_ci)})" if of.auc_ci else "")
    claimed, seen = interval(of.auc_claim_ci) or NOT_GIVEN, number(of.detectable_auc)
    return of.attack, of.game, of.setting, sizes, auc, claimed, "; ".join(rates), seen


def _parameters(found: Parameters | None) -> Iterator[str]:
    if found is None:
        yield f"The number of parameters is {NOT_RECORDED}."
        return
    records = NOT_RECORDED if found.records is None else f"{found.records:,}"
    yield f"Each model was trained on {records} records and has {found.mean:,.0f} parameters on average"
    yield f"({found.minimum:,.0f} to {found.maximum:,.0f})."
    if found.records_per_parameter is not None:
        yield f"That is {found.records_per_parameter:.3g} records per parameter."


def _digests(kinds: Iterable[tuple[str, Sequence[Digest]]]) -> Iterator[str]:
    yield from _table(("of", "what", "digest"), [(kind, of.what, of.sha256) for kind, all_ in kinds for of in all_])


def _requests(found: Requests) -> Iterator[str]:
    count = NOT_RECORDED if found.count is None else f"{found.count:,}"
    yield f"Number of {found.of or 'records'} whose deletion was tested: {count}."
    if found.left_out is not None:
        yield f"Their codes are left out: {found.left_out}."
    else:
        yield f"Their codes ({found.code} under the owner's key) are in record.json."
