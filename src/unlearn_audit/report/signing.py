"""Who answers for a report, when it was made and by which version: what stands where it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as installed
from typing import Any

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Signing:
    """Date, owner and version, as texts.

    Attributes
    ----------
    date
        When the findings were written, in UTC.
    owner
        Who answers for the release; empty where nobody was named.
    version
        Of this program.
    """

    date: str
    owner: str
    version: str

    @classmethod
    def of(cls, execution: Mapping[str, Any]) -> Signing:
        """Read them from what a run says of how it was made."""
        return cls(
            date=str(execution.get("date") or NOT_RECORDED),
            owner=str(execution.get("owner") or ""),
            version=str(execution.get("unlearn-audit") or NOT_RECORDED),
        )

    @classmethod
    def now(cls, owner: str | None = None) -> Signing:
        """Return those of a page that is written now."""
        return cls.of({**made_now(owner), "unlearn-audit": installed("unlearn-audit")})


def made_now(owner: str | None = None) -> dict[str, str]:
    """Return the date, and the owner where there is one, as a run stores them with its findings."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"date": now} | ({} if owner is None else {"owner": owner})
