"""On small files that are written here by the owners' description of their layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unlearn_audit.data.datasets import stl10
from unlearn_audit.errors import AuditError

TRAIN_X, TRAIN_Y, TEST_X, TEST_Y = (file.path for file in stl10.SOURCE.files)


def record(image: np.ndarray) -> bytes:
    """Red, green, blue of an image (3, 96, 96), each column by column."""
    return b"".join(bytes(int(v) for v in channel.flatten(order="F")) for channel in image)


def slope() -> np.ndarray:
    """Red grows to the right, green downwards, blue is two corners."""
    image = np.zeros((3, 96, 96), dtype=np.uint8)
    image[0] = np.arange(96)[None, :] * 2
    image[1] = np.arange(96)[:, None]
    image[2, :3, -3:] = 90  # right above
    image[2, -3:, :3] = 30  # left below
    return image


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, 96, 96), dtype=np.uint8)


def published(folder: Path, train: list[np.ndarray], test: list[np.ndarray], train_y: bytes, test_y: bytes) -> Path:
    (folder / "stl10_binary").mkdir()
    for path, content in (
        (TRAIN_X, b"".join(map(record, train))),
        (TRAIN_Y, train_y),
        (TEST_X, b"".join(map(record, test))),
        (TEST_Y, test_y),
    ):
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return published(tmp_path, [slope(), noise(0)], [noise(1)], bytes([1, 10]), bytes([8]))


def test_channels_columns_and_size(small: Path) -> None:
    images = stl10.load(small)
    assert images.pixels.shape == (3, 3, 32, 32)
    red, green, blue = images.pixels[0]
    assert np.array_equal(red, np.tile(np.arange(32) * 6 + 2, (32, 1)))
    assert np.array_equal(green, np.tile(np.arange(32) * 3 + 1, (32, 1)).T)
    assert blue[0, 31] == 90
    assert blue[31, 0] == 30
    assert np.count_nonzero(blue) == 2
    assert images.labels.tolist() == [0, 9, 7]
    assert [images.class_names[label] for label in images.labels] == ["airplane", "truck", "monkey"]
    assert images.notes[0] == "3 images: 2 for training, then 1 of the test."


def test_a_pixel_is_the_rounded_mean_of_nine(small: Path) -> None:
    for image, original in zip(stl10.load(small).pixels[1:], (noise(0), noise(1)), strict=True):
        means = original.astype(np.float64).reshape(3, 32, 3, 32, 3).mean(axis=(2, 4))
        assert np.array_equal(image, np.rint(means))


def test_extremes_do_not_wrap(tmp_path: Path) -> None:
    white = np.full((3, 96, 96), 255, dtype=np.uint8)
    published(tmp_path, [white], [np.zeros_like(white)], bytes([1]), bytes([2]))
    images = stl10.load(tmp_path)
    assert (images.pixels[0] == 255).all()
    assert (images.pixels[1] == 0).all()


def test_images_made_smaller_in_steps_are_those_made_at_once(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = stl10.load(small).pixels
    monkeypatch.setattr(stl10, "CHUNK", 1)
    assert np.array_equal(stl10.load(small).pixels, at_once)


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        (TRAIN_X, b"", "has 0 bytes, which is not a number of whole records of 27,648"),
        (TEST_X, record(noise(1))[:-1], "has 27,647 bytes, which is not a number of whole records"),
        (TRAIN_Y, bytes([0, 1]), r"has the label 0 in record 0, outside 1\.\.10"),
        (TRAIN_Y, bytes([10, 11]), r"has the label 11 in record 1, outside 1\.\.10"),
        (TEST_Y, bytes([1, 2]), "has 2 labels for the 1 images in test_X.bin"),
        (TEST_Y, b"", "has 0 bytes"),
    ],
)
def test_damaged_file_is_refused(small: Path, path: str, content: bytes, told: str) -> None:
    (small / path).write_bytes(content)
    with pytest.raises(AuditError, match=told) as caught:
        stl10.load(small)
    assert str(caught.value).startswith(str(small / path))
    assert str(caught.value).endswith("run 'unlearn-audit data fetch stl10'")


def test_every_file_is_needed(small: Path) -> None:
    (small / TEST_Y).unlink()
    with pytest.raises(AuditError, match=r"no file .*test_y.bin for dataset 'stl10'"):
        stl10.load(small)
