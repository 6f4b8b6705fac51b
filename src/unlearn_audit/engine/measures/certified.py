"""What a certified method proves of its unlearned models."""

from __future__ import annotations

import math

from unlearn_audit.engine.measures.base import Measure, Pair


class Certified(Measure):
    """``certificate.epsilon`` and ``certificate.delta`` of the unlearned model, where its method states them."""

    def of_pair(self, pair: Pair) -> dict[str, float]:
        """Return the figures of a pair; none without a certificate, or where it allows anything."""
        certificate = pair.unlearned.certificate
        if certificate is None or not math.isfinite(certificate.epsilon):
            return {}
        return {"certificate.epsilon": certificate.epsilon, "certificate.delta": certificate.delta}
