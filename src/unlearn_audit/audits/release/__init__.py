"""One release: two versions of a model, a few people deleted in between, and nothing else.

An engineer who is about to publish an updated model has no shadow worlds, only the answers of the version before and
the version after. What can still be said, exactly, rests on *reference records*: records of the same kind that neither
version was trained on. If the update gave nobody away, a deleted person would look like one of them; the share of
references that look at least as deleted is the person's *p-value*.

A *person* is all deleted records of one human being. A person is *identified* if the p-value is so small that, with all
persons allowed for, the chance that anybody is counted wrongly is at most 5 %.

`examine` does this for one `Pair`; `rehearse` does it for stand-ins before anything is erased; `plan` looks for the
least costly way of releasing that reveals nobody.
"""

from unlearn_audit.audits.release.examine import Examined, ReleaseSettings, examine, findings_of
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.audits.release.pair import Pair, Rows, pair_of
from unlearn_audit.audits.release.result import ReleaseResult
from unlearn_audit.observations.ids import read_ids
from unlearn_audit.observations.one_version import Answers, read_answers

__all__ = [
    "Answers",
    "Examined",
    "Pair",
    "ReleaseFindings",
    "ReleaseResult",
    "ReleaseSettings",
    "Rows",
    "examine",
    "findings_of",
    "pair_of",
    "read_answers",
    "read_ids",
]
