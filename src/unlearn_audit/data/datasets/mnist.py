"""MNIST: handwritten digits, in the IDX files of their owners.

An IDX file starts with four bytes that say what it holds (two zeros, 8 for unsigned bytes, the number of
dimensions) and the dimensions, four bytes each, the highest first; then the values, the last dimension running
fastest.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.base import Images
from unlearn_audit.data.images import Bytes, class_codes, damaged, one_label_each
from unlearn_audit.data.source import Source, SourceFile
from unlearn_audit.errors import AuditError
from unlearn_audit.utils.limits import unzipped

_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist"
_SIDE = 28
_MOST_BYTES = 2**27
"""More than any of the files unpacks to."""


def _file(name: str, sha256: str) -> SourceFile:
    # Mirrors wrap the same bytes differently, so neither the size nor the digest of the wrapping is fixed.
    return SourceFile(f"mnist/{name}", f"{_ADDRESS}/{name}", sha256, digest_of="content")


SOURCE = Source(
    name="mnist",
    title="Handwritten digits, 28 x 28 greyscale pixels",
    licence="CC BY-SA 3.0",
    citation="LeCun, Cortes & Burges 1998, The MNIST database of handwritten digits",
    records=70_000,
    features=_SIDE * _SIDE,
    classes=10,
    files=(
        _file("train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        _file("train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        _file("t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        _file("t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
)


def load(folder: Path) -> Images:
    """Return the training images followed by the test images: (70000, 1, 28, 28), classes ``'0'`` .. ``'9'``.

    Raises
    ------
    AuditError
        If a file is missing from ``folder`` or is not the published one.
    """
    SOURCE.require(folder)
    train, train_labels = _part(folder, SOURCE.files[:2])
    test, test_labels = _part(folder, SOURCE.files[2:])
    return Images(
        name=SOURCE.name,
        pixels=np.concatenate([train, test])[:, None],
        labels=np.concatenate([train_labels, test_labels]),
        class_names=tuple("0123456789"),
        notes=(f"{len(train) + len(test):,} images: {len(train):,} for training, then {len(test):,} of t10k.",),
    )


def _part(folder: Path, files: tuple[SourceFile, ...]) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Return images (n, 28, 28) and labels (n,) of one pair of files."""
    image_file, label_file = (folder / file.path for file in files)
    images = _read_idx(image_file, (_SIDE, _SIDE))
    labels = class_codes(_read_idx(label_file, ()), label_file, SOURCE)
    one_label_each(len(labels), label_file, len(images), image_file, SOURCE)
    return images, labels


def _read_idx(path: Path, shape: tuple[int, ...]) -> Bytes:
    """Return the records of an IDX file, (n, *shape)."""
    try:
        content = unzipped(path, _MOST_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise damaged(path, f"is not a complete gzip file ({error})", SOURCE) from error
    except OSError as error:
        raise AuditError(f"cannot read {path} ({error.strerror or error}); {SOURCE.how()}") from error
    start, values = bytes([0, 0, 8, 1 + len(shape)]), 8 + 4 * len(shape)
    if len(content) < values:
        raise damaged(path, f"holds {len(content)} bytes, not even a header", SOURCE)
    if not content.startswith(start):
        raise damaged(path, f"starts with 0x{content[:4].hex()}, not with 0x{start.hex()}", SOURCE)
    n, *sizes = (int(size) for size in np.frombuffer(content[4:values], dtype=">u4"))
    if tuple(sizes) != shape:
        raise damaged(path, f"holds records of shape {tuple(sizes)}, not {shape}", SOURCE)
    if n == 0 or len(content) - values != n * math.prod(shape):
        held = f"{len(content) - values:,} bytes"
        raise damaged(path, f"promises {n:,} records of {math.prod(shape)} bytes and holds {held}", SOURCE)
    return np.frombuffer(content, dtype=np.uint8, offset=values).reshape(n, *shape)


DATASETS = {"mnist": (SOURCE, load)}
