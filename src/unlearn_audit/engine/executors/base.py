"""The contract of an executor, and what to do when workers die."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from unlearn_audit.errors import AuditError
from unlearn_audit.utils.threads import several_threads

Item = tuple[int, int]
"""What a task is given, small enough to send a million of: the number of a side's task, and of a world in it."""

Work = Callable[[Any, Item], Any]
"""A module-level function of the data that all tasks share and of one item."""

Results = Iterator[tuple[Item, Any]]

FRUITLESS = 3
"""How often in a row a pool of workers may die without one more item done."""


WORLDS = "worlds are not computed yet; the same command with fewer --jobs continues from here"
"""What is said about items that are left where workers die again and again, and what to do."""


class Executor(Protocol):
    """Does a function for many items.

    Attributes
    ----------
    name
        What users call it.
    """

    @property
    def name(self) -> str:
        """What users call it."""
        ...

    def run(self, work: Work, shared: Any, items: Sequence[Item]) -> Results:
        """Yield each item and its result as soon as it is there, in any order.

        An item whose worker dies is done again, so ``work`` must be repeatable.

        Raises
        ------
        AuditError
            What ``work`` raised; or if workers die again and again.
        """
        ...


class Serial:
    """One item after the other in this process."""

    name = "serial"

    def __init__(self, jobs: int = 1) -> None:
        self.jobs = jobs

    def run(self, work: Work, shared: Any, items: Sequence[Item]) -> Results:
        """Yield each item and its result, in order; a forest may grow in as many threads as there are jobs."""
        for item in items:
            with several_threads(self.jobs):
                result = work(shared, item)
            yield item, result


def in_order(results: Results, items: Sequence[Item]) -> Iterator[Any]:
    """Yield the results of items in the order of the items, each as soon as those before it are there."""
    there: dict[Item, Any] = {}
    for item in items:
        while item not in there:
            done, result = next(results)
            there[done] = result
        yield there.pop(item)


class WorkersDied(Exception):
    """The workers of an attempt are gone; what they had not finished can be tried again."""


def until_done(attempt: Callable[[Sequence[Item]], Results], items: Sequence[Item], undone: str = WORLDS) -> Results:
    """Attempt what is left again where workers died, as long as that leads anywhere.

    Parameters
    ----------
    attempt
        Yields results of the items it is given, and raises `WorkersDied` where it cannot go on.
    items
        All items, each once.
    undone
        What is said about those that are left when this fails, as for `WORLDS`.

    Raises
    ------
    AuditError
        If workers died `FRUITLESS` times in a row without one more item done.
    """
    left = dict.fromkeys(items)
    fruitless = 0
    while left:
        before = len(left)
        try:
            for item, result in attempt(list(left)):
                del left[item]
                yield item, result
        except WorkersDied as error:
            fruitless = fruitless + 1 if len(left) == before else 0
            if fruitless == FRUITLESS:
                raise AuditError(
                    f"worker processes died {FRUITLESS} times in a row ({error}), most often because memory ran out; "
                    f"{len(left):,} {undone}"
                ) from error


def in_worker(work: Work, shared: Any, item: Item, threads: int) -> Any:
    """Do one item in a worker process."""
    with several_threads(threads):
        return work(shared, item)
