"""Makes observations: trains worlds in parallel, keeps each as soon as it exists, and never makes one twice."""

from typing import TYPE_CHECKING

from unlearn_audit.utils.lazy import lazily

if TYPE_CHECKING:
    from unlearn_audit.engine.runner import observe_worlds
    from unlearn_audit.engine.store.store import Store, default_store_folder
    from unlearn_audit.engine.tasks import WorldStats

__all__ = ["Store", "WorldStats", "default_store_folder", "observe_worlds"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "runner": ("observe_worlds",),
        "store.store": ("Store", "default_store_folder"),
        "tasks": ("WorldStats",),
    },
)
