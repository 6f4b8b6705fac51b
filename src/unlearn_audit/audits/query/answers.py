"""From what two versions replied, batch by batch, to posteriors with the same classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from unlearn_audit.errors import AuditError
from unlearn_audit.observations.posteriors import check_posteriors
from unlearn_audit.utils.messages import shortened
from unlearn_audit.versions import Asking, Replies

Replied = Mapping[str, Sequence[Replies]]
"""By side, the replies of its batches."""


def as_posteriors(replies: Replies, asking: Asking, where: str) -> Replies:
    """Return replies whose numbers are posteriors, and whose classes are named where they are known.

    A single number is the probability of the second of two classes.

    Raises
    ------
    AuditError
        If they are none.
    """
    values, classes = replies.values, replies.classes
    if values is None:
        return replies
    if asking.logits:
        values = softmax(np.where(np.isnan(values), -np.inf, values), axis=1)
    values = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf) if classes is not None else values
    if values.shape[1] == 1 and classes is None:
        if len(asking.classes) != 2:
            raise AuditError(
                f"{where} answered with one number per record; if it is the probability of the second of two classes, "
                "name both with --classes NO,YES, otherwise say with --answers where the probabilities are"
            )
        values = np.column_stack([1 - values, values])
    names = classes or asking.classes or tuple(map(str, range(values.shape[1])))
    if asking.classes and classes is None and len(asking.classes) != values.shape[1]:
        raise AuditError(
            f"{where} answered with {values.shape[1]} numbers per record, and --classes names {len(asking.classes)}"
        )
    wrong = np.asarray(~np.isfinite(values).all(axis=1))
    if wrong.any():
        raise AuditError(
            f"{where} answered with something that is not a number (NaN, null or infinite) for {int(wrong.sum()):,} of "
            f"{len(wrong):,} records of a batch; none of its answers are used"
        )
    if len(names) > 1:
        check_posteriors(values[:, None], names, False, where)
    return Replies(values=values, classes=classes or asking.classes or None)


def classes_of(replied: Replied, asking: Asking) -> tuple[str, ...]:
    """Return the classes of both sides.

    Raises
    ------
    AuditError
        If the sides do not go together, or there is one class alone.
    """
    widths: dict[int, str] = {}
    names: dict[str, str] = {}
    for side, batches in replied.items():
        for of in batches:
            if of.values is not None and of.classes is None:
                widths[of.values.shape[1]] = side
            names |= dict.fromkeys(of.classes or (), side)
            names |= dict.fromkeys(map(str, [] if of.labels is None else of.labels), side)
    if len(widths) > 1:
        listed = ", ".join(f"{widths[width]} with {width}" for width in sorted(widths))
        raise AuditError(f"the versions answer with different numbers of classes: {listed}")
    found = tuple(map(str, range(next(iter(widths))))) if widths else ()
    if strays := [name for name in names if name not in (asking.classes or found or names)]:
        raise AuditError(
            f"{names[strays[0]]} answered with the class {strays[0]!r}, which is not one of "
            f"{shortened(asking.classes or found)}; see --classes"
        )
    classes = asking.classes or found or tuple(sorted(names, key=_in_order))
    if len(classes) < 2:
        raise AuditError(
            f"the versions answered with only one class ({shortened(classes)}); name all classes with --classes"
        )
    return classes


def _in_order(name: str) -> tuple[bool, int, str]:
    whole = name.isdecimal() and len(name) < 19
    return not whole, int(name) if whole else 0, name


def posteriors_of(batches: Sequence[Replies], classes: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return (n, classes) the posteriors of one side; a label alone has all of the probability."""
    place = {name: at for at, name in enumerate(classes)}
    found = []
    for of in batches:
        block = np.zeros((len(of), len(classes)))
        if of.values is None:
            assert of.labels is not None
            block[np.arange(len(of)), [place[str(name)] for name in of.labels]] = 1.0
        elif of.classes is None:
            block[:] = of.values
        else:
            block[:, [place[name] for name in of.classes]] = of.values
        found.append(block)
    return np.concatenate(found)
