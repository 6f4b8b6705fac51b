"""What decides a model's behaviour, as text for the keys of the store."""

from unlearn_audit.models.fingerprint.walk import Fingerprint, computed_with, fingerprint

__all__ = ["Fingerprint", "computed_with", "fingerprint"]
