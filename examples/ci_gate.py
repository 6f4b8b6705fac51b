"""Stop a release whose audit claims a leak.

    unlearn-audit run audit.yaml --json > findings.json
    python examples/ci_gate.py findings.json

It reads the gate of the verdict (docs/verdicts.md) and nothing else. Exit code 0: no leak was seen, which does not show
that there is none. Exit code 1: a leak is claimed. Exit code 3: there are too few data to say. Exit code 2: the
findings cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unlearn_audit import Findings
from unlearn_audit.errors import AuditError

EXIT_CODES = {"pass": 0, "fail": 1, "cannot-tell": 3}


def main() -> int:
    """Read the findings and return the exit code."""
    parser = argparse.ArgumentParser(description="Stop a release whose audit claims a leak.")
    parser.add_argument("findings", type=Path, help="the findings.json of a run")
    try:
        findings = Findings.read(parser.parse_args().findings)
    except AuditError as error:
        parser.error(str(error))
    print(findings.verdict.summary)
    for warning in findings.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    print(f"verdict {findings.verdict.kind}, gate {findings.verdict.gate}")
    return EXIT_CODES[findings.verdict.gate]


if __name__ == "__main__":
    sys.exit(main())
