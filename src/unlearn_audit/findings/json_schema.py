"""The JSON schema of ``findings.json``, made from the models of `findings`.

``python -m unlearn_audit.findings.json_schema`` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from unlearn_audit.findings.schema import SCHEMA, Findings


def findings_schema() -> dict[str, Any]:
    """Return the JSON schema (Draft 2020-12) of what `Findings.to_json` writes.

    A written file has every field, so every field is required, also those with defaults.

    Examples
    --------
    >>> findings_schema()["properties"]["schema"]["const"]
    'unlearn-audit/findings/2'
    """
    schema = Findings.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"]["const"] = SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def main() -> None:
    """Print the schema."""
    json.dump(findings_schema(), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
