"""How a method for networks is declared, and how it is carried out for one request or for many at once."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.source import ModelSource
from unlearn_audit.models.steps import before_last_step, is_network, last_step
from unlearn_audit.unlearning.base import Trained
from unlearn_audit.unlearning.forgetting import Forgetting, Update, after_update, warn_of_whole_classes
from unlearn_audit.unlearning.networks.steps import Phase
from unlearn_audit.unlearning.options import Options
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.training import fitting, noting, take
from unlearn_audit.worlds.design import Request

if TYPE_CHECKING:
    from unlearn_audit.unlearning.networks.task import Task

TOGETHER = {"cpu": 8, "cuda": 32}
"""Requests met at once, by kind of device. On a GPU fewer are filled up, so that no bit depends on their number."""


class NetworkOptions(Options):
    """The options of a method for networks; the method is what `phases` yields.

    A network is a `TorchClassifier`, alone or at the end of a pipeline, whose earlier steps stay as they are fitted.

    Attributes
    ----------
    name
        What the method is called in messages.
    lower
        What to lower where it makes weights infinite.
    """

    name: ClassVar[str]
    lower: ClassVar[str] = "learning_rate"

    @abstractmethod
    def phases(self, task: Task) -> Iterator[Phase]:
        """Yield what to train, phase after phase.

        When the next phase is asked for, the module of the task has been trained by those before. The method may read
        and set its weights then, and after the last one too. How many phases there are, and their settings, must
        depend on the options and on the numbers of records alone.
        """

    def why_not(self, source: ModelSource, data: Dataset) -> str | None:  # noqa: ARG002
        """Return why this method cannot unlearn from such models; None if it can."""
        model = last_step(source.make(seed=0))
        if is_network(model):
            if model.privacy is None:
                return None
            return (
                f"{source.name} is trained by DP-SGD and the steps of {self.name} are not private, so its guarantee "
                "would be lost; retrain instead"
            )
        if self.goes_on_fitting(model):
            return None
        return f"{self.name} needs a neural network{self._or_else}; {source.name} is a {type(model).__name__}"

    _or_else: ClassVar[str] = ""

    def goes_on_fitting(self, model: Any) -> bool:  # noqa: ARG002
        """Return whether the method can go on fitting a model that is no network; see `fit_on`."""
        return False

    def fit_on(self, model: Any, X: Any, y: Any, seed: int) -> None:
        """Unlearn from a fitted model that is no network, in place, given the retained records."""
        raise NotImplementedError

    def unlearner(self, retrain: Retrain) -> NetworkMethod:
        """Return the method."""
        return NetworkMethod(retrain.regime, retrain, self)


@dataclass(frozen=True)
class NetworkMethod(Forgetting):
    """Carries out a method for networks.

    Attributes
    ----------
    options
        The method.
    """

    options: NetworkOptions

    one_by_one: ClassVar[str] = "requests to networks of {model} were met one after another"

    def why_plain(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why requests are met one after another; None if they need not be, or are to."""
        return None if self.retrain.plain else self._why_alone(source, data)

    def trainer(self, source: ModelSource, data: Dataset) -> str | None:
        """Return what trains the originals and what meets requests, as text for the store's keys."""
        trainer = self.retrain.trainer(source, data)
        if not is_network(source.make(seed=0)) or self._why_alone(source, data) is not None:
            return trainer
        from unlearn_audit.unlearning.networks.together import VERSION

        return f"{trainer or 'fit'}, phases/{VERSION}"

    def forget(self, original: Trained, update: Update) -> Any:
        """Return the original's estimator once it has forgotten, trained by the plain loop or its own partial fits."""
        if not is_network(original.model):
            return self._fit_on(original, update)
        from unlearn_audit.unlearning.networks.loop import carry_out
        from unlearn_audit.unlearning.networks.task import prepare

        task = prepare(original, [update])(update)
        carry_out(task, self.options.phases(task))
        self.check_numbers(task)
        return task.estimator

    def unlearn(self, original: Trained, request: Request, seed: int) -> Trained:
        """Return the model after a request."""
        return next(self.unlearn_many(original, [request], [seed]))

    def unlearn_many(self, original: Trained, requests: Sequence[Request], seeds: Sequence[int]) -> Iterator[Trained]:
        """Yield the unlearned model of each request; those with equally many records are met together."""
        if not is_network(original.model) or self._why_alone(original.source, original.data) is not None:
            for request, seed in zip(requests, seeds, strict=True):
                yield super().unlearn(original, request, seed)
            return
        updates = [self.update_of(original, of, seed) for of, seed in zip(requests, seeds, strict=True)]
        sizes = [(len(update.forget), len(update.retain)) for update in updates]
        kind = next(last_step(original.model).module_.parameters()).device.type
        width = TOGETHER[kind]
        waiting, done = list(range(len(updates))), dict[int, Trained | AuditError]()
        for i in range(len(updates)):
            if i not in done:
                alike = [j for j in waiting if sizes[j] == sizes[i]][:width]
                waiting = [j for j in waiting if j not in alike]
                met = self._together(original, [updates[j] for j in alike], fill=width if kind == "cuda" else 0)
                done.update(zip(alike, met, strict=True))
            outcome = done.pop(i)
            if isinstance(outcome, AuditError):
                raise outcome
            yield outcome

    def _together(self, original: Trained, updates: Sequence[Update], fill: int) -> list[Trained | AuditError]:
        """Return the unlearned models of requests with equally many records each, or why there is none."""
        from unlearn_audit.unlearning.networks.task import prepare
        from unlearn_audit.unlearning.networks.together import carry_out_together

        made: list[Trained | AuditError] = []
        first = updates[0]
        filled = (*updates, *[updates[-1]] * max(fill - len(updates), 0))
        said: list[list[str]] = [[] for _ in filled]
        with fitting(original.source.name, original.data, len(first.retain), first.seed, len(filled)) as of_all:
            for update, own in zip(updates, said, strict=False):
                with noting(own):
                    warn_of_whole_classes(original.data, update)
            tasks = [*map(prepare(original, updates), filled)]
            phases = [_noted(self.options.phases(task), own) for task, own in zip(tasks, said, strict=True)]
            carry_out_together(tasks, phases)
        for task, update, own in zip(tasks, updates, said, strict=False):
            try:
                self.check_numbers(task)
            except AuditError as error:
                made.append(error)
                continue
            made.append(after_update(original, update, task.estimator, [*own, *of_all]))
        return made

    def _why_alone(self, source: ModelSource, data: Dataset) -> str | None:
        """Return why requests are met one after another; None if they need not be, or there is no network."""
        if self.retrain.plain:
            return "each must be trained separately"
        estimator = source.make(seed=0)
        if not is_network(estimator):
            return None
        if isinstance(estimator, Pipeline) and [type(step) for _, step in estimator.steps[:-1]] != [StandardScaler]:
            return "more than a StandardScaler comes before it"
        from unlearn_audit.unlearning.networks.together import why_alone

        return why_alone(last_step(estimator), tuple(data.X.shape[1:]), len(data.class_values))

    def _fit_on(self, original: Trained, update: Update) -> Any:
        estimator = copy.deepcopy(original.model)
        X = before_last_step(estimator, take(original.data.X, update.retain))
        self.options.fit_on(last_step(estimator), X, original.data.y[update.retain], update.seed)
        return estimator

    def check_numbers(self, task: Task) -> None:
        """Raise an `AuditError` unless all weights are numbers."""
        if all(bool(weight.isfinite().all()) for weight in task.module.parameters()):
            return
        raise AuditError(
            f"{self.options.name} made a weight of the network infinite or no number; lower its {self.options.lower} "
            f"(now {getattr(self.options, self.options.lower)})"
        )


def _noted(phases: Iterator[Phase], messages: list[str]) -> Iterator[Phase]:
    """Yield the phases of one update, and note what is warned of while they are made."""
    while True:
        with noting(messages):
            phase = next(phases, None)
        if phase is None:
            return
        yield phase
