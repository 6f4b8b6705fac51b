"""Agents that remember people, called through the few methods that an audit needs: objects, programs and addresses.

A *kind* of agent says which texts name one, and opens it. Each kind is one file; `KINDS` lists our own, and installed
packages add to them by entry points of the group ``unlearn_audit.agents``. Agents of all kinds get the same messages,
see `unlearn_audit.agents.messages`.
"""

from unlearn_audit.agents.base import OPTIONAL, Agent, Answer, Document, Failure, Item, Kind, Opening
from unlearn_audit.agents.kinds import KINDS, REGISTRY, open_agent

__all__ = [
    "KINDS",
    "OPTIONAL",
    "REGISTRY",
    "Agent",
    "Answer",
    "Document",
    "Failure",
    "Item",
    "Kind",
    "Opening",
    "open_agent",
]
