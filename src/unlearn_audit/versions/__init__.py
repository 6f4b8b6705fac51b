"""Finished versions of a model, which can only be asked: a service, a file, a function or a program.

A *kind* of version says which texts name one, and opens it. Each kind is one file; `KINDS` lists our own, and installed
packages add to them by entry points of the group ``unlearn_audit.versions``.
"""

from unlearn_audit.versions.base import Asking, Kind, Records, Replies, Version
from unlearn_audit.versions.kinds import KINDS, REGISTRY, kind_of

__all__ = ["KINDS", "REGISTRY", "Asking", "Kind", "Records", "Replies", "Version", "kind_of"]
