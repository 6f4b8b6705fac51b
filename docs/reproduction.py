"""Makes docs/reproduction.md and its figures from run folders of ``unlearn-audit reproduce``.

The text before the first table is written by hand and stays. Each folder is that of one experiment, or holds a folder
for each; of an experiment in several of them, the last counts.

    python docs/reproduction.py FOLDER...
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from unlearn_audit.reproduce.experiments import EXPERIMENTS

HERE = Path(__file__).parent
PAGE, FIGURES = HERE / "reproduction.md", HERE / "reproduction"
LEFT_OUT = ("epochs",)
"""Experiments that the page does not show."""

_CLAIM = re.compile(r"(?m)^- (?P<claim>.+): \*\*(?P<outcome>.+)\*\*$")


def main() -> None:
    """Put the page together."""
    introduction = PAGE.read_text(encoding="utf-8").partition("\n| experiment |")[0]
    rows = ["| experiment | the paper | claim as decided | outcome |", "| --- | --- | --- | --- |"]
    sections = []
    for name, folder in found(map(Path, sys.argv[1:])).items():
        section = (folder / "summary.md").read_text(encoding="utf-8").strip()
        heading = section.partition("\n")[0].removeprefix("## ")
        link = f"[{name}](#{anchor(heading)})"
        claim = EXPERIMENTS[name].claim
        rows += [f"| {link} | {claim} | {of['claim']} | {of['outcome']} |" for of in _CLAIM.finditer(section)]
        sections.append(section.replace("(figure.svg)", f"(reproduction/{name}.svg)"))
        shutil.copyfile(folder / "figure.svg", FIGURES / f"{name}.svg")
        shutil.copyfile(folder / "table.csv", FIGURES / f"{name}.csv")
    PAGE.write_text("\n\n".join([introduction.rstrip(), "\n".join(rows), *sections]) + "\n", encoding="utf-8")


def found(folders: map[Path]) -> dict[str, Path]:
    """Return the folder of each experiment that is shown, in the order of the experiments."""
    of = {}
    for folder in folders:
        for each in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
            if each.name in EXPERIMENTS and (each / "summary.md").is_file():
                of[each.name] = each
    return {name: of[name] for name in EXPERIMENTS if name in of and name not in LEFT_OUT}


def anchor(heading: str) -> str:
    """Return the anchor that Markdown gives to a heading."""
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")


if __name__ == "__main__":
    main()
