"""The walk of the page on queries, from a service to a report, is taken as the page says."""

import re
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unlearn_audit.observations import read_observations

PAGE = (Path(__file__).parents[3] / "docs" / "query.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONSOLE = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def port(tmp_path):
    """The service of the page, on another port."""
    number = free_port()
    (tmp_path / "service.py").write_text(PYTHON[0].replace("8000", str(number)))
    service = subprocess.Popen([sys.executable, "service.py"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", number)) == 0:
                    break
            assert service.poll() is None
            time.sleep(0.1)
        yield number
    finally:
        service.kill()
        service.wait()


def shown(block):
    """The command of a block, and what the page says that it prints."""
    command, _, printed = block.replace("\\\n", " ").partition("\n\n")
    return command.removeprefix("$ "), printed


def called(command, folder, port):
    words = shlex.split(command.replace("8000", str(port)))[1:]
    done = subprocess.run([sys.executable, "-m", "unlearn_audit", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_the_walk_ends_at_the_report_that_the_page_shows(port, tmp_path):
    for block in CONSOLE[:2]:
        command, printed = shown(block)
        assert " ".join(printed.split()).removesuffix(" ...") in called(command, tmp_path, port)
    code = PYTHON[1].replace("8000", str(port)).replace('"answers"', '"again"')
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again/before.parquet").read_bytes() == (tmp_path / "answers/before.parquet").read_bytes()
    table = read_observations(tmp_path / "target.parquet")
    assert table.roles.tolist().count("deleted") == 1
