"""Makes docs/reproduction.md and its figures from a folder of ``unlearn-audit reproduce all --out FOLDER``.

The text before the first table is written by hand and stays.

    python docs/reproduction.py FOLDER
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE, FIGURES = HERE / "reproduction.md", HERE / "reproduction"
LEFT_OUT = ("epochs",)
"""Experiments that the page does not show."""


def main() -> None:
    """Put the page together."""
    folder = Path(sys.argv[1])
    introduction = PAGE.read_text(encoding="utf-8").partition("\n| experiment |")[0]
    table, *sections = re.split(r"(?m)^(?=## )", (folder / "overview.md").read_text(encoding="utf-8"))
    for name in LEFT_OUT:
        table = re.sub(rf"(?m)^\| \[{name}\].*\n", "", table)
        sections = [section for section in sections if f"(`{name}`)" not in section.partition("\n")[0]]
    parts = [introduction.rstrip(), table.strip()]
    for section in sections:
        name = section.partition("(`")[2].partition("`)")[0]
        parts.append(section.replace(f"({name}/figure.svg)", f"(reproduction/{name}.svg)").strip())
        shutil.copyfile(folder / name / "figure.svg", FIGURES / f"{name}.svg")
        shutil.copyfile(folder / name / "table.csv", FIGURES / f"{name}.csv")
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
