"""The body of a request to a prediction API: JSON in which texts such as ``"{rows}"`` stand for the records.

A template has a name, is JSON, or is ``@`` and the path of a file that holds it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.columns import content_of
from unlearn_audit.versions.base import Records

TEMPLATES: Mapping[str, Any] = {
    "instances": {"instances": "{rows}"},
    "objects": {"instances": "{objects}"},
    "inputs": {"inputs": "{rows}"},
    "dataframe_split": {"dataframe_split": {"columns": "{names}", "data": "{rows}"}},
    "dataframe_records": {"dataframe_records": "{objects}"},
    "v2": {"inputs": [{"name": "input-0", "shape": ["{count}", "{width}"], "datatype": "FP64", "data": "{values}"}]},
}
"""Templates by name: TensorFlow Serving and KServe v1 (rows or objects), MLflow, KServe v2 and Triton."""

FILLED: Mapping[str, Callable[[Records], Any]] = {
    "{rows}": lambda of: of.rows,
    "{objects}": lambda of: of.objects,
    "{columns}": lambda of: {name: [row[name] for row in of.objects] for name in of.names},
    "{names}": lambda of: of.names,
    "{values}": lambda of: [value for row in of.rows for value in row],
    "{count}": len,
    "{width}": lambda of: len(of.names),
}
"""What stands for what of the records."""


def template_of(text: str) -> Any:
    """Return a template.

    Raises
    ------
    AuditError
        If it is none: no name, no JSON, no such file, or nothing in it stands for the records.
    """
    if text in TEMPLATES:
        return TEMPLATES[text]
    try:
        source = content_of(Path(text[1:])).decode() if text.startswith("@") else text
        template = json.loads(source)
    except (ValueError, RecursionError) as error:
        if isinstance(error, AuditError):
            raise
        raise AuditError(
            f"the request {text!r} is neither {', '.join(TEMPLATES)} nor JSON such as "
            '\'{"data": "{rows}"}\', nor @FILE with such JSON'
        ) from error
    if not any(f'"{of}"' in source for of in ("{rows}", "{objects}", "{columns}", "{values}")):
        raise AuditError(
            'the request holds no records: write "{rows}", "{objects}", "{columns}" or "{values}", in quotes, '
            "where they belong"
        )
    return template


def filled(template: Any, records: Records) -> Any:
    """Return a template with records in it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> filled({"data": "{rows}", "v": 2}, Records(pa.table({"age": [30, 40], "job": ["a", None]})))
    {'data': [[30, 'a'], [40, None]], 'v': 2}
    """
    if isinstance(template, str):
        return FILLED[template](records) if template in FILLED else template
    if isinstance(template, dict):
        return {key: filled(value, records) for key, value in template.items()}
    return [filled(value, records) for value in template] if isinstance(template, list) else template
