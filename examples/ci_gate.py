"""Stop a release whose update is shown to give deleted people away.

    unlearn-audit run audit.yaml --json > findings.json
    python examples/ci_gate.py findings.json --threshold 0.05

Exit code 0: no leak above the threshold was shown, which does not show that there is none. Exit code 1: one was
shown. Exit code 2: the findings cannot be judged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unlearn_audit import Findings


def leak_shown(findings: Findings) -> float | None:
    """Return how large a leak the leading attack shows at the least, or None if it was compared with nothing.

    It is the lower end of the interval of its AUC minus the classical attack's. An attack that is reliably wrong is
    a leak as well, for whoever turns its answers round: there, it is how far below 0.5 the AUC's interval ends.
    """
    leading = findings.leading()
    if leading.auc_minus_classical_ci is None:
        return None
    return max(leading.auc_minus_classical_ci[0], 0.5 - leading.auc_ci[1])


def main() -> int:
    """Read the findings and return the exit code."""
    parser = argparse.ArgumentParser(description="Stop a release whose update is shown to give deleted people away.")
    parser.add_argument("findings", type=Path, help="the findings.json of a run")
    parser.add_argument("--threshold", type=float, default=0.05, help="largest leak allowed, as a difference of AUCs")
    asked = parser.parse_args()
    findings = Findings.read(asked.findings)
    shown = leak_shown(findings)
    print(findings.verdict.summary)
    if shown is None:
        print("The leading attack has no interval against the classical one: nothing to judge.", file=sys.stderr)
        return 2
    print(f"leak shown, at the least: {shown:+.3f}; allowed: {asked.threshold:+.3f}")
    return int(shown > asked.threshold)


if __name__ == "__main__":
    sys.exit(main())
