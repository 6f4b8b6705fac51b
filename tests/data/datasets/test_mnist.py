from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from unlearn_audit.data.datasets import mnist
from unlearn_audit.errors import AuditError

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = (file.path for file in mnist.SOURCE.files)


def idx(values: np.ndarray) -> bytes:
    """The published layout, written by its definition."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def pictures(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "mnist").mkdir()
    contents = (pictures(3, 0), np.array([5, 0, 9]), pictures(2, 1), np.array([7, 2]))
    for file, values in zip(mnist.SOURCE.files, contents, strict=True):
        (tmp_path / file.path).write_bytes(gzip.compress(idx(values)))
    return tmp_path


def test_small_files_in_the_published_layout(small: Path) -> None:
    images = mnist.load(small)
    assert np.array_equal(images.pixels, np.concatenate([pictures(3, 0), pictures(2, 1)])[:, None])
    assert images.labels.tolist() == [5, 0, 9, 7, 2]
    assert images.class_names == tuple("0123456789")
    assert images.notes == ("5 images: 3 for training, then 2 of t10k.",)


def test_the_published_images(real_data: Path) -> None:
    images = mnist.load(real_data)
    assert images.pixels.shape == (70_000, 1, 28, 28)
    assert np.bincount(images.labels).tolist() == [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    # The test images follow those for training: the first of either is a 5 and a 7.
    assert images.labels[[0, 60_000]].tolist() == [5, 7]
    assert round(images.pixels[:60_000].mean() / 255, 4) == 0.1307


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        (IMAGES, b"", "holds 0 bytes, not even a header"),
        (IMAGES, idx(pictures(3, 0))[:15], "holds 15 bytes, not even a header"),
        (IMAGES, idx(np.arange(9)) + bytes(9), "starts with 0x00000801, not with 0x00000803"),
        (IMAGES, b"\x00\x00\x09\x03" + bytes(20), "starts with 0x00000903, not with 0x00000803"),
        (LABELS, idx(pictures(3, 0)), "starts with 0x00000803, not with 0x00000801"),
        (IMAGES, idx(pictures(3, 0)[:, :27]), r"holds records of shape \(27, 28\), not \(28, 28\)"),
        (IMAGES, idx(pictures(3, 0))[:-1], "promises 3 records of 784 bytes and holds 2,351 bytes"),
        (TEST_IMAGES, idx(pictures(2, 0)) + b"x", "promises 2 records of 784 bytes and holds 1,569 bytes"),
        (TEST_LABELS, idx(np.array([])), "promises 0 records of 1 bytes and holds 0 bytes"),
        (LABELS, idx(np.array([1, 10, 3])), r"has the label 10 in record 1, outside 0\.\.9"),
        (LABELS, idx(np.array([1, 2])), "has 2 labels for the 3 images in train-images-idx3-ubyte.gz"),
    ],
)
def test_damaged_file_is_refused(small: Path, path: str, content: bytes, told: str) -> None:
    (small / path).write_bytes(gzip.compress(content))
    with pytest.raises(AuditError, match=told) as caught:
        mnist.load(small)
    sentence = str(caught.value)
    assert sentence.startswith(str(small / path))
    assert sentence.endswith("run 'unlearn-audit data fetch mnist'")
    assert "\n" not in sentence


@pytest.mark.parametrize("damage", [lambda _: b"no gzip", lambda whole: whole[:-9], lambda w: w[:40] + b"?" * 60])
def test_damaged_gzip_is_refused(small: Path, damage) -> None:
    whole = (small / IMAGES).read_bytes()
    (small / IMAGES).write_bytes(damage(whole))
    with pytest.raises(AuditError, match="is not a complete gzip file") as caught:
        mnist.load(small)
    assert str(small / IMAGES) in str(caught.value)


def test_file_that_cannot_be_read(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(mnist.gzip, "open", refuse)
    with pytest.raises(AuditError, match=r"cannot read .*train-images.*Permission denied"):
        mnist.load(small)
