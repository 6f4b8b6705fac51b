"""Where downloaded datasets lie on this computer."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "UNLEARN_AUDIT_DATA"
"""The environment variable that names the data folder."""


def data_folder() -> Path:
    """Return the folder that holds the datasets; it need not exist yet.

    The environment variable ``UNLEARN_AUDIT_DATA`` names it; without one (or with an empty one) it is
    ``data`` in the user's cache folder for ``unlearn-audit``.
    """
    named = os.environ.get(FOLDER_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("unlearn-audit", appauthor=False) / "data"
