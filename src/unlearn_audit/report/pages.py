"""Templates of pages: every text in them is data and comes out escaped, and keeps its direction to itself."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from unlearn_audit.report.wording import brief
from unlearn_audit.utils.shown import isolated


def page_template(name: str, *packages: str) -> Template:
    """Return a template of the first of some packages that has it, or of the report."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "unlearn_audit.report")]),
        autoescape=True,
        finalize=_isolated,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["brief"] = brief
    return environment.get_template(name)


def _isolated(value: Any) -> Any:
    return isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value
