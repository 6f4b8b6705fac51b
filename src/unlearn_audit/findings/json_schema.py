"""The JSON schema of ``findings.json``: shipped as a file, generated from the models of `findings`.

``python -m unlearn_audit.findings.json_schema --write`` regenerates the file after the models have changed;
without ``--write`` it prints the schema that is shipped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from unlearn_audit.findings.schema import SCHEMA, Findings
from unlearn_audit.utils.files import write_atomic

FILE = "findings.schema.json"
"""Name of the shipped file, beside this module."""


def findings_schema() -> dict[str, Any]:
    """Return the JSON schema (Draft 2020-12) of ``findings.json`` as shipped.

    Examples
    --------
    >>> findings_schema()["properties"]["schema"]["const"]
    'unlearn-audit/findings/2'
    """
    text = resources.files("unlearn_audit.findings").joinpath(FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def generated_schema() -> dict[str, Any]:
    """Return the schema of what `Findings.to_json` writes, from the models.

    A written file has every field, so every field is required, also those with defaults.
    """
    schema = Findings.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"]["const"] = SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shipped schema, or regenerate it with ``--write``."""
    parser = argparse.ArgumentParser(prog="python -m unlearn_audit.findings.json_schema", description=main.__doc__)
    parser.add_argument("--write", action="store_true", help="regenerate the shipped file from the models")
    if parser.parse_args(arguments).write:
        write_atomic(Path(__file__).with_name(FILE), json.dumps(generated_schema(), indent=1) + "\n")
    else:
        json.dump(findings_schema(), sys.stdout, indent=1)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
