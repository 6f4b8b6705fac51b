"""A query: two finished versions of a model are asked about a table of records, and what they answer is kept in files.

The files are what `unlearn_audit.audits.release` looks at. An interrupted query goes on where it was.
"""

from unlearn_audit.audits.query.result import QueryResult
from unlearn_audit.audits.query.run import query

__all__ = ["QueryResult", "query"]
