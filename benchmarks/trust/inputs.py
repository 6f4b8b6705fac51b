"""Hostile input: made and damaged files and texts, thrown at everything that reads what other people wrote.

A trial passes where reading ends with a result or an error of ours within `SECONDS`, in `MEMORY` bytes, and nothing is
written, started or asked of a network meanwhile. Inputs are read in a process of their own, which can be killed. Trial
``i`` of a seed is always the same input; what failed is kept.

    PYTHONPATH=benchmarks python -m trust.inputs 20000 0 /tmp/inputs
    PYTHONPATH=benchmarks python -m trust.inputs 20000 0 /tmp/inputs --coverage    # steered by atheris, if installed
"""

from __future__ import annotations

import mmap
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trust.tally import Tally

SECONDS = 5
MEMORY = 2 << 30
_AT = struct.Struct("q")
_AT_MOST = 20
"""Failures after which a process is not started again."""


def inputs(n: int, seed: int, folder: Path) -> Tally:
    """Read ``n`` inputs of a seed and count what fails; an empty folder takes them."""
    tally = Tally("made and damaged input")
    folder = folder.resolve()
    for name in ("work", "outside", "failed"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "failures.txt").touch()
    start = 0
    for _ in range(_AT_MOST):
        (folder / "at").write_bytes(_AT.pack(start - 1))
        ended = _watched(["--worker", str(n), str(seed), str(folder), str(start)], folder)
        begun, start = start, _AT.unpack((folder / "at").read_bytes())[0] + 1
        if ended is None:
            break
        if start == begun:
            raise RuntimeError(f"{ended}, before it read anything: {(folder / 'stderr.txt').read_text()[-2000:]}")
        for path in (folder / "work").glob("input*"):
            shutil.copy(path, folder / "failed" / f"{seed}-{start - 1}-{path.name}")
        tally.failed.append(f"seed {seed}, input {start - 1}: {ended}")
    else:
        tally.failed.append(f"seed {seed}: given up after {_AT_MOST} ends of a process")
    tally.tried = start
    tally.failed += (folder / "failures.txt").read_text().splitlines()
    if left := sorted(path.name for path in (folder / "outside").rglob("*")):
        tally.failed.append(f"seed {seed}: written outside, {', '.join(left[:5])}")
    shutil.rmtree(folder / "work")
    return tally


def _watched(words: Sequence[str], folder: Path) -> str | None:
    """Run a process that notes at which input it is; return how it ended, None where it read them all."""
    outside = str(folder / "outside")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TMPDIR": outside,
        "HOME": outside,
        "OMP_NUM_THREADS": "1",
        # others reserve more addresses than they use
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "trust.inputs", *words]
    with (folder / "stderr.txt").open("wb") as said:
        worker = subprocess.Popen(command, cwd=outside, env=environment, stdout=said, stderr=said)
    before, since = b"", time.monotonic()
    try:
        while worker.poll() is None:
            time.sleep(0.05)
            now = (folder / "at").read_bytes()
            if now != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > 12 * SECONDS:
                return f"no end after {12 * SECONDS} s"
    finally:
        worker.kill()
        worker.wait()
    if worker.returncode == 0:
        return None
    last = (folder / "stderr.txt").read_text(errors="replace").strip().splitlines()[-1:]
    return f"the process ended with {worker.returncode} {' '.join(last)[:300]}"


class _TooLateError(BaseException):
    """An input took too long."""


class Watch:
    """Notes what code does besides reading.

    Attributes
    ----------
    on
        Whether it looks.
    seen
        What was done.
    """

    _EVENTS = (
        "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.system",
        "os.exec", "os.fork", "os.posix_spawn", "os.chmod", "shutil.rmtree", "subprocess.Popen", "socket.connect",
        "pickle.find_class",
    )  # fmt: skip

    def __init__(self, allowed: Path) -> None:
        self.on, self.seen, self._allowed = False, list[str](), str(allowed)

    def __call__(self, event: str, details: tuple[Any, ...]) -> None:
        """Take an audit event of the interpreter."""
        if not self.on:
            return
        writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if (writes or event in self._EVENTS) and not str(details[0] if details else "").startswith(self._allowed):
            self.seen.append(f"{event} {details[:1]}"[:200])


