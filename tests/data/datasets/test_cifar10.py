from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unlearn_audit.data.datasets import cifar10
from unlearn_audit.errors import AuditError


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / "cifar-10-batches-bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def record(label: int) -> bytes:
    """A record by the owner's words: label, 1,024 red, 1,024 green, 1,024 blue, each row by row."""
    red, green, blue = bytes(range(32)) * 32, bytes(100 + i // 32 for i in range(1024)), bytes([200]) * 1024
    return bytes([label]) + red + green + blue


def test_channels_rows_and_columns(tmp_path: Path) -> None:
    put(tmp_path, "data_batch_1.bin", record(3) + record(9))
    images = cifar10.load(tmp_path)
    assert images.pixels.shape == (2, 3, 32, 32)
    red, green, blue = images.pixels[1]
    assert np.array_equal(red, np.tile(np.arange(32), (32, 1)))  # grows along a row
    assert np.array_equal(green, np.tile(np.arange(100, 132), (32, 1)).T)  # grows down a column
    assert (blue == 200).all()
    assert images.labels.tolist() == [3, 9]
    assert images.class_names[3] == "cat"
    assert images.class_names[9] == "truck"


def test_whatever_part_is_there_is_read_and_told(tmp_path: Path) -> None:
    put(tmp_path, "test_batch.bin", record(1))
    put(tmp_path, "data_batch_4.bin", record(2) + record(3))
    images = cifar10.load(tmp_path)
    assert images.labels.tolist() == [2, 3, 1]
    assert images.notes == (
        "3 images: 2 of data_batch_4.bin, 1 of test_batch.bin. Published are 60,000; "
        "run 'unlearn-audit data fetch cifar10' for the rest.",
    )


def test_published_images(real_data: Path) -> None:
    images = cifar10.load(real_data)
    assert "10,000 of data_batch_1.bin, 10,000 of data_batch_2.bin" in images.notes[0]
    assert [images.class_names[label] for label in images.labels[:5]] == [
        "frog",
        "truck",
        "truck",
        "deer",
        "automobile",
    ]
    assert images.pixels[0, :, 0, :3].tolist() == [[59, 43, 50], [62, 46, 48], [63, 45, 43]]
    names = (real_data / "cifar-10-batches-bin/batches.meta.txt").read_text().split()
    assert images.class_names == tuple(names)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has 0 bytes, which is not a number of whole records of 3,073"),
        (record(1)[:-1], "has 3,072 bytes, which is not a number of whole records"),
        (record(1) + record(2) + b"x", "has 6,147 bytes"),
        (record(1) + record(10), r"has the label 10 in record 1, outside 0\.\.9"),
    ],
)
def test_damaged_batch_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    put(tmp_path, "data_batch_1.bin", record(0))
    path = put(tmp_path, "data_batch_2.bin", content)
    with pytest.raises(AuditError, match=told) as caught:
        cifar10.load(tmp_path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith("delete it and run 'unlearn-audit data fetch cifar10'")


def test_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    put(tmp_path, "data_batch_1.bin", record(0))
    monkeypatch.setattr("unlearn_audit.data.images.np.memmap", refuse)
    with pytest.raises(AuditError, match=r"cannot read .*data_batch_1.bin .*Permission denied"):
        cifar10.load(tmp_path)
