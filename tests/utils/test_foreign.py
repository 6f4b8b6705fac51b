"""Code of other people: one sentence with the place in their file, whatever they raise."""

import sys
from pathlib import Path

import numpy as np
import pytest

import unlearn_audit
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.foreign import defined_at, foreign, raised


class Odd(BaseException):
    """An error that `except Exception` lets through."""


class Mute(Exception):
    """An error that cannot even be printed."""

    def __str__(self):
        raise ValueError("no words")


ERRORS = (RuntimeError("boom"), SystemExit(0), Odd("odd"), Mute(), MemoryError(), StopIteration())


@pytest.mark.parametrize("error", ERRORS)
def test_whatever_is_raised_is_an_error_with_its_kind_and_place(error):
    said = rf"^model m raised {type(error).__name__}.*, at test_foreign\.py:\d+$"
    with pytest.raises(AuditError, match=said) as caught:  # noqa: SIM117
        with foreign("model m raised"):
            raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AuditError("says what to do")])
def test_an_interrupt_and_a_sentence_of_ours_pass(error):
    with pytest.raises(type(error)) as caught:  # noqa: SIM117
        with foreign("model m raised"):
            raise error
    assert caught.value is error


def test_the_place_is_theirs_where_a_library_raised():
    with pytest.raises(AuditError, match=r"at test_foreign\.py:\d+"):  # noqa: SIM117
        with foreign("model m raised"):
            np.linalg.inv(np.zeros((2, 2)))


@pytest.mark.parametrize("folder", [f"{Path(unlearn_audit.__file__).parent}_models", f"{sys.prefix}/src/app"])
def test_the_place_is_theirs_wherever_their_file_lies(folder):
    code = compile("import numpy as np\nnp.linalg.inv(np.zeros((2, 2)))", f"{folder}/mine.py", "exec")
    with pytest.raises(AuditError, match=r"LinAlgError: .*, at mine\.py:2"):  # noqa: SIM117
        with foreign("model m raised"):
            exec(code, {})


def test_the_place_is_where_the_function_stands_if_only_what_it_returned_was_wrong():
    def answer():
        return [[1], [1, 2]]

    assert defined_at(answer) == f", at test_foreign.py:{answer.__code__.co_firstlineno}"
    assert defined_at(np.linalg.inv) == defined_at(len) == defined_at(None) == ""


def test_a_long_text_is_cut():
    assert len(raised(ValueError("x" * 10_000_000))) < 1000


def test_an_exit_of_ours_is_none_of_theirs():
    with pytest.raises(SystemExit):  # noqa: SIM117
        with foreign("model m raised"):
            exec(compile("import sys; sys.exit(3)", sys.modules["unlearn_audit"].__file__, "exec"))
