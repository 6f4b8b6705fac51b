"""The log of the library, ``logging.getLogger("unlearn_audit")``: silent until the program that uses it listens."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("unlearn_audit")
"""What Python code that uses the package is told: progress and what was found as ``INFO``, doubts as ``WARNING``."""
