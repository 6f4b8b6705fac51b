"""The audit of deletion in agents that keep people's data in external memory and in model weights."""

from unlearn_audit.audits.agents.run import AgentAudit, audit_agent

__all__ = ["AgentAudit", "audit_agent"]
