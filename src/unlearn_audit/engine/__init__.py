"""Makes observations: trains worlds in parallel, keeps each as soon as it exists, and never makes one twice."""

from unlearn_audit.engine.runner import WorldStats, observe_worlds
from unlearn_audit.engine.store import Store, default_store_folder

__all__ = ["Store", "WorldStats", "default_store_folder", "observe_worlds"]
