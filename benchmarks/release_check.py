"""Check what would be released: `make release-check`, which builds it first.

The wheel and the source distribution hold what they should; the wheel is installed into empty environments, with the
core alone and with each extra, and `pip check` finds no fault; with the core alone digits are audited. The seconds from
there to the first report are recorded in release.json.
"""

import json
import os
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lowest import PYPROJECT

ROOT = PYPROJECT.parent
RECORD = Path(__file__).with_name("release.json")
SECONDS = 30
TORCH = "torch==2.13.0"
NOT_CHECKED = ("dev", "browser")
"""Extras of those who work on the project."""

HELD = (
    "py.typed", "cli/completion.json", "report/templates/base.html.j2", "report/templates/report.css",
    "reproduce/templates",
)  # fmt: skip
"""What the package has besides code."""

Environment = dict[str, str]


def main() -> None:
    """Check, and say what was found."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the wheel and the source distribution are")
    parser.add_argument("--extra", action="append", help="check only these extras; - for none")
    given = parser.parse_args()
    (wheel,), (source,) = given.folder.glob("*.whl"), given.folder.glob("*.tar.gz")
    for what, names in (("wheel", in_wheel(wheel)), ("source distribution", in_source(source))):
        if faults := list(wrong_contents(names)):
            sys.exit(f"the {what} {'; '.join(faults)}")
        print(f"The {what} holds {len(names)} files.")
    first_report(wheel)
    extras = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra in given.extra or [name for name in extras if name not in NOT_CHECKED]:
        if extra != "-":
            with installed(f"{wheel}[{extra}]") as (_, seconds):
                print(f"unlearn-audit[{extra}] is installed in {seconds:.0f} s, and pip finds no fault.")


def in_wheel(path: Path) -> list[str]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def in_source(path: Path) -> list[str]:
    """Return the files of a source distribution, without its folder."""
    with tarfile.open(path) as archive:
        return [name.partition("/")[2].removeprefix("src/") for name in archive.getnames()]


def wrong_contents(names: list[str]) -> Iterator[str]:
    """Yield what is wrong with the files of a distribution."""
    for file in HELD:
        if not any(name.startswith(f"unlearn_audit/{file}") for name in names):
            yield f"lacks {file}"
    if not any(name.endswith("LICENSE") for name in names):
        yield "lacks the licence"
    if strange := [name for name in names if name.partition("/")[0] in ("tests", "data", "benchmarks", "docs")]:
        yield f"holds {strange[0]} and {len(strange) - 1} more files of other folders"


@contextmanager
def installed(what: str) -> Iterator[tuple[Path, float]]:
    """Yield the folder of programs of an empty environment with a wheel, and the seconds that pip took."""
    with TemporaryDirectory(prefix="release-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        programs = Path(folder, "Scripts" if os.name == "nt" else "bin")
        python = str(programs / "python")
        began = time.perf_counter()
        constraints = Path(folder, "torch.txt")
        constraints.write_text(f"{TORCH}\n", encoding="utf-8")
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-q", "-c", str(constraints), what], check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)
        yield programs, seconds


def first_report(wheel: Path) -> None:
    """Audit digits with the core alone, as the first thing after the installation, and record the seconds."""
    with installed(str(wheel)) as (programs, installation), TemporaryDirectory(prefix="release-") as folder:
        env = {**os.environ, "UNLEARN_AUDIT_STORE": f"{folder}/store", "PYTHONPATH": ""}
        absent = "import importlib.util as of; assert not any(map(of.find_spec, ('torch', 'dask', 'mlflow')))"
        subprocess.run([str(programs / "python"), "-c", absent], check=True, env=env, cwd=folder)
        began, used = time.perf_counter(), os.times()
        words = ["unlearn-audit", "run", "--jobs", str(os.cpu_count()), "--out", "audit-run"]
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        subprocess.run(
            [str(programs / words[0]), *words[1:]], check=True, env=env, cwd=folder, stdout=subprocess.DEVNULL
        )
        seconds, ended = time.perf_counter() - began, os.times()
        if not Path(folder, "audit-run", "report.html").stat().st_size:
            sys.exit("the first audit wrote no report")
        processor = ended.children_user + ended.children_system - used.children_user - used.children_system
        said = subprocess.run(
            [str(programs / "unlearn-audit"), "--version"], check=True, env=env, cwd=folder, capture_output=True
        ).stdout.decode()
    found = {
        "version": said.split()[-1],
        "command": " ".join(words),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "installation_seconds": round(installation, 1),
        "cores": os.cpu_count(),
        "load_before": None if load is None else round(load, 1),
        "python": sys.version.split()[0],
    }
    RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"From the installation to the first report: {seconds:.1f} s, {processor:.1f} s of the processor.")
    if seconds > SECONDS:
        sys.exit(f"the first report took more than {SECONDS} s")


if __name__ == "__main__":
    main()
