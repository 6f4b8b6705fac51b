"""Small steps that the loaders of images share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from unlearn_audit.data.source import Source
from unlearn_audit.errors import AuditError

Bytes = npt.NDArray[np.uint8]


CHANNELS = (1, 3, 4)
"""How many channels images have."""


def channels_last(shape: tuple[int, ...]) -> bool:
    """Return whether images of a shape have their channels last, where networks here take them first.

    Examples
    --------
    >>> channels_last((32, 32, 3)), channels_last((3, 32, 32)), channels_last((1, 8, 1))
    (True, False, False)
    """
    return len(shape) == 3 and shape[2] in CHANNELS and shape[0] not in CHANNELS


TO_CHANNELS_FIRST = (
    "images are taken as (n, channels, height, width), and these look like (n, height, width, channels); pass "
    "X.transpose(0, 3, 1, 2)"
)
"""What to say of images with their channels last."""


def damaged(path: Path, what: str, source: Source) -> AuditError:
    """Return the error for a file that is not the published one; ``what`` follows the path."""
    return AuditError(f"{path} {what}; delete it and {source.how()}")


def fixed_rows(path: Path, width: int, source: Source) -> Bytes:
    """Return the records of a file in which each takes ``width`` bytes: (n, width), mapped and not read.

    Raises
    ------
    AuditError
        If the file cannot be read, is empty, or ends within a record.
    """
    try:
        size = path.stat().st_size
        if size == 0 or size % width:
            raise damaged(path, f"has {size:,} bytes, which is not a number of whole records of {width:,}", source)
        return np.asarray(np.memmap(path, dtype=np.uint8, mode="r")).reshape(-1, width)
    except OSError as error:
        raise AuditError(f"cannot read {path} ({error.strerror or error}); {source.how()}") from error


def class_codes(values: Bytes, path: Path, source: Source, first: int = 0) -> npt.NDArray[np.int64]:
    """Return labels as codes (n,) from 0, given the owner's numbers, which count from ``first``.

    Raises
    ------
    AuditError
        If a number belongs to no class.
    """
    codes = values.astype(np.int64) - first
    wrong = (codes < 0) | (codes >= source.classes)
    if wrong.any():
        row = int(wrong.argmax())
        last = first + source.classes - 1
        raise damaged(path, f"has the label {values[row]} in record {row:,}, outside {first}..{last}", source)
    return codes


def one_label_each(n_labels: int, label_file: Path, n_images: int, image_file: Path, source: Source) -> None:
    """Check that there are as many labels as images.

    Raises
    ------
    AuditError
        If not: the two files do not belong together.
    """
    if n_labels != n_images:
        raise AuditError(
            f"{label_file} has {n_labels:,} labels for the {n_images:,} images in {image_file.name}; delete both and "
            f"{source.how()}"
        )