@contextmanager
def bounded() -> Iterator[None]:
    """Let this process have `MEMORY` more than it has."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def tried(read: Callable[[], Any], watch: Watch) -> str | None:
    """Read one input and return what was wrong, None if nothing was."""
    from unlearn_audit.errors import AuditError

    del watch.seen[:]
    watch.on = True
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        read()
    except AuditError as error:
        if isinstance(error.__cause__, MemoryError):
            return f"too much memory: {error}"
        if "\n" in str(error) or len(str(error)) > 3000:
            return f"no sentence: {str(error)[:100]!r}"
    except _TooLateError:
        return f"no end after {SECONDS} s"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it counts
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.on = False
    return f"did {watch.seen[0]}" if watch.seen else None


def _late(*_: Any) -> None:
    raise _TooLateError


def _work(n: int, seed: int, folder: Path, start: int) -> None:
    """Read inputs from ``start`` on, in this process."""
    import numpy as np

    from trust.made import mutated, odd
    from trust.readers import document_of, readers

    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _late)
    work = folder / "work"
    known = readers(work)
    watch = Watch(work)
    sys.addaudithook(watch)
    corpus = [content for reader in known for content in reader.seeds]
    with (folder / "at").open("r+b") as held, bounded(), (folder / "failures.txt").open("a") as failures:
        place = mmap.mmap(held.fileno(), _AT.size)
        for at in range(start, n):
            rng = np.random.default_rng((seed, at))
            reader = known[at % len(known)]
            own = reader.seeds[int(rng.integers(len(reader.seeds)))]
            if reader.suffix == ".json" and rng.random() < 0.6:
                content = document_of(own, rng, odd)
            elif reader.made is not None and rng.random() < 0.5:
                content = reader.made(rng)
            else:
                content = mutated(own, reader.seeds if rng.random() < 0.8 else corpus, rng)
            path = work / f"input{reader.suffix}"
            path.write_bytes(content)
            place[:] = _AT.pack(at)
            wrong = tried(lambda: reader.read(path, content), watch)  # noqa: B023 - it is called at once
            if wrong is not None:
                (folder / "failed" / f"{seed}-{at}{reader.suffix}").write_bytes(content)
                failures.write(f"seed {seed}, input {at}, {reader.name}: {wrong}\n")
                failures.flush()


def _covered(n: int, seed: int, folder: Path) -> None:
    """Let atheris steer: what reaches new branches of the readers is damaged further."""
    import atheris

    rooms = ("utils", "config", "data", "observations", "defenses", "findings")
    with atheris.instrument_imports(include=[f"unlearn_audit.{room}" for room in rooms]):
        from trust.readers import readers
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    known, watch = readers(work), Watch(work)
    sys.addaudithook(watch)
    signal.signal(signal.SIGALRM, _late)
    warnings.simplefilter("ignore")
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, reader in enumerate(known):
        for of, content in enumerate(reader.seeds):
            (corpus / f"{number}-{of}").write_bytes(bytes([number]) + content)

    def one(content: bytes) -> None:
        if not content:
            return
        reader = known[content[0] % len(known)]
        path = work / f"input{reader.suffix}"
        path.write_bytes(content[1:])
        if (wrong := tried(lambda: reader.read(path, content[1:]), watch)) is not None:
            raise RuntimeError(f"{reader.name}: {wrong}")

    atheris.Setup([sys.argv[0], f"-runs={n}", f"-seed={seed + 1}", "-max_len=20000", str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    """Read inputs, or watch a process that does."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    n, seed, folder = int(words[0]), int(words[1]), Path(words[2])
    if "--worker" in sys.argv:
        _work(n, seed, folder, int(words[3]))
    elif "--coverage" in sys.argv:
        _covered(n, seed, folder)
    else:
        begun = time.monotonic()
        tally = inputs(n, seed, folder)
        print(*tally.failed, f"{tally.tried:,} tried, {len(tally.failed):,} failed", sep="\n")
        print(f"{tally.tried / (time.monotonic() - begun):,.0f} a second")


if __name__ == "__main__":
    main()
