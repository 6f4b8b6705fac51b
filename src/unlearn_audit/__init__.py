"""Measure who can be identified as deleted when a model is published before and after unlearning.

An *audit* runs the attack of Chen et al. (CCS 2021) against your own kind of model, data and unlearning method.
It trains *worlds* (original models, and from each the *unlearned* models after single deletions), queries
both versions of each with deleted, unseen and retained *records* (*observations*), lets *attacks* that were
fitted on the attacker's shadow worlds *score* the target's records, and reports as *findings* how well they
identify the deleted ones, with intervals, compared with what the original model alone gives away.

`audit` takes a classifier and arrays; `run` takes an `AuditConfig`; `audit_observations` takes posteriors
exported from any other system.
"""

import logging
from typing import TYPE_CHECKING

from unlearn_audit.utils.lazy import lazily

if TYPE_CHECKING:
    from unlearn_audit.api import audit, audit_observations, compare_methods, run
    from unlearn_audit.audits.agents import AgentAudit, audit_agent
    from unlearn_audit.audits.membership.execution import Execution
    from unlearn_audit.audits.membership.result import AuditResult
    from unlearn_audit.audits.methods.result import MethodsResult
    from unlearn_audit.audits.query import QueryResult, query
    from unlearn_audit.audits.tracking import log_to_mlflow
    from unlearn_audit.config import AuditConfig, read_config
    from unlearn_audit.errors import AuditError
    from unlearn_audit.findings.result import Result
    from unlearn_audit.findings.schema import Findings
    from unlearn_audit.models.program import ProgramClassifier
    from unlearn_audit.observations import Observations, read_observations, write_observations

__all__ = [
    "AgentAudit",
    "AuditConfig",
    "AuditError",
    "AuditResult",
    "Execution",
    "Findings",
    "MethodsResult",
    "Observations",
    "ProgramClassifier",
    "QueryResult",
    "Result",
    "audit",
    "audit_agent",
    "audit_observations",
    "compare_methods",
    "log_to_mlflow",
    "query",
    "read_config",
    "read_observations",
    "run",
    "write_observations",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())  # silent until a program listens

__getattr__, __dir__ = lazily(
    __name__,
    {
        "api": ("audit", "audit_observations", "compare_methods", "run"),
        "config": ("AuditConfig", "read_config"),
        "errors": ("AuditError",),
        "observations": ("Observations", "read_observations", "write_observations"),
        "findings.result": ("Result",),
        "findings.schema": ("Findings",),
        "audits.membership.result": ("AuditResult",),
        "audits.methods.result": ("MethodsResult",),
        "audits.query": ("QueryResult", "query"),
        "audits.agents": ("AgentAudit", "audit_agent"),
        "models.program": ("ProgramClassifier",),
        "audits.tracking": ("log_to_mlflow",),
        "audits.membership.execution": ("Execution",),
    },
)
