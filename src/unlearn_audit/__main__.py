"""``python -m unlearn_audit`` is the command ``unlearn-audit``."""

from unlearn_audit.cli.main import program

program()
