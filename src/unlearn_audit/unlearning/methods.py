"""From the configuration to an unlearning method."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models.fingerprint import Fingerprint
from unlearn_audit.models.regimes import Draws, Regime, RowOrder, keeps_index_draws
from unlearn_audit.models.source import ModelSource
from unlearn_audit.unlearning.base import Unlearner
from unlearn_audit.unlearning.closed_form.down_date import DownDateOptions
from unlearn_audit.unlearning.closed_form.newton_removal import NewtonRemovalOptions
from unlearn_audit.unlearning.command import CommandOptions
from unlearn_audit.unlearning.conformance import checked
from unlearn_audit.unlearning.forgetting import Forgetting
from unlearn_audit.unlearning.function import CALL, options_for
from unlearn_audit.unlearning.networks.bad_teacher import BadTeacherOptions
from unlearn_audit.unlearning.networks.fine_tune import FineTuneOptions
from unlearn_audit.unlearning.networks.fisher import FisherOptions
from unlearn_audit.unlearning.networks.gradient_ascent import GradientAscentOptions
from unlearn_audit.unlearning.networks.influence import InfluenceOptions
from unlearn_audit.unlearning.networks.l1_sparse import L1SparseOptions
from unlearn_audit.unlearning.networks.last_layers import CfkOptions, EukOptions
from unlearn_audit.unlearning.networks.neggrad_plus import NegGradPlusOptions
from unlearn_audit.unlearning.networks.noisy_fine_tuning import NoisyFineTuningOptions
from unlearn_audit.unlearning.networks.ppu import PpuOptions
from unlearn_audit.unlearning.networks.random_labels import RandomLabelsOptions
from unlearn_audit.unlearning.networks.salun import SalUnOptions
from unlearn_audit.unlearning.networks.scrub import ScrubOptions
from unlearn_audit.unlearning.networks.ssd import SsdOptions
from unlearn_audit.unlearning.none import NoneOptions
from unlearn_audit.unlearning.options import Options, RetrainOptions
from unlearn_audit.unlearning.retrain import Retrain
from unlearn_audit.unlearning.sisa import SisaOptions
from unlearn_audit.unlearning.training import passes_on
from unlearn_audit.utils.foreign import foreign
from unlearn_audit.utils.registry import Registry

if TYPE_CHECKING:
    from unlearn_audit.config import UnlearningConfig

UNREPEATABLE = (
    "unlearnings by {} from the same original with the same seed gave different models; it draws from a source that "
    "cannot be seeded, so it shares no randomness with anything, and the results cannot be reproduced"
)

METHODS: dict[str, type[Options]] = {
    "retrain": RetrainOptions,
    "sisa": SisaOptions,
    "down-date": DownDateOptions,
    "newton-removal": NewtonRemovalOptions,
    "none": NoneOptions,
    "fine-tune": FineTuneOptions,
    "noisy-fine-tuning": NoisyFineTuningOptions,
    "ppu": PpuOptions,
    "gradient-ascent": GradientAscentOptions,
    "neggrad-plus": NegGradPlusOptions,
    "random-labels": RandomLabelsOptions,
    "bad-teacher": BadTeacherOptions,
    "scrub": ScrubOptions,
    "salun": SalUnOptions,
    "l1-sparse": L1SparseOptions,
    "ssd": SsdOptions,
    "fisher": FisherOptions,
    "influence": InfluenceOptions,
    "cf-k": CfkOptions,
    "eu-k": EukOptions,
}
"""Our own unlearning methods by name; a new one is one file and one line here."""


_BY_FIT = ("retrain", "sisa", "none")
"""Methods whose models are all trained by `unlearn_audit.unlearning.training.train`, or by what knows what it takes."""


def _method(name: str, found: Any) -> type[Options]:
    """Return the options of the method that other people's code holds: their class, an instance, or a function."""
    kind = type(found) if isinstance(found, Options) else found
    if isinstance(kind, type) and issubclass(kind, Options):
        return kind
    if callable(kind) and not isinstance(kind, type):
        return options_for(name, kind)
    raise AuditError(
        f"unlearning method {name} is neither a class of options nor a function {CALL}; give such a function, or "
        "derive a class from unlearn_audit.unlearning.Options whose method unlearner returns the method"
    )


REGISTRY: Registry[type[Options]] = Registry("unlearning method", "unlearning", METHODS, _method)
"""Every unlearning method that can be named."""


def parse_method(text: str) -> UnlearningConfig:
    """Return the configuration of a method from its name and options in one text; both are checked.

    Parameters
    ----------
    text
        ``NAME`` or ``NAME:option=value,option=value``; a name may be ``file.py:object``.

    Raises
    ------
    AuditError
        If it is no such text, or there is no such method or option.

    Examples
    --------
    >>> parse_method("sisa:shards=5").options
    {'shards': 5}
    """
    from unlearn_audit.config import UnlearningConfig

    try:
        config = UnlearningConfig.model_validate(text)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise AuditError(f"unlearning method {text}: {said}") from error
    options_of(config)
    return config


def options_of(config: UnlearningConfig) -> Options:
    """Return the validated options of the method that a configuration names.

    Raises
    ------
    AuditError
        If there is no such method, or it has no such options.
    """
    method = _kind_of(config)
    # a configuration written out in full holds the defaults of SISA, which other methods have no such options for
    given = {
        name: value
        for name, value in config.options.items()
        if name in method.model_fields or not config.is_default(name)
    }
    try:
        return method.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        option = ".".join(map(str, problem["loc"]))
        if problem["type"] != "extra_forbidden":
            raise AuditError(f"unlearning.{option}: {problem['msg'].removeprefix('Value error, ')}") from error
        known = ", ".join(method.model_fields)
        raise AuditError(
            f"unlearning method {config.method} has no option {option!r}; "
            + (f"its options are {known}" if known else "it has none, so leave it out")
        ) from error


