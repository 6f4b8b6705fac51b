"""A model as an ONNX file, asked on the processor by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.utils.columns import content_of
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.messages import shortened
from unlearn_audit.versions.base import Asking, Kind, Records, Replies, Version

_TYPES: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
"""Types of inputs, as onnxruntime calls them."""


class OnnxVersion(Version):
    """An ONNX file.

    Parameters
    ----------
    path
        Where it is.
    """

    batch = 4096

    def __init__(self, path: Path) -> None:
        if find_spec("onnxruntime") is None:
            raise missing_extra(f"{path}", "onnxruntime", "onnx")
        import onnxruntime

        content = content_of(path)
        self.where, self.identity = path.name, {"onnx": sha256(content).hexdigest()}
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        with foreign(f"{path} cannot be opened as ONNX (", "); export it again"):
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def ask(self, records: Records) -> Replies:
        """Return what the model answers; of several outputs the probabilities, else the labels."""
        outputs = self._session.get_outputs()
        feed = self._feed(records)
        clean = lambda text: without_values(text, records.frame)  # noqa: E731
        with foreign(f"{self.where} cannot answer, as onnxruntime raised", clean=clean):
            found = self._session.run([of.name for of in outputs], feed)
        return self._replies(dict(zip([of.name for of in outputs], found, strict=True)))

    def _feed(self, records: Records) -> dict[str, npt.NDArray[Any]]:
        """Return the inputs: one for all columns, or one a column by its name."""
        inputs, frame = self._session.get_inputs(), records.frame
        if len(inputs) == 1:
            width = inputs[0].shape[-1] if len(inputs[0].shape) > 1 else None
            if isinstance(width, int) and len(inputs[0].shape) == 2 and width != frame.shape[1]:
                raise AuditError(
                    f"{self.where} takes {width} features and the records have {frame.shape[1]} "
                    f"({shortened(records.names)}); name those to send with --send"
                )
            values = self._converted(frame, inputs[0])
            sides = [side for side in inputs[0].shape[1:] if isinstance(side, int)]
            if len(inputs[0].shape) > 2 and len(sides) == len(inputs[0].shape) - 1:
                values = values.reshape(len(frame), *sides) if np.prod(sides) == frame.shape[1] else values
            return {inputs[0].name: values}
        lacking = [of.name for of in inputs if of.name not in records.names]
        if lacking:
            raise AuditError(
                f"{self.where} has an input for each column, but the records have none called {lacking[0]}; they have "
                f"{shortened(records.names)}"
            )
        return {of.name: self._converted(frame[[of.name]], of) for of in inputs}

    def _converted(self, frame: pd.DataFrame, to: Any) -> npt.NDArray[Any]:
        if to.type not in _TYPES:
            raise AuditError(f"{self.where} takes {to.type} as {to.name}, which records cannot be converted to")
        kind = _TYPES[to.type]
        if kind is np.object_:
            return frame.astype(str).to_numpy(dtype=object)
        texts = [str(name) for name, dtype in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
        if texts:
            raise AuditError(
                f"{self.where} takes numbers ({to.type}) but column '{texts[0]}' holds none; send the columns that the "
                "model was made for with --send, encoded as it was trained"
            )
        return np.asarray(frame.to_numpy(dtype=np.float64, na_value=np.nan).astype(kind))

    def _replies(self, found: Mapping[str, Any]) -> Replies:
        for values in found.values():  # a ZipMap: a list of objects from class to probability
            if isinstance(values, list) and values and isinstance(values[0], dict):
                classes = tuple(map(str, values[0]))
                return Replies(values=np.array([list(of.values()) for of in values], dtype=np.float64), classes=classes)
        arrays = {name: np.asarray(values) for name, values in found.items()}
        numbers = {name: of for name, of in arrays.items() if of.dtype.kind == "f" and of.ndim == 2}
        likely = {name: of for name, of in numbers.items() if "prob" in name.lower()} or numbers
        if len(likely) == 1:
            return Replies(values=next(iter(likely.values())).astype(np.float64))
        labels = [of.reshape(-1) for of in arrays.values() if of.dtype.kind in "iuUOb"]
        if not likely and labels:
            return Replies(labels=labels[0].astype(str).astype(object))
        raise AuditError(
            f"{self.where} has the outputs {shortened(found)}; one of probabilities (rows, classes) or of labels is "
            "needed"
        )


class OnnxKind(Kind):
    """Files in the format ONNX."""

    about = "a file.onnx"

    def takes(self, text: str) -> bool:
        """Return whether a text names such a file."""
        return text.lower().endswith(".onnx")

    @contextmanager
    def opened(self, text: str, asking: Asking) -> Iterator[Version]:  # noqa: ARG002
        """Yield the version."""
        yield OnnxVersion(Path(text))
