"""Draws report.svg, the picture in the README: the first run that docs/verdicts.md shows, as a terminal prints it.

    python docs/picture.py           # writes report.svg
    python docs/picture.py --check   # exit code 1 if it is out of date

Nothing is run: the page has the output.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
PAGE = HERE / "verdicts.md"
PICTURE = HERE / "report.svg"
WIDTH = 119


def picture() -> str:
    """Return the SVG, without the fonts that rich would load from elsewhere."""
    run = r"^```console\n\$ (unlearn-audit run .*?)\n(.*?)^```$"
    found = re.search(run, PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{PAGE} shows no run"
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in found[2].rstrip("\n").splitlines():
        strong = line.startswith(("leaf-share", "The update", "Verdict", "Report"))
        console.print(Text(line, "bold" if strong else ""), soft_wrap=True)
    template = re.sub(r"\s*@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    drawn = console.export_svg(title=found[1], theme=MONOKAI, code_format=template, unique_id="report")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(PICTURE.read_text(encoding="utf-8") != picture())
    PICTURE.write_text(picture(), encoding="utf-8")