def _kind_of(config: UnlearningConfig) -> type[Options]:
    if config.given is not None:
        return REGISTRY.admitted(config.method, config.given)
    return CommandOptions if config.method == "command" else REGISTRY.find(config.method)


def code_of(config: UnlearningConfig) -> Fingerprint | None:
    """Return what tells the code of a method of other people's from any other; None for our own."""
    return options_of(config).code()


def unlearner_for(
    config: UnlearningConfig,
    source: ModelSource,
    asked: Regime,
    n_training: int | None = None,
    n_deleted: int = 1,
    *,
    plain: bool = False,
    draws: Draws | None = None,
    data: Dataset | None = None,
) -> tuple[Unlearner, str | None]:
    """Return the method in the regime asked for, or in the one that the model really runs, and what to know of it.

    Parameters
    ----------
    config
        The method and its options.
    source
        The model.
    asked
        The regime asked for.
    n_training
        How many records an original is trained on; None leaves unchecked whether *fixed* holds at this size.
    n_deleted
        How many records a request deletes.
    plain
        Whether each model is trained by its own ``fit``, even where several could be trained at once.
    draws
        What training the model several times showed (see `measure`); None takes it at its word.
    data
        What models are trained on; None leaves unchecked whether the method can unlearn from them.

    Raises
    ------
    AuditError
        If there is no such method, it has no such options, or it cannot unlearn from such models.
    """
    options = options_of(config)
    reason = None if data is None else options.why_not(source, data) or _why_not_passing_on(config, source, data)
    if reason is not None:
        raise AuditError(f"this model cannot be unlearned from in this way: {reason}")
    retrain, note = Retrain.for_model(source, asked, draws)
    retrain = replace(retrain, plain=plain)
    unlearner = _made(config, options, retrain)
    if retrain.order is RowOrder.REPLACE and n_training is not None:
        lost = _why_not_fixed(unlearner, source.name, n_training, n_deleted)
        if lost is not None:
            plainer = replace(retrain, regime=Regime.SAME_SEED, order=RowOrder.MINUS)
            return _made(config, options, plainer), lost
    return unlearner, note


def _why_not_passing_on(config: UnlearningConfig, source: ModelSource, data: Dataset) -> str | None:
    """Return why a method cannot unlearn from models whose ``fit`` gets further parameters; None if it can."""
    if config.method in _BY_FIT or not passes_on(source, data):
        return None
    names = ", ".join((*source.fit_params, *data.fit_columns))
    return (
        f"{config.method} does not take the parameters of fit ({names}); choose {', '.join(_BY_FIT)}, or leave them out"
    )


def repeatable(unlearner: Unlearner, note: str | None, name: str, draws: Draws | None) -> tuple[Unlearner, str | None]:
    """Return a method in the regime that it was seen to run, and what to know of it.

    Parameters
    ----------
    unlearner, note
        The method in the regime that its model runs, and what to know of that.
    name
        What the method is called.
    draws
        What unlearning twice showed; None takes it at its word.
    """
    if draws is None or draws.repeats or not isinstance(unlearner, Forgetting):
        return unlearner, note
    instead = "" if unlearner.regime is Regime.FRESH else f"regime {unlearner.regime} was requested, but fresh ran: "
    notes = [*([note] if note else []), instead + UNREPEATABLE.format(name)]
    return replace(unlearner, regime=Regime.FRESH), "; ".join(notes)


def _made(config: UnlearningConfig, options: Options, retrain: Retrain) -> Unlearner:
    if config.method in METHODS:
        return options.unlearner(retrain)
    with foreign(f"unlearning method {config.method} raised"):
        return checked(options.unlearner(replace(retrain, opened=True)), config.method)


def _why_not_fixed(unlearner: Unlearner, model: str, n_training: int, n_deleted: int) -> str | None:
    """Return why bootstraps do not stay at this size, and the nearest size at which they do; None if they stay."""
    redrawn = _redrawn(unlearner, n_training, n_deleted)
    if redrawn is None:
        return None
    before, after = redrawn
    # the nearest size is the least change to the audit; of two, the smaller surely finds enough records
    least = max(n_deleted + 1, unlearner.least_training)
    near = (n for step in count(1) for n in (n_training - step, n_training + step) if n >= least)
    better = next(n for n in near if _redrawn(unlearner, n, n_deleted) is None)
    return (
        f"regime fixed was requested; NumPy draws every bootstrap of {model} anew if a fit goes from {before:,} "
        f"records to {after:,}, across a power of two, so it ran as same-seed; a train size of {better:,} would keep "
        "fixed"
    )


def _redrawn(unlearner: Unlearner, n_training: int, n_deleted: int) -> tuple[int, int] | None:
    """Return the numbers of rows before and after a deletion that shifts index draws; None if none does."""
    for size in sorted(unlearner.fit_sizes(n_training)):
        # a request may hit one fit with all it deletes, and the most that may leave decides, since bits only get
        # fewer; where no record is left there is no fit
        after = max(size - n_deleted, 1)
        if not keeps_index_draws(size, after):
            return size, after
    return None
