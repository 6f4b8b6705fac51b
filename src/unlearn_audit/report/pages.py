"""Templates of pages: every text in them is data and comes out escaped."""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template


def page_template(name: str, *packages: str) -> Template:
    """Return a template of the first of some packages that has it, or of the report."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "unlearn_audit.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(name)
