"""Draws flow.svg: the rooms of the package in the order of the flow, and what passes from one to the next.

    python docs/architecture/draw.py           # writes flow.svg
    python docs/architecture/draw.py --check   # exit code 1 if it is out of date

What each room is for comes from the first line of its docstring.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "unlearn_audit"
PICTURE = HERE / "flow.svg"


@dataclass(frozen=True)
class Group:
    """Rooms that do one kind of work, and what they hand on."""

    work: str
    rooms: tuple[str, ...]
    hands_on: str


GROUPS = (
    Group("Asked", ("cli", "api", "config"), "AuditConfig"),
    Group(
        "Audited",
        ("audits/membership", "audits/release", "audits/identification", "audits/query", "audits/agents", "reproduce"),
        "a plan: who trains what, and which attacks run",
    ),
    Group("Trained", ("data", "worlds", "models", "unlearning"), "an original model and its unlearned versions"),
    Group(
        "Observed",
        ("engine", "observations", "versions", "agents", "defenses"),
        "Observations: the posteriors of every version",
    ),
    Group("Concluded", ("attacks", "metrics", "findings"), "Findings: figures with intervals, and the verdict"),
    Group("Reported", ("report",), ""),
)

WIDTH, LEFT, ROW, PAD, GAP = 900, 140, 44, 12, 30
INK, SOFT, LINE, FILL = "#1f2430", "#5c6370", "#b9c0cc", "#f5f7fa"


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    path = PACKAGE / room
    text = ast.get_docstring(
        ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())
    )
    assert text is not None, room
    return " ".join(text.split("\n\n")[0].split()).replace("`", "")


def picture() -> str:
    """Return the SVG."""
    parts, y = [], PAD
    for number, group in enumerate(GROUPS):
        height = ROW * len(group.rooms) + PAD
        parts.append(_box(PAD, y, WIDTH - 2 * PAD, height))
        parts.append(_text(2 * PAD, y + 28, group.work, size=15, weight=600))
        for i, room in enumerate(group.rooms):
            top = y + PAD / 2 + ROW * i
            parts.append(_text(LEFT, top + 17, f"{room}/" if (PACKAGE / room).is_dir() else f"{room}.py", mono=True))
            for j, line in enumerate(wrap(purpose(room), 78)[:2]):
                parts.append(_text(LEFT + 190, top + 17 + 15 * j, line, size=12, colour=SOFT))
        y += height
        if number < len(GROUPS) - 1:
            parts.append(_arrow(LEFT + 4, y, y + GAP))
            parts.append(_text(LEFT + 20, y + GAP / 2 + 4, group.hands_on, size=12, colour=SOFT))
            y += GAP
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + PAD}" role="img" '
        f'aria-label="The rooms of the package">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{FILL}" stroke="{LINE}"/>'


def _text(
    x: float, y: float, text: str, *, size: int = 13, weight: int = 400, colour: str = INK, mono: bool = False
) -> str:
    family = "ui-monospace, monospace" if mono else "system-ui, sans-serif"
    return (
        f'<text x="{x:g}" y="{y:g}" font-family="{family}" font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _arrow(x: float, top: float, bottom: float) -> str:
    tip = f"{x},{bottom} {x - 5},{bottom - 8} {x + 5},{bottom - 8}"
    return f'<path d="M{x} {top}V{bottom - 8}" stroke="{SOFT}"/><polygon points="{tip}" fill="{SOFT}"/>'


def main(words: list[str]) -> int:
    """Write the picture, or check it."""
    if "--check" in words:
        return int(not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != picture())
    PICTURE.write_text(picture(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
