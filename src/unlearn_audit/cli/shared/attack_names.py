"""The option that names attacks, apart from the others: its help lists them all, and they take long to import."""

from __future__ import annotations

from typing import Annotated

import typer

from unlearn_audit.attacks import CATALOGUE
from unlearn_audit.errors import AuditError

Attacks = Annotated[
    list[str] | None,
    typer.Option(
        "--attack",
        help=f"{', '.join(CATALOGUE)}; or none; repeatable. Default: every one that the observations allow.",
    ),
]


def attacks_named(names: list[str] | None) -> tuple[str, ...] | None:
    """Return the value of ``attacks`` for the names given on the command line, where ``none`` stands for no attack.

    Raises
    ------
    AuditError
        If ``none`` stands beside a name.
    """
    if not names:
        return None
    if "none" in names and len(names) > 1:
        raise AuditError("--attack none leaves out every attack of its kind; give it alone, or name attacks")
    return tuple(name for name in names if name != "none")
