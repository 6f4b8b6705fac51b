"""The record of a run for a regulator: how a model's anonymity was tested, and how far that carries.

Opinion 28/2024 of the European Data Protection Board asks whoever calls a model anonymous for the scope, frequency,
quantity and quality of its tests, for threat models, for the ratio of training records to parameters, and for reports
of how it was tested: by whom, when, how and with which results. A record states this of one run. It names nobody:
requests appear as keyed digests, or not at all.
"""

from unlearn_audit.audits.record.build import Who, record_of
from unlearn_audit.audits.record.markdown import markdown
from unlearn_audit.audits.record.schema import Record

__all__ = ["Record", "Who", "markdown", "record_of"]
