"""Standard output: every character in every encoding, and results alone."""

import io
import json
import os
import subprocess
import sys

import pytest
from rich import box
from rich.table import Table

from unlearn_audit.utils.console import messages, output
from unlearn_audit.utils.streams import output_apart, ready_streams, say, say_json, standard_output

ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437", "cp932", "utf-8"]
HARD = "→ − ± … ≤ ε \xa0 Žofie Ω 😀 \udcff \u202e \x1b[2J"


@pytest.fixture
def stream(monkeypatch):
    """Put standard output into a buffer with some encoding and return what reads it."""

    def of(encoding):
        buffer = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding=encoding, errors="strict"))
        ready_streams()

        def read():
            sys.stdout.flush()
            return buffer.getvalue().decode(encoding)

        return read

    return of


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_text_can_be_printed_in_every_encoding(stream, encoding):
    read = stream(encoding)
    say(HARD)
    print(HARD)
    table = Table("−", "≥", box=box.SIMPLE_HEAD)
    table.add_row(HARD, "…")
    output().print(table)
    said = read()
    assert "\\udcff" in said
    if encoding == "ascii":
        assert said.startswith(
            "-> - +/- ... <= epsilon   \\u017dofie \\u03a9 \\ud83d\\ude00 \\udcff \\u202e \\u001b[2J\n"
        )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_the_same_document_in_every_encoding(stream, encoding):
    document = {"Žofie → 😀": [HARD, 1.5]}
    for text in (document, json.dumps(document, ensure_ascii=False).replace("\udcff", "\\udcff") + "\n"):
        read = stream(encoding)
        say_json(text)
        said = read()
        assert json.loads(said) == document
        assert encoding == "utf-8" or said.isascii()


def test_what_others_print_goes_to_standard_error(capsys):
    with output_apart():
        print("model")
        with output_apart():
            say("result")
        output().print("table")
        messages().print("progress")
    print("after")
    said = capsys.readouterr()
    assert said.out == "result\ntable\nafter\n"
    assert said.err == "model\nprogress\n"
    with pytest.raises(KeyError), output_apart():
        raise KeyError
    assert standard_output() is sys.stdout


def test_so_does_what_is_printed_from_c_and_by_children():
    code = (
        "import os, sys; from unlearn_audit.utils.streams import *; ready_streams()\n"
        "print('before')\n"
        "with output_apart():\n"
        "    print('model'); os.write(1, b'from C\\n'); os.system('echo child'); say_json({'x': '→'})\n"
        "print('after'); os.write(1, b'end\\n')\n"
    )
    env = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout == 'before\n{\n "x": "\\u2192"\n}\nafter\nend\n'
    assert sorted(done.stderr.split("\n")) == ["", "child", "from C", "model"]


def test_without_streams_nothing_fails(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    ready_streams()
    with output_apart():
        say("nobody reads it")
        messages().print("this neither")
    sys.stdout.close()
    sys.stderr.close()


def test_a_reader_that_leaves_ends_no_process(monkeypatch):
    class Closed(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    for write in (say, say_json, lambda text: output().print(text)):
        with pytest.raises(BrokenPipeError), output_apart():
            write("text")


def test_a_console_neither_obeys_nor_hides_what_a_name_says(capsys):
    table = Table("name", title="[bold]t[/]")
    table.add_row("[red]a[/red] \x1b[2J\u202e")
    output(width=70).print(table, "[/x]")
    said = capsys.readouterr().out
    assert "[red]a[/red] \\u001b[2J\\u202e" in said
    assert "[/x]" in said
    assert "[bold]t[/]" in said
