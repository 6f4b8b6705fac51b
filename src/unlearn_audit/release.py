"""The old name of `unlearn_audit.audits.release`."""

from unlearn_audit.audits.release import *  # noqa: F403
