"""How far a figure would vary over new worlds and new records: variances by way, and what each is worth.

A figure's error is, to first order, a sum of contributions of rows. Rows of one world share its models, and a record
that is asked in many worlds takes its peculiarity to all of them, so contributions are summed by world and by record
(two-way clustering; Cameron, Gelbach and Miller 2011). Each way has its own degrees of freedom: few worlds say little
of how worlds vary, however many records there are. So the two variances are not added and given one t quantile; each
has its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from unlearn_audit.metrics.units import AnyArray, Clusters, Units


@dataclass(frozen=True)
class Variation:
    """The variance of a figure, by what causes it.

    Attributes
    ----------
    between : float
        Variance between units: worlds, or single records where one world is known. Infinite where a class of
        rows stands in a single unit.
    freedom : int
        Degrees of freedom of ``between``: one less than the units of the class that stands in fewer.
    recurring : float
        What records add that come back in several worlds: variance by record less that of single answers.
    answers : float
        The variance if answers, a record in a world, were independent. The true one is hardly less.
    records : int
        Different records of the class that has fewer.
    cases : int
        Answers about them.
    unit : {"world", "record"}
        What ``between`` compares.
    n_units : int
        Units that hold the class with fewer records.
    """

    between: float
    freedom: int
    recurring: float
    answers: float
    records: int
    cases: int
    unit: Literal["world", "record"]
    n_units: int

    @property
    def error(self) -> float:
        """The standard error."""
        return math.sqrt(max(self.between, self.answers) + self.recurring)

    @property
    def effective_freedom(self) -> float:
        """Degrees of freedom of the standard error (Satterthwaite 1946)."""
        whole = self.between + self.recurring
        if self.recurring == 0 or not math.isfinite(whole):
            return float(self.freedom)
        return max(whole**2 / (self.between**2 / self.freedom + self.recurring**2 / self.freedom_of_records), 1.0)

    @property
    def freedom_of_records(self) -> int:
        """Degrees of freedom of what varies between records."""
        return max(self.records - 1, 1)

    def reach(self, confidence: float) -> float:
        """Return half the width of an interval on the figure's own scale.

        It is sqrt(t²_W between + t²_R recurring), each variance with the t quantile of its degrees of freedom,
        where the first term is at least t²_R answers: worlds that agree by chance are no sign of certainty.
        """
        if not math.isfinite(self.between):
            return math.inf
        tail = (1 + confidence) / 2
        of_units, of_records = (_quantile(of, tail) ** 2 for of in (self.freedom, self.freedom_of_records))
        return math.sqrt(max(of_units * self.between, of_records * self.answers) + of_records * self.recurring)

    def independent_cases(self, confidence: float) -> float:
        """Return how many independent cases of the rarer class vary as much as these.

        Cases are divided by the design effect: the variance between units over that of independent answers, enlarged
        by (t_W/z)² since it is estimated from few units, between 1 and 1 + (cases of a unit − 1)/10, the design effect
        at a correlation of 0.1 inside units, which is strong; plus what recurring records add. They are at most as
        many as records. Where no row is ranked wrong no variance can be seen, and all records count.
        """
        if self.answers == 0 or not math.isfinite(self.between):
            return float(self.records)
        tail = (1 + confidence) / 2
        effect, most = self.between / self.answers, 1.0
        if self.unit == "world":
            effect *= (_quantile(self.freedom, tail) / special.ndtri(tail)) ** 2
            most = max(1 + (self.cases / self.n_units - 1) * STRONG_CORRELATION, 1.0)
        whole = min(max(effect, 1.0), most) + self.recurring / self.answers
        return min(self.cases / whole, float(self.records))


STRONG_CORRELATION = 0.1
"""Inside units, of whether rows are ranked wrong: the most that is allowed for where few errors are seen."""


def _quantile(freedom: float, tail: float) -> float:
    return float(special.stdtrit(freedom, tail))


def variation(contributions: AnyArray, positive: AnyArray | None, clusters: Clusters | AnyArray | None) -> Variation:
    """Return the variation of a figure that is, to first order, a sum of row contributions.

    With P_u and N_u the summed contributions of unit u's positives and negatives, the variance between units is
    f₁ Σ P_u² + f₀ Σ N_u² + 2 f Σ P_u N_u, f = k/(k−1) for k units with positives, with negatives, and in all
    (Obuchowski 1997). Where each unit holds both classes this is Σ d_w² / (W (W−1)) with d_w = W (P_w + N_w); where
    each unit is one row it is the variance of two independent samples (DeLong 1988).

    Parameters
    ----------
    contributions : (n,) float
        Row by row; they sum to zero over the positives and over the negatives.
    positive : (n,) bool or None
        The truth of each row; None where there is one class.
    clusters : Clusters, (n,) int (worlds) or None
        What rows share. Worlds are units where at least two hold a positive and at least two a negative; else single
        records are, or rows where records are not known.

    Raises
    ------
    AuditError
        There is not one world, or one record, per row.

    Examples
    --------
    >>> truth = np.array([True, True, False, False])
    >>> found = variation(np.array([0.1, -0.1, 0.2, -0.2]), truth, np.array([0, 1, 0, 1]))
    >>> round(found.error, 3), found.freedom, found.unit
    (0.6, 1, 'world')
    """
    values = np.asarray(contributions, dtype=np.float64)
    n = len(values)
    coded = Clusters.of(clusters).coded(n)
    if coded.worlds is None and coded.records is None:
        coded = Clusters(None, np.arange(n))
    records = coded.units("records", positive)
    known = records.counts
    worlds = None if coded.worlds is None else coded.units("worlds", positive)
    if worlds is None or min(worlds.counts) < 2:
        of_records = _variance(values, records)
        return Variation(of_records, max(min(known) - 1, 1), 0.0, of_records, min(known), min(known), "record", 1)
    few = int(np.argmin(known))
    answers = coded.units("answers", positive)
    # corrected as by record, so that the same answers again change nothing
    of_answers = _variance(values, answers, known)
    return Variation(
        between=_variance(values, worlds),
        freedom=max(min(worlds.counts) - 1, 1),
        recurring=0.0 if coded.records is None else max(_variance(values, records) - of_answers, 0.0),
        answers=of_answers,
        records=known[few],
        cases=answers.counts[few],
        unit="world",
        n_units=worlds.counts[few],
    )


def _variance(values: AnyArray, units: Units, counts: list[int] | None = None) -> float:
    """Return the variance if units are independent; infinite where a class stands in a single one.

    ``counts`` are how many there are of each class, for the correction k/(k−1), if not those that hold rows.
    """
    counts = counts or units.counts
    if min(counts) < 2:
        return math.inf
    total, before = 0.0, None
    for k, of in zip(counts, units.sums(values), strict=True):
        total += k / (k - 1) * float(of @ of)
        if before is not None:
            total += 2 * units.held / (units.held - 1) * float(before @ of)
        before = of if units.mixed else None
        del of  # so that of many units the sums of one class alone are held
    return max(total, 0.0)
