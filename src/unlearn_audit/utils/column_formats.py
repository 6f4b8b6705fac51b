"""The formats of `columns`, by the suffix of a file."""

from __future__ import annotations

from collections.abc import Mapping

from unlearn_audit.utils.arrow_format import ARROW
from unlearn_audit.utils.csv_format import CSV
from unlearn_audit.utils.json_format import JSON_ARRAY, JSON_LINES
from unlearn_audit.utils.parquet_format import PARQUET
from unlearn_audit.utils.sources import Format

FORMATS: Mapping[str, Format] = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), CSV),
    **dict.fromkeys((".jsonl", ".ndjson"), JSON_LINES),
    ".json": JSON_ARRAY,
    **dict.fromkeys((".parquet", ".pq"), PARQUET),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), ARROW),
}
"""Suffix of a file to its format."""
