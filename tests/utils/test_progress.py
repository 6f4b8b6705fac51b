"""What a log is told of a long stage."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from unlearn_audit.audits.membership.execution import Execution
from unlearn_audit.utils.progress import Lines, Logged, Notebook, in_notebook, reporter


class Log:
    """Lines of a stage, of which every part takes as long as it is told."""

    def __init__(self, total):
        self.now, self.text = 0.0, io.StringIO()
        self.show = Lines(Console(file=self.text, width=200), lambda: self.now).stage("Training", total)
        self.done = 0

    def parts(self, number, seconds):
        for _ in range(number):
            self.now += seconds
            self.done += 1
            self.show(self.done)

    @property
    def lines(self):
        return self.text.getvalue().splitlines()


def test_a_short_stage_is_one_line():
    log = Log(50)
    log.parts(50, 1.0)
    assert log.lines == ["Training (50)"]


def test_a_long_one_says_what_is_left_whenever_its_time_has_doubled():
    log = Log(1000)
    log.parts(1000, 4.0)
    assert log.lines[1:] == [
        *(f"Training: {n} of 1,000, about {(1000 - n) * 4 / 60:.0f} min left" for n in (15, 30, 60, 120, 240, 480)),
        "Training: 960 of 1,000, about 2.7 min left",
    ]


def test_of_parts_that_end_in_groups_the_group_tells_the_time():
    log = Log(320)
    for _ in range(10):
        log.now += 100
        log.parts(32, 0.0)
    assert [line.partition(", ")[2] for line in log.lines[1:]] == [
        "about 15 min left", "about 13 min left", "about 10 min left", "about 3.3 min left"
    ]  # fmt: skip


@pytest.mark.parametrize("total", [0, 1])
def test_no_part_and_one_part(total):
    log = Log(total)
    log.parts(total, 500.0)
    assert log.lines == [f"Training ({total})"]


def test_where_it_cannot_redraw_a_line_is_written(capsys):
    with reporter(Console(file=io.StringIO())) as shown:
        assert isinstance(shown, Lines)


class Cell:
    """The output of cells of a notebook, as the front end has it: what was drawn, by cell and handle."""

    def __init__(self, kernel="there"):
        self.drawn, self.calls = {}, 0
        self.shell = SimpleNamespace(kernel=kernel, execution_count=1)

    def display(self, bundle, *, raw, display_id):
        assert raw
        assert display_id
        key = (self.shell.execution_count, len(self.drawn))
        self.drawn[key] = bundle
        return SimpleNamespace(update=lambda newer, raw: self._update(key, newer))

    def _update(self, key, bundle):
        self.calls += 1
        self.drawn[key] = bundle


@pytest.fixture
def cell(monkeypatch):
    made = Cell()
    module = SimpleNamespace(get_ipython=lambda: made.shell, display=SimpleNamespace(display=made.display))
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", module.display)
    return made


def test_a_notebook_redraws_one_output_and_not_at_every_part(cell):
    now = [0.0]
    shown = Notebook(lambda: now[0])
    show = shown.stage("<b>Training</b>", 1000)
    for done in range(1, 1001):
        now[0] += 0.01
        show(done)
    shown.stage("Fitting", 0)(0)
    assert len(cell.drawn) == 1
    assert cell.calls < 60
    (bundle,) = cell.drawn.values()
    assert "&lt;b&gt;Training" in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert "1,000 of 1,000" in bundle["text/html"]
    assert bundle["text/plain"].splitlines() == ["<b>Training</b>: 1,000 of 1,000", "Fitting: 0 of 0"]


def test_a_notebook_says_what_is_left(cell):
    now = [0.0]
    show = Notebook(lambda: now[0]).stage("Training", 100)
    now[0] = 60.0
    show(20)
    (bundle,) = cell.drawn.values()
    assert "about 4 min left" in bundle["text/html"]
    assert "value='20'" in bundle["text/html"]


def test_each_cell_has_bars_of_its_own(cell):
    shown = Notebook()
    shown.stage("one", 1)(1)
    cell.shell.execution_count = 2
    shown.stage("two", 1)(1)
    assert [key[0] for key in cell.drawn] == [1, 2]
    first, second = cell.drawn.values()
    assert "two" not in first["text/html"]
    assert "one" not in second["text/html"]


def test_of_many_lines_the_last_are_kept(cell):
    shown = Notebook()
    for number in range(500):
        shown.say(f"world {number} <i>")
    (bundle,) = cell.drawn.values()
    assert "world 499 &lt;i&gt;" in bundle["text/html"]
    assert "world 400 " not in bundle["text/html"]


def test_a_notebook_shows_progress_unless_told_otherwise_and_the_log_has_it_elsewhere(cell):
    assert in_notebook()
    assert isinstance(Execution().reporter, Notebook)
    with reporter() as shown:
        assert isinstance(shown, Notebook)
    with reporter(Console(file=io.StringIO())) as shown:
        assert isinstance(shown, Lines)
    cell.shell.kernel = None  # IPython on a terminal
    assert not in_notebook()
    assert isinstance(Execution().reporter, Logged)


def test_outside_of_notebooks_nothing_asks_for_them(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    assert isinstance(Execution().reporter, Logged)
    assert "IPython" not in sys.modules


def test_the_log_is_silent_until_a_program_listens(caplog, capfd):
    report = Execution().reporter
    with caplog.at_level("WARNING", "unlearn_audit"):
        report.stage("Training", 3)(3)
    assert caplog.messages == []
    with caplog.at_level("INFO", "unlearn_audit"):
        report.stage("Training", 3)(3)
        report.say("100 % reused")
    assert caplog.messages == ["Training (3)", "100 % reused"]
    assert {of.name for of in caplog.records} == {"unlearn_audit"}
    assert capfd.readouterr() == ("", "")
    assert any(isinstance(of, logging.NullHandler) for of in logging.getLogger("unlearn_audit").handlers)
