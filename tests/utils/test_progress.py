"""What a log is told of a long stage."""

import io

import pytest
from rich.console import Console

from unlearn_audit.utils.progress import Lines, reporter


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
