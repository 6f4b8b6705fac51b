"""What workers need: a fork server imports this module, and every worker of a command line is a copy of it then."""

from __future__ import annotations

from contextlib import suppress

from unlearn_audit.utils.imports import importing

# what cannot be imported here, the command cannot import either, and says so
with suppress(Exception), importing():
    import unlearn_audit.attacks.catalogue
    import unlearn_audit.attacks.run
    import unlearn_audit.engine.work  # noqa: F401
    from unlearn_audit.models.cart.check import is_installed, why_not
    from unlearn_audit.models.cart.place import is_compiled

    if is_installed() and is_compiled():
        why_not()
