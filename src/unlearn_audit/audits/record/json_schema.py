"""The JSON schema of ``record.json``, made from the models of `schema`.

``python -m unlearn_audit.audits.record.json_schema`` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from unlearn_audit.audits.record.schema import SCHEMA, Record


def record_schema() -> dict[str, Any]:
    """Return the JSON schema (Draft 2020-12) of what `Record.to_json` writes; every field is required.

    Examples
    --------
    >>> record_schema()["properties"]["schema"]["const"]
    'unlearn-audit/record/1'
    """
    schema = Record.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"]["const"] = SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def main() -> None:
    """Print the schema."""
    json.dump(record_schema(), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
