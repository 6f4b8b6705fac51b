"""What code reads beyond itself: files, the environment, the network, names made up as it runs."""

from __future__ import annotations

import ast
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from unlearn_audit.models.fingerprint.syntax import Use

_OPAQUE = {
    "aiohttp", "argparse", "boto3", "botocore", "cffi", "configparser", "ctypes", "dbm", "dill", "dotenv", "fileinput",
    "fsspec", "ftplib", "gc", "getpass", "glob", "h5py", "http", "httpx", "huggingface_hub", "linecache", "lmdb",
    "marshal", "mmap", "netCDF4", "onnxruntime", "pkgutil", "platform", "psycopg2", "pymongo", "redis", "requests",
    "runpy", "s3fs", "shelve", "socket", "sqlalchemy", "sqlite3", "subprocess", "tarfile", "urllib", "urllib3",
    "zipfile",
}  # fmt: skip
"""Modules through which anything can be read."""

_SYSTEM = {
    "datetime", "genericpath", "inspect", "nt", "ntpath", "os", "pathlib", "posix", "posixpath", "sys", "time"
}  # fmt: skip
_OF_THE_SYSTEM = {
    "argv", "chdir", "cpu_count", "ctime", "currentframe", "environ", "environb", "exists", "getcwd", "getenv",
    "getenvb", "getlogin", "getmtime", "getpid", "getsize", "gmtime", "isdir", "isfile", "listdir", "localtime",
    "lstat", "modules", "now", "open", "popen", "posix_spawn", "read", "scandir", "stack", "stat", "stdin", "system",
    "time", "time_ns", "today", "uname", "urandom", "utcnow", "walk", "_getframe",
}  # fmt: skip
"""What `os`, `sys`, the clock and the like tell of anything outside."""

_READERS = {
    "DataSource", "ExcelFile", "FileIO", "HDFStore", "ParquetDataset", "ParquetFile", "VideoCapture", "fromfile",
    "from_pretrained", "fromregex", "genfromtxt", "imread", "iterdir", "load", "loadmat", "loadtxt", "memmap", "mmread",
    "open", "rglob", "urlopen", "urlretrieve",
}  # fmt: skip
_READING = ("read_", "load_", "fetch_", "open_", "download")
"""What functions and methods that read are called, whoever's they are, and how their names begin."""

_IN_MEMORY = {"load_state_dict"}

_FROM_HANDLES = {"json", "yaml", "tomllib", "csv"}
"""Modules that read from what is open already, which is looked at where it is opened."""

PICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "torch", "shelve"}
"""Modules that read code by its name, which no file holds."""

IMPORTS = {"__import__", "import_module"}
_COMPUTED_NAMES = {"breakpoint", "compile", "eval", "exec", "globals", "input"}
_BY_NAME = {"attrgetter", "delattr", "getattr", "hasattr", "setattr"}


def reads_beyond(use: Use, module: str, name: str) -> bool:
    """Return whether a use reads what its code does not say.

    Parameters
    ----------
    use
        The name as it stands in the code.
    module
        The top-level module of what it stands for; empty where that is not known before the code runs.
    name
        What that is called; or the last part of the name.
    """
    if module in _OPAQUE or (module in _SYSTEM and name in _OF_THE_SYSTEM):
        return True
    if name in _READERS or (name.startswith(_READING) and name not in _IN_MEMORY):
        return module not in _FROM_HANDLES and not _writes(use, name)
    if name in IMPORTS and module in ("builtins", "importlib"):
        return literal(use) is None
    if name == "vars" and module == "builtins":
        return use.call is None or not use.call.args or not _is_own(use.call.args[0])
    if name in _BY_NAME and module in ("builtins", "operator", "_operator"):
        return not _names_an_attribute(use, name)
    return name in _COMPUTED_NAMES and module == "builtins"


def path_read(use: Use, name: str, *, known: bool) -> str | None:
    """Return the path that a call reads, if the code says it in full.

    ``known`` says whether it is known what is called; if not, it may be a method of a path.
    """
    if use.call is None:
        return None
    if known:
        return literal(use)
    base = use.call.func.value if isinstance(use.call.func, ast.Attribute) else None
    if name not in ("open", "read_text", "read_bytes") or not isinstance(base, ast.Call) or len(base.args) != 1:
        return None
    return literal(Use(("Path",), base)) if ast.unparse(base.func) in ("Path", "pathlib.Path") else None


def literal(use: Use) -> str | None:
    """Return the first argument of a call if it is a text that stands there."""
    first = use.call.args[0] if use.call is not None and use.call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def file_digest(path: Any) -> str | None:
    """Return a digest of a file's content; None if there is no such file or it cannot be read."""
    try:
        if not os.path.isfile(path):
            return None
        return sha256(Path(path).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None


def _writes(use: Use, name: str) -> bool:
    """Return whether a call of ``open`` only writes."""
    if name != "open" or use.call is None:
        return False
    is_method = len(use.names) > 1 and use.names[0] not in ("io", "os", "codecs", "gzip", "bz2", "lzma")
    given = [k.value for k in use.call.keywords if k.arg == "mode"] or use.call.args[0 if is_method else 1 :][:1]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else None
    return isinstance(mode, str) and bool(set(mode) & set("wax")) and not set(mode) & set("r+")


def _names_an_attribute(use: Use, name: str) -> bool:
    """Return whether the name of an attribute stands in the code, or it is one of the model itself."""
    if use.call is None:
        return False
    if name == "attrgetter":
        return all(isinstance(a, ast.Constant) for a in use.call.args)
    arguments = use.call.args
    return len(arguments) >= 2 and (isinstance(arguments[1], ast.Constant) or _is_own(arguments[0]))


def _is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")
