"""Arrays kept in a file hold the same values, and what was looked at can be let go of."""

import resource
from pathlib import Path

import numpy as np
import pytest

from unlearn_audit.attacks import run
from unlearn_audit.metrics import roc
from unlearn_audit.utils import spilled as module
from unlearn_audit.utils.spilled import FROM_VALUES, release, spilled

STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()


def test_short_arrays_stay_as_they_are() -> None:
    values = np.arange(10.0)
    assert spilled(values) is values
    release(values)
    assert values.tolist() == list(range(10))


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint8])
def test_long_arrays_hold_the_same_values(dtype: type) -> None:
    values = np.arange(FROM_VALUES + 3).astype(dtype)
    kept = spilled(values)
    assert kept.dtype == values.dtype
    np.testing.assert_array_equal(kept, values)
    release(np.asarray(kept)[5:])
    np.testing.assert_array_equal(kept, values)


@pytest.mark.skipif(not STATM.exists(), reason="only Linux says how much memory a process takes now")
def test_what_was_looked_at_takes_no_memory_once_it_is_released() -> None:
    kept = spilled(np.ones(16 * FROM_VALUES))
    before = resident()
    assert kept.sum() == len(kept)
    looked_at = resident()
    release(kept)
    assert looked_at - before > kept.nbytes / 2
    assert resident() - before < kept.nbytes / 4


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = spilled(np.zeros(FROM_VALUES))
    assert list(tmp_path.iterdir()) == []
    assert not kept.any()
    assert run.spilled is roc.spilled is module.spilled
