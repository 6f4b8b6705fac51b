"""``unlearn-audit view``: the runs under a folder on a local page."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from unlearn_audit.cli.viewer.door import LOOPBACK
from unlearn_audit.cli.viewer.server import Server
from unlearn_audit.cli.viewer.shelf import Shelf
from unlearn_audit.cli.viewer.site import Site
from unlearn_audit.utils.streams import say


def view(
    runs_dir: Annotated[Path, typer.Argument(help="The folder that holds run folders, at any depth up to 4.")] = Path(
        "runs"
    ),
    host: Annotated[
        str, typer.Option(help=f"Address of this machine to listen on: {' or '.join(LOOPBACK)}.")
    ] = LOOPBACK[0],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any that is free.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address; open no browser.")] = False,
) -> None:
    """Show the runs under a folder on a local page: filter, sort, open and compare them.

    Prints the page's address, which holds a random token, on standard output. Only this machine can reach it, and
    it answers nothing without the token. It reads the folder and changes nothing. Press Ctrl-C to stop.

    Typical calls:

    unlearn-audit view runs

    unlearn-audit view /audits/2026 --port 8000 --no-browser
    """
    shelf = Shelf.of(runs_dir)
    with Server(Site(shelf), host, port) as server:
        say(f"The runs under {shelf.top} are shown until Ctrl-C.", error=True)
        say(server.door.url(server.door.token))
        if not no_browser and _has_screen():
            Thread(target=webbrowser.open, args=(server.door.url(server.door.ticket),), daemon=True).start()
        server.serve_forever()


def _has_screen() -> bool:
    """Return whether a browser would open in a window, and not in this terminal."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
