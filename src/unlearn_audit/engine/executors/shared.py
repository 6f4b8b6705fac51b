"""What all tasks share, pickled once: the objects small, their arrays separately, without a copy."""

from __future__ import annotations

import mmap
import pickle
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cloudpickle

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.messages import named_reason

_ALIGNMENT = 64


def pack(shared: Any) -> tuple[bytes, list[memoryview]]:
    """Return an object as a pickle and the memory of its arrays.

    Raises
    ------
    AuditError
        If a part of it cannot be sent to another process.
    """
    buffers: list[pickle.PickleBuffer] = []
    try:
        head = cloudpickle.dumps(shared, protocol=5, buffer_callback=buffers.append)
    except Exception as error:
        raise AuditError(
            f"the model cannot be sent to a worker process ({named_reason(error)}); "
            "use the executor serial, or a function of your own module that makes the model"
        ) from error
    return head, [buffer.raw() for buffer in buffers]


def unpack(head: bytes, buffers: Sequence[Any]) -> Any:
    """Return what was packed; its arrays lie in ``buffers``.

    Raises
    ------
    AuditError
        If this process lacks what the object is made of.
    """
    try:
        return pickle.loads(head, buffers=buffers)  # noqa: S301  # from the process that started this one  # nosec B301
    except Exception as error:
        raise AuditError(
            f"a worker cannot load the model or the data ({named_reason(error)}); the packages that they use must be "
            "installed on every worker"
        ) from error


def dump(shared: Any, folder: Path) -> Path:
    """Write an object into a folder from which `load` maps its arrays, and return where to load it from."""
    head, buffers = pack(shared)
    spans, end = [], 0
    try:
        with (folder / "arrays").open("wb") as stream:
            for buffer in buffers:
                stream.write(bytes(-end % _ALIGNMENT))
                start = end + -end % _ALIGNMENT
                end = start + buffer.nbytes
                spans.append((start, end))
                stream.write(buffer)
        (folder / "head").write_bytes(pickle.dumps((head, spans)))
    except OSError as error:
        raise AuditError(
            f"the records cannot be written for worker processes to {folder} ({error.strerror}); free space there, or "
            "name another folder with --store or in the environment variable UNLEARN_AUDIT_STORE"
        ) from error
    return folder


@lru_cache(maxsize=1)
def load(folder: Path) -> Any:
    """Return what `dump` wrote; its arrays are read-only and in memory once for all processes of a machine."""
    head, spans = pickle.loads((folder / "head").read_bytes())  # noqa: S301  # see `unpack`  # nosec B301
    if not any(end for _, end in spans):
        return unpack(head, [b""] * len(spans))
    with (folder / "arrays").open("rb") as stream:
        whole = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    return unpack(head, [whole[start:end] for start, end in spans])
