"""The JSON schema of ``methods.json``, made from the models of `findings`.

``python -m unlearn_audit.audits.methods.json_schema`` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from unlearn_audit.audits.methods.findings import SCHEMA, MethodsFindings


def methods_schema() -> dict[str, Any]:
    """Return the JSON schema (Draft 2020-12) of what `MethodsFindings.to_json` writes; every field is required.

    Examples
    --------
    >>> methods_schema()["properties"]["schema"]["const"]
    'unlearn-audit/methods/1'
    """
    schema = MethodsFindings.model_json_schema(by_alias=True, mode="serialization")
    schema["properties"]["schema"]["const"] = SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def main() -> None:
    """Print the schema."""
    json.dump(methods_schema(), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
