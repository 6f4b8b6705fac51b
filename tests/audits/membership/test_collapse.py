"""What an attack reads off ids on the shadow side is not there on the target: the leading attack finds nothing."""

import re

from unlearn_audit import Execution, run
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import build_config


def test_the_leading_attack_collapses_and_another_shows_a_leak(collapsing, tmp_path):
    findings = run(collapsing, Execution(store=tmp_path / "store")).findings
    leading = findings.leading()
    assert leading.attack == "sorted-concat"
    assert leading.shadow_auc > 0.99
    assert leading.auc < 0.55
    assert leading.auc_ci[0] < 0.5
    (other,) = [of for of in findings.results if (of.attack, of.rows) == ("score-ratio", "all")]
    assert 0.9 < other.shadow_auc < leading.shadow_auc
    assert other.auc_simultaneous_ci[0] > 0.55
    said = [
        note for note in findings.warnings if re.match(r"people: name \(800 distinct of 800 values\) is kept", note)
    ]
    assert len(said) == 1
    assert "may fail on the target, where all of them are unknown" in said[0]


def test_without_being_kept_the_id_is_no_feature(collapsing):
    settings = collapsing.model_dump()
    settings["target"]["data"]["keep"] = ()
    data = AuditTask.load(build_config(settings)).records["target"].data
    assert data.X.shape == (800, 6)
    assert data.warnings[0].startswith(
        "Dropped, nearly every record holds a different text, as with ids: name (800 distinct"
    )
