"""CIFAR-10: small photographs of ten kinds of things, in the binary version of their owner.

A file is a row of records of 3,073 bytes: the label, then 1,024 red, 1,024 green and 1,024 blue values, each row
by row from the top left.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unlearn_audit.data.base import Images
from unlearn_audit.data.images import class_codes, fixed_rows
from unlearn_audit.data.source import Source, SourceFile

_FOLDER = "cifar-10-batches-bin"
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32


def _batch(name: str, sha256: str) -> SourceFile:
    return SourceFile(f"{_FOLDER}/{name}", sha256=sha256, size=10_000 * (1 + _PIXELS))


SOURCE = Source(
    name="cifar10",
    title="CIFAR-10: photographs of ten kinds of animals and vehicles, 32 x 32 pixels in colour",
    licence="none stated by its owner",
    citation="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images, https://www.cs.toronto.edu/~kriz/cifar.html",
    records=60_000,
    features=_PIXELS,
    classes=10,
    files=(
        _batch("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
        _batch("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
        _batch("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
        _batch("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
        _batch("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
        _batch("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
    ),
    archive=SourceFile(
        "cifar-10-binary.tar.gz",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        size=170_052_171,
    ),
    partial=True,
)

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def load(folder: Path) -> Images:
    """Return the batches that are there, the test batch last: (60000, 3, 32, 32) if all are, ten classes.

    Raises
    ------
    AuditError
        If no batch is in ``folder``, or one is not in the published layout.
    """
    SOURCE.require(folder)
    paths = [path for file in SOURCE.files if (path := folder / file.path).is_file()]
    batches = [fixed_rows(path, 1 + _PIXELS, SOURCE) for path in paths]
    labels = [class_codes(rows[:, 0], path, SOURCE) for path, rows in zip(paths, batches, strict=True)]
    counts = ", ".join(f"{len(rows):,} of {path.name}" for path, rows in zip(paths, batches, strict=True))
    n = sum(len(rows) for rows in batches)
    published = "" if n == SOURCE.records else f" Published are {SOURCE.records:,}; {SOURCE.how()} for the rest."
    return Images(
        name=SOURCE.name,
        pixels=np.concatenate([rows[:, 1:] for rows in batches]).reshape(-1, *_SHAPE),
        labels=np.concatenate(labels),
        class_names=CLASSES,
        notes=(f"{n:,} images: {counts}.{published}",),
    )


DATASETS = {"cifar10": (SOURCE, load)}
