"""No garbage is looked for while modules are imported, and afterwards as before."""

import gc
import sys

from unlearn_audit.utils.imports import importing


def test_garbage_is_looked_for_again_after_an_import_that_fails(monkeypatch):
    assert gc.isenabled()
    try:
        with importing():
            assert not gc.isenabled()
            raise ImportError
    except ImportError:
        assert gc.isenabled()
    gc.disable()
    try:
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_imported_is_never_looked_at_again(monkeypatch):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    with importing():
        pass
    assert frozen == []
    with importing():
        monkeypatch.setitem(sys.modules, "made_here", sys)
    assert frozen == [True]
