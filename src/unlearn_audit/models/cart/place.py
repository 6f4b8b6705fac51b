"""Where compiled trees are kept between processes; numba is not imported for it."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import platformdirs

ONCE = "Compiling trees, once for this version of unlearn-audit: about a minute"
"""What is said before the first use."""


@cache
def compiled_folder() -> Path:
    """Return a folder for this state of all sources: numba looks at the file of a function, not at those it calls."""
    state = sha256()
    for path in sorted((Path(__file__).parent / "kernel").glob("*.py")):
        state.update(path.read_bytes())
    return Path(platformdirs.user_cache_dir("unlearn-audit", appauthor=False)) / "compiled" / state.hexdigest()[:16]


def is_compiled() -> bool:
    """Return whether something was compiled before, by this process or another."""
    return any(compiled_folder().glob("**/*.nbc"))
