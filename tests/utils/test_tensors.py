"""Files of safetensors are known by their first bytes, and what is cut is no text."""

import numpy as np
import pytest

from unlearn_audit.utils.tensors import bytes_of_tensors, is_tensors, read_tensors


@pytest.mark.parametrize("n_bytes", [None, -1, 30, 9])
def test_what_is_cut_is_safetensors_still_and_cannot_be_read(n_bytes):
    pytest.importorskip("safetensors")
    content = bytes_of_tensors({"weight": np.arange(6.0)})[:n_bytes]
    assert is_tensors(content)
    if n_bytes is None:
        assert np.array_equal(read_tensors(content)["weight"], np.arange(6.0))
    else:
        with pytest.raises(ValueError, match="not a complete file of safetensors"):
            read_tensors(content)


@pytest.mark.parametrize("content", [b"", b"12345678", b"12345678{}", b'{"a": {"b": 1}}', b"\xff" * 8 + b"{"])
def test_what_begins_otherwise_is_not(content):
    assert not is_tensors(content)
