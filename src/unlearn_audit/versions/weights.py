"""The weights of a PyTorch module as a file, and the user's own code that makes the module."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from unlearn_audit.data.unquoted import without_values
from unlearn_audit.errors import AuditError, missing_extra
from unlearn_audit.models.source import load_factory
from unlearn_audit.utils.columns import content_of
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.messages import reason, shortened
from unlearn_audit.utils.threads import one_thread
from unlearn_audit.versions.base import Asking, Kind, Records, Replies, Version

if TYPE_CHECKING:
    from torch import Tensor, nn

_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")


class WeightsVersion(Version):
    """A module with the weights of a file.

    Parameters
    ----------
    path
        The file: safetensors, or what ``torch.save`` wrote of a ``state_dict``.
    asking
        Names the code that makes the module, and the classes.
    """

    batch = 4096

    def __init__(self, path: Path, asking: Asking) -> None:
        if asking.module is None:
            raise AuditError(f"{path} holds weights; name the code that makes their module, as --module my_models:Net")
        if find_spec("torch") is None:
            raise missing_extra(f"{path}", "PyTorch", "torch")
        content = content_of(path)
        self.where, self._asking = path.name, asking
        self.identity = {"weights": sha256(content).hexdigest(), "module": asking.module, **_code_of(asking.module)}
        self._weights = _weights_in(content, path)
        self._module: nn.Module | None = None

    def ask(self, records: Records) -> Replies:
        """Return the softmax of the module's logits."""
        import torch

        frame = records.frame
        texts = [str(name) for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
        if texts:
            raise AuditError(f"{self.where}: a module takes numbers, but column '{texts[0]}' holds none; see --send")
        values = torch.from_numpy(frame.to_numpy(dtype=np.float32, na_value=np.nan, copy=True))
        module = self._module if self._module is not None else self._made(values.shape[1])
        self._module = module
        clean = lambda text: without_values(text, frame)  # noqa: E731
        with one_thread(), torch.no_grad(), foreign(f"{self.where}: the module raised", clean=clean):
            logits = module(values)
        if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(values):
            raise AuditError(f"{self.where}: the module has to return logits (rows, classes), as one tensor")
        # if they are said to be logits, whoever asked takes the softmax
        return Replies(values=(logits.double() if self._asking.logits else logits.double().softmax(dim=1)).numpy())

    def _made(self, n_features: int) -> nn.Module:
        """Return the module with the weights, for records of so many features."""
        from torch import nn

        from unlearn_audit.models.networks.modules import asked_for

        name = str(self._asking.module)
        factory = load_factory(name)
        side = math.isqrt(n_features)
        offered: dict[str, Any] = {"n_features": n_features}
        if self._asking.classes:
            offered["n_classes"] = len(self._asking.classes)
        if side * side == n_features:
            offered["image_shape"] = (1, side, side)
        asked = asked_for(factory)
        if "n_classes" in asked and "n_classes" not in offered:
            raise AuditError(f"{name} asks for n_classes; name the classes with --classes, in the order of its logits")
        with foreign(f"{name} raised", "; it may ask for n_features, image_shape and n_classes"):
            module = factory(**{key: value for key, value in offered.items() if key in asked})
        if not isinstance(module, nn.Module):
            raise AuditError(f"{name} made a {type(module).__name__}; a torch.nn.Module is needed")
        try:
            module.load_state_dict(dict(self._weights))
        except (RuntimeError, TypeError, ValueError) as error:
            own, there = set(module.state_dict()), set(self._weights)
            differ = sorted(own ^ there)
            why = f"such as {differ[0]}" if differ else f"({reason(error)})"
            raise AuditError(
                f"{self.where} does not fit {name}: {len(own - there)} of its {len(own)} weights are missing and "
                f"{len(there - own)} unknown, {why}; name the code that the weights were made with"
            ) from error
        return module.eval()


def _weights_in(content: bytes, path: Path) -> Mapping[str, Tensor]:
    """Return the tensors of a file by name; nothing that a file says is run."""
    import torch

    if path.suffix.lower() == ".safetensors":
        from safetensors.torch import load

        try:
            return load(content)
        except Exception as error:
            raise AuditError(
                f"{path} is not a complete file of safetensors ({reason(error)}); save it again"
            ) from error
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:
        raise AuditError(
            f"{path} holds more than weights, or is not a complete file of torch.save; code in files is never run, so "
            "save module.state_dict() instead, best as safetensors"
        ) from error
    if isinstance(found, dict):
        found = next(
            (found[key] for key in ("state_dict", "model_state_dict") if isinstance(found.get(key), dict)), found
        )
    if not isinstance(found, dict) or not all(isinstance(of, torch.Tensor) for of in found.values()) or not found:
        held = shortened(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise AuditError(f"{path} holds no tensors by name ({held}); save module.state_dict()")
    return {str(name): of for name, of in found.items()}


def _code_of(name: str) -> dict[str, str]:
    """Return the digest of the file that a module is made in, where the name is one."""
    file = Path(name.rpartition(":")[0])
    return {"code": sha256(content_of(file)).hexdigest()} if file.suffix == ".py" and file.is_file() else {}


class WeightsKind(Kind):
    """Files of weights."""

    about = "weights as file.safetensors or file.pt, with --module"

    def takes(self, text: str) -> bool:
        """Return whether a text names such a file."""
        return text.lower().endswith(_SUFFIXES)

    @contextmanager
    def opened(self, text: str, asking: Asking) -> Iterator[Version]:
        """Yield the version."""
        yield WeightsVersion(Path(text), asking)
