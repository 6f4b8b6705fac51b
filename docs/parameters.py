"""Extension of the API pages: parameters that share one description keep their own types and defaults."""

from __future__ import annotations

import re
from typing import Any

from griffe import DocstringSectionKind, Extension, Function

SHARED = re.compile(r"^ *\w+(, \w+)+$", re.MULTILINE)


class OwnTypes(Extension):
    """Take types and defaults from the signature; the parser takes those of the first name for all."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Correct the parsed docstring of a function."""
        if func.docstring is None or not SHARED.search(func.docstring.value):
            return
        for section in func.docstring.parsed:
            if section.kind is DocstringSectionKind.parameters:
                for described in section.value:
                    parameter = next((of for of in func.parameters if of.name == described.name), None)
                    if parameter is not None:
                        described.annotation, described.value = parameter.annotation, parameter.default
