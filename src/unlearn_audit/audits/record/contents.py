"""What the findings of each kind of run contribute to a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unlearn_audit.attacks.base import score_column
from unlearn_audit.audits.methods.findings import MethodsFindings
from unlearn_audit.audits.record import threats
from unlearn_audit.audits.record.schema import Attack, Figure, Parameters, Scope
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.audits.release.sentences import alike
from unlearn_audit.findings.precision import detectable_auc
from unlearn_audit.findings.result import Result, Selected, is_selected
from unlearn_audit.findings.schema import Findings
from unlearn_audit.metrics.low_fpr import LOW_FPR
from unlearn_audit.report.settings import publishable
from unlearn_audit.report.wording import REGIMES, adapting, role_words, roles

_PARAMETERS, _NOT_RUN, _VERSION = "parameters", "not_run", "unlearn-audit"
"""Keys under which a run notes these, besides how it was executed."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """What findings contribute; the fields are as those of `unlearn_audit.audits.record.schema.Record`.

    Attributes
    ----------
    not_run
        The registered attacks that were left out; None where that was not stored.
    version
        Of the program, as the findings state it.
    """

    scope: Scope
    outcome: str
    attacks: tuple[Attack, ...]
    not_run: list[dict[str, Any]] | None
    sizes: dict[str, int]
    parameters: Parameters | None
    figures: tuple[Figure, ...]
    limits: tuple[str, ...]
    version: str | None = None


def of_audit(found: Findings) -> Content:
    """Return the content of an audit of ``run`` or ``predictions``."""
    rows = found.leading().rows
    results = [of for of in found.results if of.rows == rows]
    games = dict.fromkeys(of.game for of in results)
    return Content(
        scope=Scope(
            kind="audit",
            question="; ".join(f"Can {_against(game)} be distinguished?" for game in games),
            dataset=found.dataset,
            model=found.model,
            unlearning=_method(found.config),
            regime=_regime(found.regime),
            settings=dict(publishable(found.config)),
        ),
        outcome=found.verdict.summary,
        attacks=_unique(threats.of_classifier(of.attack, of.view, _label(of)) for of in results),
        not_run=_noted(found.execution, _NOT_RUN, list),
        sizes=_sizes(found.details),
        parameters=_parameters(found.execution, found.details),
        figures=tuple(_figure(of, found.selected) for of in results),
        limits=(*found.verdict.limits, *found.warnings),
        version=_noted(found.execution, _VERSION, str),
    )


def of_methods(found: MethodsFindings) -> Content:
    """Return the content of a comparison of methods."""
    rows = [(row.method, row.arms) for row in found.methods if row.arms is not None]
    attacks = [(name, of) for name, arms in rows for of in arms.attacks]
    return Content(
        scope=Scope(
            kind="comparison of methods",
            question=f"Does a method give away more than exact retraining? ({_against(found.game)})",
            dataset=found.dataset,
            model=found.model,
            unlearning=", ".join(name for name, _ in rows),
            regime=None,
            settings=dict(publishable(found.config)),
        ),
        outcome=found.summary,
        attacks=_unique(threats.of_classifier(of.attack, of.view, of.label) for _, of in attacks),
        not_run=None,
        sizes=_sizes(found.details),
        parameters=_parameters(found.execution, found.details),
        figures=tuple(
            Figure(
                attack=of.label,
                game=found.game,
                setting=name,
                positives=None,
                negatives=None,
                worlds=_sizes(found.details).get("target worlds"),
                auc=of.unlearned.auc,
                auc_ci=of.unlearned.auc_ci,
                auc_claim_ci=None,
                tpr={str(LOW_FPR): of.unlearned.tpr},
                tpr_ci={str(LOW_FPR): of.unlearned.tpr_ci},
                detectable_auc=None,
            )
            for name, of in attacks
        ),
        limits=(*found.limits, *(note.text for note in found.notes if note.level == "warning")),
        version=_noted(found.execution, _VERSION, str),
    )


def of_release(found: ReleaseFindings) -> Content:
    """Return the content of the examination of one release, or of its rehearsal."""
    by_rate = {str(of.rate): of for of in found.flagging}
    return Content(
        scope=Scope(
            kind="rehearsal" if found.rehearsal else "release",
            question=f"Can deleted people be distinguished from {alike(found)}?",
            dataset=None,
            model=None if found.config.get("model") is None else dict(publishable(found.config)).get("model"),
            unlearning=None,
            regime=_regime(found.config.get("regime")),
            settings=dict(publishable(found.config)),
        ),
        outcome=found.summary,
        attacks=(threats.of_release(found.score),),
        not_run=[],
        sizes={
            "deleted people": found.persons,
            "their records": found.records,
            "reference people": found.reference_persons,
            "reference people needed to identify anyone": found.references_needed,
            **({"repetitions": len(found.repetitions)} if found.rehearsal else {}),
        },
        parameters=None,
        figures=(
            Figure(
                attack=found.score,
                game="deleted people against people never in training",
                setting="as released",
                positives=found.persons,
                negatives=found.reference_persons,
                worlds=None,
                auc=None,
                auc_ci=None,
                auc_claim_ci=None,
                tpr={rate: of.found_share for rate, of in by_rate.items()},
                tpr_ci={rate: of.found_share_ci for rate, of in by_rate.items()},
                detectable_auc=None,
            ),
        ),
        limits=(*found.limits, *found.notes),
    )


def _figure(of: Result, selected: Selected) -> Figure:
    """Return the figures of an attack; all but the leading one claim by an interval that holds for all at once."""
    return Figure(
        attack=_label(of),
        game=of.game,
        setting="no defence" if of.defense == "none" else f"{of.defense}, the attacker {adapting(of)}",
        positives=of.n_positive,
        negatives=of.n_negative,
        worlds=of.n_worlds,
        auc=of.auc,
        auc_ci=of.auc_ci,
        auc_claim_ci=of.auc_claim_ci if is_selected(of, selected) else of.auc_simultaneous_ci,
        tpr=of.tpr_at_fpr,
        tpr_ci=of.tpr_at_fpr_ci,
        detectable_auc=detectable_auc(of),
    )


def _label(of: Result) -> str:
    return score_column(of.attack, of.attack_model)


def _against(game: str) -> str:
    return " and ".join(map(role_words, roles(game)))


def _regime(regime: Any) -> str | None:
    if not isinstance(regime, str):
        return None
    return f"{regime}: {REGIMES[regime]}" if regime in REGIMES else regime


def _method(config: Mapping[str, Any]) -> str | None:
    method = config.get("unlearning")
    named = method.get("method") if isinstance(method, Mapping) else method
    return None if named is None else str(named)


def _unique(attacks: Any) -> tuple[Attack, ...]:
    return tuple({of.attack: of for of in attacks}.values())


def _noted(execution: Mapping[str, Any], key: str, kind: type) -> Any:
    """Return what a run noted; None where it noted nothing of that kind."""
    found = execution.get(key)
    return found if isinstance(found, kind) else None


def _sizes(details: Mapping[str, Any]) -> dict[str, int]:
    """Return every whole number of what each side holds."""
    return {
        f"{side} {key.replace('_', ' ')}": value
        for side, of in details.items()
        if isinstance(of, Mapping)
        for key, value in of.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }


def _parameters(execution: Mapping[str, Any], details: Mapping[str, Any]) -> Parameters | None:
    """Return the parameters of the audited models, and how many records each was trained on."""
    counts = (_noted(execution, _PARAMETERS, dict) or {}).get("target")
    if not isinstance(counts, Mapping):
        return None
    minimum, mean, maximum = (float(counts[name]) for name in ("minimum", "mean", "maximum"))
    records = _sizes(details).get("target train size")
    ratio = None if records is None or not mean else records / mean
    return Parameters(minimum=minimum, mean=mean, maximum=maximum, records=records, records_per_parameter=ratio)
