"""Code of other people: whatever it raises ends in one sentence with the place in their file."""

from __future__ import annotations

import inspect
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PureWindowsPath
from types import FrameType
from typing import Any

from unlearn_audit.errors import AuditError

_OURS = str(Path(__file__).resolve().parents[1] / "_")[:-1]
# not the folder that Python is installed in, such as /usr, where people's own code may lie as well
_LIBRARIES = tuple({str(Path(sysconfig.get_path(of)).resolve() / "_")[:-1] for of in ("stdlib", "platstdlib")})
_PACKAGES = ("site-packages", "dist-packages")
_MOST = 500
"""Characters of an error's text that a sentence quotes."""


@contextmanager
def foreign(
    doing: str,
    then: str | Callable[[BaseException], str] = "",
    *,
    clean: Callable[[str], str] | None = None,
    of: Any = None,
) -> Iterator[None]:
    """Run code of others within; what it raises, or that it calls ``sys.exit``, becomes an `AuditError`.

    Parameters
    ----------
    doing
        How the sentence starts: whose code did what, as ``"the factory of model mine.py:make raised"``.
    then
        How it ends, where there is anything to advise; or what says so of an error.
    clean
        Takes values of records out of the text of the error.
    of
        The function of theirs that is called: its place is told where the error came from no line of theirs, but
        from what they returned.

    Raises
    ------
    AuditError
        In place of whatever was raised, but for one that is an `AuditError` already and for an interrupt.

    Examples
    --------
    >>> with foreign("model mine raised"):
    ...     raise AuditError("what says by itself what to do stays as it is")
    Traceback (most recent call last):
    unlearn_audit.errors.AuditError: what says by itself what to do stays as it is
    """
    try:
        yield
    except (AuditError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        # the innermost frame; that of this function is always there
        if not isinstance(error, Exception) and _is_ours(_files(error)[-1][0]):
            raise  # a signal that ends us, and no exit of theirs
        end = then(error) if callable(then) else then
        raise AuditError(f"{doing}{'' if doing.endswith('(') else ' '}{raised(error, clean, of)}{end}") from error


def raised(error: BaseException, clean: Callable[[str], str] | None = None, of: Any = None) -> str:
    """Return what kind of error other people's code raised, what it says and where, on one line.

    The place is the last one in a file of theirs; where only libraries had a part in it, the last one in those.

    Examples
    --------
    >>> raised(KeyError("age"))
    "KeyError: 'age'"
    """
    try:
        text = " ".join(str(error).split()).rstrip(".")
    except Exception:  # noqa: BLE001 - not even what it says can be had
        text = ""
    if clean is not None:
        text = clean(text)
    text = text if len(text) <= _MOST else f"{text[:_MOST]} …"
    return f"{type(error).__name__}{': ' if text else ''}{text}{_place_of(error, of)}"


def _place_of(error: BaseException, of: Any) -> str:
    """Return ``, at file:line`` of what raised an error, in the user's own code where it had a part in it."""
    places = [(file, line) for file, line in _files(error) if not _is_ours(file) and not file.startswith("<frozen")]
    theirs = [place for place in places if not _in_library(place[0])]
    if not theirs and (defined := defined_at(of)):
        return defined
    return f", at {_named(*(theirs or places)[-1])}" if places else ""


def defined_at(function: Any) -> str:
    """Return ``, at file:line`` of a function or method in the user's own code; an empty text for any other."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    if code is None or _is_ours(code.co_filename) or _in_library(code.co_filename):
        return ""
    return f", at {_named(code.co_filename, code.co_firstlineno)}"


def _named(file: str, line: int) -> str:
    # not where on a disk it lies: the sentence may become a note of a report
    return f"{PureWindowsPath(file).name}:{line}"


def _files(error: BaseException) -> list[tuple[str, int]]:
    """Return the files and lines through which an error came, the innermost last."""
    return [(_file(frame), line) for frame, line in traceback.walk_tb(error.__traceback__)]


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename


def _is_ours(file: str) -> bool:
    return file.startswith(_OURS)


def _in_library(file: str) -> bool:
    return file.startswith(_LIBRARIES) or any(part in PurePath(file).parts for part in _PACKAGES)
