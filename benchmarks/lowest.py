"""Print the lowest version that pyproject.toml allows of each library, as constraints for pip: see `make test-lowest`.

The extras are named on the command line: ``python benchmarks/lowest.py dask accelerate fast-trees``.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"

_BOUND = re.compile(r"(?P<name>[\w.-]+)\s*>=\s*(?P<version>[\w.]+)")


def lowest(project: dict[str, Any], extras: Sequence[str]) -> Iterator[str]:
    """Yield a constraint for each library of the core and of some extras that has a lower bound."""
    optional = project["optional-dependencies"]
    for requirement in [*project["dependencies"], *(of for extra in extras for of in optional[extra])]:
        if bound := _BOUND.match(requirement):
            yield f"{bound['name']}=={bound['version']}"


if __name__ == "__main__":
    print(*lowest(tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"], sys.argv[1:]), sep="\n")
