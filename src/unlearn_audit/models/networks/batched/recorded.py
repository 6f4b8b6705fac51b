"""Work that is the same every time, recorded on a GPU and played back without the way from Python to its kernels."""

from __future__ import annotations

from collections.abc import Callable

import torch


class Recorded:
    """Work on the same memory every time it is called.

    The first call does it as it stands, which also makes what is only made once (states of optimisers, memory of
    libraries). On a GPU the second call records it, and that and all later calls play the record back: the same
    kernels in the same order, and so the same bits. Elsewhere each call does the work as it stands.

    Parameters
    ----------
    work
        Must neither wait for the device nor depend on anything but its memory.
    device
        Where it is done.
    """

    def __init__(self, work: Callable[[], None], device: torch.device) -> None:
        self._work, self._device = work, device
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Do the work."""
        self._calls += 1
        if self._device.type != "cuda" or self._calls == 1:
            self._work()
            return
        with torch.cuda.device(self._device):
            if self._graph is None:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                    self._work()
                self._graph = graph
            self._graph.replay()
