"""Finds out what a run folder holds, and reads its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from unlearn_audit.audits.agents.findings import SCHEMA as AGENT
from unlearn_audit.audits.agents.findings import AgentFindings
from unlearn_audit.audits.gate.figure import Figure
from unlearn_audit.audits.gate.of_agent import OfAgent
from unlearn_audit.audits.gate.of_audit import OfAudit
from unlearn_audit.audits.gate.of_methods import OfMethod
from unlearn_audit.audits.gate.of_release import OfRelease
from unlearn_audit.audits.methods.findings import SCHEMA as METHODS
from unlearn_audit.audits.methods.findings import MethodsFindings
from unlearn_audit.audits.release.findings import SCHEMA as RELEASE
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.engine.store.folder import MARKER, NO_RUN
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.read import read_as
from unlearn_audit.findings.schema import SCHEMA as AUDIT
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.sections import Gate

FILES = ("findings.json", "methods.json")
"""What a run folder may hold whose figures limits can apply to."""

AnyFindings = Findings | ReleaseFindings | MethodsFindings | AgentFindings


class Decided(Protocol):
    """A verdict."""

    @property
    def kind(self) -> str:
        """What was found, as a word."""

    @property
    def gate(self) -> Gate:
        """What follows for a release."""

    @property
    def summary(self) -> str:
        """The same in words."""


class Figures(Protocol):
    """The figures of a run, and what decides where no limit is given."""

    @property
    def verdict(self) -> Decided | None:
        """The verdict of an audit; None where there is none to go by."""

    def figure(self, measure: str) -> Figure:
        """Return a figure by the name of its measure, or raise an `AuditError`."""

    def cautions(self, measures: Mapping[str, float]) -> tuple[str, ...]:
        """Return what limits on some measures do not see."""


@dataclass(frozen=True)
class Asked:
    """Whose figures count.

    Attributes
    ----------
    attack, defense
        Of an audit, as `OfAudit.choose` takes them.
    method
        Of a comparison of methods.
    """

    attack: str | None = None
    defense: str | None = None
    method: str | None = None

    def of(self, findings: AnyFindings) -> Figures:
        """Return the figures that are asked for.

        Raises
        ------
        AuditError
            If the findings have no such figures.
        """
        audit, methods = isinstance(findings, Findings), isinstance(findings, MethodsFindings)
        for flag, given, fits, has in (
            ("--attack", self.attack, audit, "an audit of run or predictions"),
            ("--defense", self.defense, audit, "an audit of run or predictions"),
            ("--method", self.method, methods, "a comparison of methods"),
        ):
            if given is not None and not fits:
                raise AuditError(f"{flag} {given} names something that only {has} has; leave it out")
        if isinstance(findings, Findings):
            return OfAudit.choose(findings, self.attack, self.defense)
        if isinstance(findings, MethodsFindings):
            return OfMethod.choose(findings, self.method)
        if isinstance(findings, AgentFindings):
            return OfAgent(findings)
        return OfRelease(findings)


def read_run(run: Path) -> AnyFindings:
    """Return what a run found.

    Parameters
    ----------
    run
        Its folder, or the file of its findings.

    Raises
    ------
    AuditError
        If there are no findings of ``run``, ``predictions``, ``release``, ``compare-methods`` or ``agent``, or they are
        not as they were written.
    """
    return read_as(_file_of(run), AUDIT, _findings)


def _file_of(run: Path) -> Path:
    if not run.is_dir():
        return run
    found = next((run / name for name in FILES if (run / name).is_file()), None)
    if found is not None:
        return found
    if not (run / MARKER).is_file():
        raise AuditError(NO_RUN.format(run))
    raise AuditError(
        f"{run} holds no figures of run, predictions, release, compare-methods or agent; its run did not end, or it is "
        "of another command"
    )


def _findings(document: Any) -> AnyFindings:
    if document.get("schema") == AGENT:
        return AgentFindings.of(document)
    kinds: dict[str, type[ReleaseFindings | MethodsFindings]] = {RELEASE: ReleaseFindings, METHODS: MethodsFindings}
    kind = kinds.get(str(document.get("schema")))
    return Findings.of(document) if kind is None else kind.model_validate_json(json.dumps(document), strict=True)
