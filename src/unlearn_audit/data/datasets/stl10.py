"""STL-10: photographs of ten kinds of things, in the binary version of their owners, made smaller.

``*_X.bin`` holds records of 3 x 96 x 96 bytes: red, green and blue, each column by column from the top left.
``*_y.bin`` holds the labels 1 to 10, a byte each. The images without labels are left out.

The paper classifies STL-10 at 32 x 32 pixels. Each of these is the mean of 3 x 3 published ones, rounded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Images
from unlearn_audit.data.images import Bytes, class_codes, fixed_rows, one_label_each
from unlearn_audit.data.source import Source, SourceFile

_FOLDER = "stl10_binary"
_PUBLISHED_SIDE = 96
_SIDE = 32
_BLOCK = _PUBLISHED_SIDE // _SIDE
_PUBLISHED_PIXELS = 3 * _PUBLISHED_SIDE * _PUBLISHED_SIDE
CHUNK = 500
"""Images made smaller at once: 14 MB of published pixels."""

SOURCE = Source(
    name="stl10",
    title="STL-10: photographs of ten kinds of animals and vehicles, made 32 x 32 pixels in colour",
    licence="none stated by its owners",
    citation="Coates, Ng & Lee, AISTATS 2011, An Analysis of Single-Layer Networks in Unsupervised Feature Learning",
    records=13_000,
    features=3 * _SIDE * _SIDE,
    classes=10,
    files=(
        SourceFile(f"{_FOLDER}/train_X.bin", size=5_000 * _PUBLISHED_PIXELS),
        SourceFile(f"{_FOLDER}/train_y.bin", size=5_000),
        SourceFile(f"{_FOLDER}/test_X.bin", size=8_000 * _PUBLISHED_PIXELS),
        SourceFile(f"{_FOLDER}/test_y.bin", size=8_000),
    ),
    archive=SourceFile(
        "stl10_binary.tar.gz",
        url="https://cs.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
        sha256="f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
        size=2_640_397_119,
    ),
)

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


def load(folder: Path) -> Images:
    """Return the labelled images, training then test: (13000, 3, 32, 32), ten classes.

    Raises
    ------
    AuditError
        If a file is missing from ``folder`` or is not in the published layout.
    """
    SOURCE.require(folder)
    train, train_labels = _part(folder, SOURCE.files[:2])
    test, test_labels = _part(folder, SOURCE.files[2:])
    return Images(
        name=SOURCE.name,
        pixels=np.concatenate([train, test]),
        labels=np.concatenate([train_labels, test_labels]),
        class_names=CLASSES,
        notes=(
            f"{len(train) + len(test):,} images: {len(train):,} for training, then {len(test):,} of the test.",
            f"Made {_SIDE} x {_SIDE} pixels of {_PUBLISHED_SIDE} x {_PUBLISHED_SIDE}: the mean of each {_BLOCK} x "
            f"{_BLOCK}, rounded.",
        ),
    )


def _part(folder: Path, files: tuple[SourceFile, ...]) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Return images (n, 3, 32, 32) and labels (n,) of one pair of files."""
    image_file, label_file = (folder / file.path for file in files)
    rows = fixed_rows(image_file, _PUBLISHED_PIXELS, SOURCE)
    labels = class_codes(fixed_rows(label_file, 1, SOURCE)[:, 0], label_file, SOURCE, first=1)
    one_label_each(len(labels), label_file, len(rows), image_file, SOURCE)
    small = np.empty((len(rows), 3, _SIDE, _SIDE), dtype=np.uint8)
    for start in range(0, len(rows), CHUNK):
        small[start : start + CHUNK] = _smaller(rows[start : start + CHUNK])
    return small, labels


def _smaller(rows: Bytes) -> Bytes:
    """Return images (m, 3, 32, 32), row by row, of records (m, 27648), column by column."""
    blocks = rows.reshape(-1, 3, _SIDE, _BLOCK, _SIDE, _BLOCK)
    sums = np.zeros((len(rows), 3, _SIDE, _SIDE), dtype=np.uint16)
    for column in range(_BLOCK):
        for row in range(_BLOCK):
            sums += blocks[:, :, :, column, :, row]
    # Nine values have no mean that ends in a half: adding 4 before the division rounds to the nearest.
    return ((sums + 4) // _BLOCK**2).astype(np.uint8).swapaxes(2, 3)


DATASETS = {"stl10": (SOURCE, load)}
