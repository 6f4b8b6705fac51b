"""Files that are never read as tables: what their first bytes say they are, and what to do instead."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

from unlearn_audit.cli.inspection.seen import Seen
from unlearn_audit.utils.signatures import HEAD, start_of

_CODE = "it can run code and is never opened"
_ASK = (
    "ask both versions of the model, with unlearn-audit query or in your own program, and write their posteriors to CSV"
)

_MODELS = {
    ".onnx": ("an ONNX model", _ASK),
    ".safetensors": ("weights of a network (safetensors)", f"they hold no answers; {_ASK}"),
    ".h5": ("a Keras or HDF5 file", _ASK),
    ".keras": ("a Keras model", _ASK),
    ".joblib": (f"a pickle of Python objects (joblib); {_CODE}", _ASK),
    **dict.fromkeys((".pkl", ".pickle"), (f"a pickle of Python objects; {_CODE}", _ASK)),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin"), (f"a torch checkpoint; {_CODE}", _ASK)),
}


def other(path: Path) -> Seen | None:
    """Return what is known of a file that is no table; None if it may be one.

    Nothing is unpickled or executed: the first bytes and the names in an archive tell.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head:
        return Seen(str(path), "unknown", problems=["it is empty"])
    found = _signed(path, head)
    if found is None:
        return None
    what, advice = found
    return Seen(str(path), "a file that is not read", {"what": what}, problems=[advice])


def _signed(path: Path, head: bytes) -> tuple[str, str] | None:
    suffix = path.suffix.lower()
    if _is_safetensors(head):
        return _MODELS[".safetensors"]
    if head.startswith(b"PK\x03\x04"):
        names = _names_in(path)
        if any(name.endswith(("/data.pkl", "data.pkl")) for name in names):
            return _MODELS[".pt"]
        if "[Content_Types].xml" in names:
            return "an Excel spreadsheet", "save the sheet as CSV"
        return _MODELS.get(suffix)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return _MODELS[suffix] if suffix in (".pt", ".pth", ".ckpt", ".joblib") else _MODELS[".pkl"]
    if suffix in _MODELS:
        return _MODELS[suffix]
    if suffix in (".xlsx", ".xls", ".ods"):
        return "a spreadsheet", "save the sheet as CSV"
    found = start_of(head)
    # what is read by its content or under another name is no other file
    if found is None or found[0].startswith(
        (
            "compressed (gzip",
            "compressed (bzip2",
            "compressed (xz",
            "compressed (Zst",
            "UTF-16",
            "a Parquet",
            "an Arrow",
        )
    ):
        return None
    return found


def _is_safetensors(head: bytes) -> bool:
    """Return whether a file starts with the length of a JSON header, and the header."""
    if len(head) < 9 or head[8:9] != b"{":
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return 2 <= length < 100_000_000 and b'"' in head[9:20]


def _names_in(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return []


def folder(path: Path) -> Seen:
    """Return what is known of a folder."""
    if not (path / "unlearn-audit-run.json").is_file():
        return Seen(str(path), "unknown", problems=["it is a folder not written by a run; name the files in it"])
    found = Seen(str(path), "run folder")
    found.facts["files"] = sorted(of.name for of in path.iterdir() if of.is_file())[:20]
    tables = sorted(str(of.relative_to(path)) for of in path.glob("observations/*.parquet"))
    if tables:
        found.facts["posteriors"] = tables
    return found


def document(path: Path) -> Seen | None:
    """Return what is known of the JSON that a run wrote; None if it is no such."""
    if path.suffix.lower() != ".json" or path.stat().st_size > 1 << 26:
        return None
    try:
        held = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    schema = held.get("schema") if isinstance(held, dict) else None
    if not isinstance(schema, str) or not schema.startswith("unlearn-audit/"):
        return None
    found = Seen(str(path), "findings of a run", {"layout": schema})
    verdict = held.get("verdict")
    if isinstance(verdict, dict):
        found.facts["verdict"] = f"{verdict.get('kind')}, gate {verdict.get('gate')}"
    return found
