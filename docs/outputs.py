"""Runs the quick starts from top to bottom, and writes into them what their commands print.

    python docs/outputs.py                # writes the pages
    python docs/outputs.py engineer       # one of them

A page is a list of fenced blocks. A block of a file follows a line that names the file and ends with a colon. A block
of the language `console` holds commands, and a block of the language `text` right after it what they print. A block of
the language `markdown` holds the beginning of the report in the folder `audit-run`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

PAGES = sorted((Path(__file__).parent / "start").glob("*.md"))
WIDTH = 119
BLOCK = re.compile(r"(?:^[^\n]*`([\w-]+\.\w+)`[^\n`]*:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLS = "pip "
"""Commands that start so are shown and never run."""


@dataclass(frozen=True)
class Block:
    """One block of a page.

    Attributes
    ----------
    file
        The name under which the page says to save it; None for any other block.
    language, text
        What the fence says and holds.
    at
        Where in the page the text starts.
    """

    file: str | None
    language: str
    text: str
    at: int

    @property
    def commands(self) -> list[list[str]]:
        """The words of each command that can be run."""
        if self.language != "console":
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [shlex.split(line) for line in lines if line and not line.startswith(INSTALLS)]


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page in order."""
    return [Block(of[1], of[2], of[3], of.start(3)) for of in BLOCK.finditer(page)]


def printed(words: list[str], folder: Path) -> str:
    """Run one command of a page, and return what it prints, wrapped as on a terminal."""
    program = [sys.executable, "-m", "unlearn_audit"] if words[0] == "unlearn-audit" else [sys.executable]
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PYTHONPATH": os.pathsep.join(sys.path[1:])}
    done = subprocess.run(
        [*program, *words[1:]], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1, 3}:
        raise SystemExit(f"{shlex.join(words)}\n{done.stderr}")
    lines = [textwrap.wrap(line, WIDTH) if len(line) > WIDTH and "  " not in line else [line] for line in
             done.stdout.strip("\n").splitlines()]  # fmt: skip
    return "".join(f"{line.rstrip()}\n" for parts in lines for line in parts or [""])


def beginning(folder: Path) -> str:
    """Return the first section of the report of a run."""
    report = (folder / "audit-run" / "report.md").read_text(encoding="utf-8")
    return report.partition("## Verdict\n\n")[2].partition("\n## ")[0]


def run(page: str, folder: Path) -> str:
    """Return a page with what its commands print in a folder."""
    parts, at, output = [], 0, ""
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
        shown = output if block.language == "text" else beginning(folder) if block.language == "markdown" else ""
        if shown:
            parts += [page[at : block.at], shown]
            at = block.at + len(block.text)
        output = "".join(printed(words, folder) for words in block.commands)
    return "".join([*parts, page[at:]])


def main(names: list[str]) -> None:
    """Run pages and write them."""
    for page in PAGES:
        if not names or page.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                page.write_text(run(page.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
