"""A fitted model that the user's own code hands over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import joblib
import numpy as np

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError
from unlearn_audit.models.source import load_factory
from unlearn_audit.observations.one_version import is_model
from unlearn_audit.utils.foreign import defined_at, foreign
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.versions.base import Asking, Kind, Records, Replies, Version


class FittedVersion(Version):
    """A fitted model, asked by ``predict_proba``, or ``predict`` where it has no such method.

    Parameters
    ----------
    model
        The model.
    where
        What it is called.
    """

    batch = 65_536

    def __init__(self, model: Any, where: str) -> None:
        offered = [name for name in ("predict_proba", "predict") if callable(getattr(model, name, None))]
        if not offered:
            raise AuditError(
                f"{where} is a {type(model).__name__} without predict_proba or predict; give a fitted model"
            )
        self._method = offered[0]
        self._model, self.where, self.identity = model, where, {"model": where, "content": _content_of(model)}

    def ask(self, records: Records) -> Replies:
        """Return what the model answers for a DataFrame of the records."""
        frame, of = records.frame, getattr(type(self._model), self._method, None)
        clean = lambda text: without_values(text, frame)  # noqa: E731
        with one_thread(), foreign(f"{self.where} cannot answer, as it raised", clean=clean, of=of):
            found = np.asarray(getattr(self._model, self._method)(frame))
        if len(found) != len(frame):
            raise AuditError(f"{self.where} answered {len(found):,} times for {len(frame):,} records{defined_at(of)}")
        if self._method == "predict":
            return Replies(labels=found.reshape(len(found), -1)[:, 0].astype(str).astype(object))
        if found.ndim != 2 or found.dtype.kind not in "fiub":
            what = f"an array of shape {found.shape} and type {found.dtype}"
            raise AuditError(f"{self.where} answered with {what}{defined_at(of)}; give one number per class")
        known = getattr(self._model, "classes_", None)
        classes = None if known is None or len(known) != found.shape[1] else tuple(str(name) for name in known)
        return Replies(values=found.astype(np.float64), classes=classes)


def _content_of(model: Any) -> str:
    """Return what tells a model from another; of one that cannot be told, what no other has."""
    try:
        return str(joblib.hash(model))
    except Exception:  # noqa: BLE001 - a model of other people's may raise anything where it is pickled
        return token_hex(16)


class FunctionKind(Kind):
    """Functions that return a fitted model."""

    about = "module:function or file.py:function that returns a fitted model"

    def takes(self, text: str) -> bool:
        """Return whether a text names such a function."""
        return is_model(text)

    @contextmanager
    def opened(self, text: str, asking: Asking) -> Iterator[Version]:  # noqa: ARG002
        """Yield the version; the function is called once."""
        file = Path(text.rpartition(":")[0])
        with foreign(f"{text} raised", "; it must return a fitted model"):
            model = load_factory(text)()
        yield FittedVersion(model, f"{file.name}:{text.rpartition(':')[2]}")
