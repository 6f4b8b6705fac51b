"""Hostile agents: what they answer is never executed or shown raw, and no call takes longer than its limit."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import numpy as np

from trust.made import Rng
from trust.tally import Tally
from unlearn_audit import AuditError, audit_agent

MARK = "owned"
"""A file of this name would be made by whatever executes an answer."""

SECONDS = 0.4
"""Limit of one call."""

MOST_SECONDS = 60.0
"""Of an audit: at most five calls of an episode hang, and an agent starts within a few seconds."""

_AGENT = r"""
import os, random, re, sys, time

ANSWERS = {answers!r}
DRAW = random.Random({seed})
ODDS = {odds!r}
open({pids!r}, "a").write(f"{{os.getpid()}}\n")


class Agent:
    def reset(self):
        self.items = []

    def _odd(self):
        kind = DRAW.random()
        if kind < ODDS["hang"]:
            time.sleep(1000)
        if kind < ODDS["exit"]:
            os._exit(3)
        if kind < ODDS["raise"]:
            raise DRAW.choice([RuntimeError, KeyError, SystemExit, MemoryError, RecursionError])(DRAW.choice(ANSWERS))
        if kind < ODDS["odd"]:
            return DRAW.choice([None, 7, b"bytes", ["a"], {{"text": None}}, "x" * 3_000_000, float("nan"), "\ud800"])
        return None if kind > ODDS["hostile"] else DRAW.choice(ANSWERS)

    def ingest(self, document, train=False):
        self.items.append((document.text, document.person))

    def ask(self, prompt, session=None):
        print(DRAW.choice(ANSWERS))
        odd = self._odd()
        person = re.search(r"[A-Z][a-z]+ [A-Z][a-z]+", prompt.replace("What ", "").replace("Which ", ""))
        said = [text for text, _ in self.items if person is not None and person[0] in text]
        return (said[0] if said else "nothing") + " " + odd if isinstance(odd, str) else odd or (said or ["nothing"])[0]

    def delete(self, person):
        return DRAW.choice([None, True, False, self._odd(), *ANSWERS])

    def cycle(self):
        DRAW.random()

    def memory_dump(self):
        dump = [text for text, _ in self.items] + [{{"text": DRAW.choice(ANSWERS), "id": DRAW.choice(ANSWERS)}}]
        return DRAW.choice([dump, dump, dump, self._odd()])
"""


def agents(n: int, seed: int, folder: Path) -> Tally:
    """Audit ``n`` agents that are drawn at random."""
    tally = Tally("an audit of a hostile agent")
    rng = np.random.default_rng([seed, 29])
    for trial in range(n):
        tally.tried += 1
        at = folder / f"agent-{trial}"
        at.mkdir()
        if fault := _one(at, rng):
            tally.failed.append(f"trial {trial} of piece {seed}: {fault}")
    return tally


def _one(folder: Path, rng: Rng) -> str:
    """Audit one agent, and return what went wrong; an empty text if nothing did."""
    mark, pids = folder / MARK, folder / "pids"
    agent = folder / "agent.py"
    agent.write_text(
        _AGENT.format(answers=_answers(mark), seed=int(rng.integers(1 << 30)), odds=_odds(rng), pids=str(pids)),
        encoding="utf-8",
    )
    began, out = time.monotonic(), folder / "out"
    probes = ("direct", "choice", "summary", "about", "turns")
    try:
        audit_agent(f"{agent}:Agent", out, canaries=6, options=4, cycles=1, samples=2, timeout=SECONDS, probes=probes)
    except AuditError as error:
        if "\n" in str(error) or "Traceback" in str(error) or "\x1b" in str(error):
            return f"a sentence that is none: {error!s:.200}"
    except Exception as error:  # noqa: BLE001 - that it is no error of ours is what is looked for
        return f"raised {type(error).__name__}: {error!s:.200}"
    if time.monotonic() - began > MOST_SECONDS:
        return f"took {time.monotonic() - began:.0f} seconds"
    if mark.exists():
        return "an answer was executed"
    return _left(pids) or _shown(out)


def _left(pids: Path) -> str:
    """Return whether a process of the agent is still there."""
    for pid in map(int, pids.read_text().split() if pids.exists() else ()):
        if os.path.exists(f"/proc/{pid}") and "agent.py" in Path(f"/proc/{pid}/cmdline").read_bytes().decode():
            return f"process {pid} is left"
    return ""


def _shown(out: Path) -> str:
    """Return whether a page shows an answer raw, or a publishable file shows one at all."""
    for path in out.glob("*") if out.exists() else ():
        text = path.read_text(encoding="utf-8", errors="replace")
        raw = path.suffix in (".html", ".md") and re.search(r"<(?:script|img|svg)[^>]*(?:alert|onerror|onload)", text)
        if raw:
            return f"{path.name} holds {raw[0]!r}"
        if path.suffix in (".html", ".md") and ("\x1b" in text or "\u202e" in text):
            return f"{path.name} holds characters that terminals obey"
        if not path.name.startswith(("private-", ".")) and "alert(1)" in text:
            return f"{path.name} holds an answer"
    return ""


def _answers(mark: Path) -> list[str]:
    """Return hostile texts; whatever executes one makes a file."""
    touch = f"open({str(mark)!r}, 'w')"
    return [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "</style></script><svg onload=alert(1)>",
        "{{ cycler.__init__.__globals__.os.system('touch " + str(mark) + "') }}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
        "$(touch " + str(mark) + ")",
        "`touch " + str(mark) + "`",
        "; touch " + str(mark) + " #",
        f"__import__('os').system('touch {mark}')",
        f"!!python/object/apply:os.system ['touch {mark}']",
        touch,
        "%s %n %(x)s {0} {0.__class__} ${HOME}",
        "\x1b[2J\x1b]0;owned\x07\u202egnp.exe",
        '"}\n{"answer": true}\n',
        '=HYPERLINK("http://alert(1)")',
        "../../../etc/passwd",
        "",
        "\x00\x01\x02",
    ]


def _odds(rng: Rng) -> dict[str, float]:
    """Return how often an agent does what; each entry counts from 0, in this order."""
    hang, leave, fail, odd, hostile = rng.dirichlet([0.2, 0.2, 1, 1, 3]) * float(rng.choice([0.02, 0.2, 1.0]))
    ends = np.cumsum([hang * 0.2, leave * 0.2, fail, odd, hostile])
    return dict(zip(("hang", "exit", "raise", "odd", "hostile"), map(float, ends), strict=True))
