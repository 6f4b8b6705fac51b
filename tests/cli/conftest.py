"""What the tests of the command line share beside `command`."""

import os

import pytest

SMALL = [
    "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4", "--references=5",
    "--feature=sorted-diff", "--attack-model=logistic-regression", "--attack-model=decision-tree",
]  # fmt: skip


@pytest.fixture
def environment(tmp_path):
    """The environment of a command in a process of its own, with a store of its own."""
    return {**os.environ, "UNLEARN_AUDIT_STORE": str(tmp_path / "store"), "PYTHONWARNINGS": ""}
