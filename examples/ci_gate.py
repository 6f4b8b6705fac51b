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

EXIT_CODES = {"pass": 0, "fail": 1, "cannot-tell": 3}
UNREADABLE = 2


def main() -> int:
    """Read the findings and return the exit code; whatever stands in the way of that is no leak, and no pass."""
    parser = argparse.ArgumentParser(description="Stop a release whose audit claims a leak.")
    parser.add_argument("findings", type=Path, help="the findings.json of a run")
    path = parser.parse_args().findings
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    try:
        return gate(path)
    except Exception as error:  # noqa: BLE001 - a traceback has the exit code of a leak
        said = " ".join(str(error).split()) or type(error).__name__
        print(f"Error: no verdict from {str(path)[:300]}: {said[:1000]}", file=sys.stderr)
        return UNREADABLE


def gate(path: Path) -> int:
    """Print the verdict of findings and return the exit code of their gate."""
    # here, so that a package that is missing is no leak either
    from unlearn_audit import Findings

    findings = Findings.read(path)
    code = EXIT_CODES[findings.verdict.gate]
    print(findings.verdict.summary)
    for warning in findings.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    print(f"verdict {findings.verdict.kind}, gate {findings.verdict.gate}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
