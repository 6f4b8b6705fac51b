"""The validated specification of an audit: everything that decides its numbers.

What does not change results (jobs, folders) is in `unlearn_audit.Execution`; what may stand in a configuration all the
same is in `ExecutionConfig`, and in no key, identity or finding.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from unlearn_audit.errors import AuditError

RegimeName = Literal["fixed", "same-seed", "fresh"]
FeatureName = Literal["direct-concat", "sorted-concat", "direct-diff", "sorted-diff", "euclidean-distance"]
AttackModelName = Literal["logistic-regression", "decision-tree", "random-forest", "mlp"]
AttackName = Literal[
    "margin-original",
    "margin-unlearned",
    "margin-difference",
    "score-difference",
    "score-ratio",
    "l-diff",
    "pair-scale",
    "pair-scale-local",
    "leaf-share",
    "pair-scale-fitted",
    "change-field",
    "change-field-fitted",
    "change-field-shuffled",
    "population-unlearned",
    "label-gap",
    "label-agreement",
    "boundary-distance",
    "boundary-distance-scaled",
    "delta",
    "delta-scaled",
    "lira",
    "lira-offline",
    "u-lira",
    "bavaria",
    "rmia",
    "ruli",
    "iam",
    "iam-offline",
    "iam-tapered",
    "paired-likelihood",
    "paired-likelihood-scaled",
]
ScenarioName = Literal["single", "group", "online", "multi-version", "retained"]
ViewName = Literal["pair", "sequence"]
GameName = Literal["deleted-vs-unseen", "deleted-vs-retained", "retained-vs-unseen", "three-way"]
ReuseName = Literal["never", "mine", "always"]
THREE_WAY: GameName = "three-way"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataConfig(_Frozen):
    """A named dataset, or a table of the user's own."""

    name: str | None = Field(default=None, description="a named dataset: see `unlearn-audit data list`")
    file: str | None = Field(default=None, description="a CSV or Parquet file of the user's own")
    label: str | None = Field(default=None, description="the column of `file` that holds the class")
    unit: str | None = Field(default=None, description="the column of `file` that says whose row it is")
    exclude: tuple[str, ...] = Field(default=(), description="columns of `file` that are no features")
    keep: tuple[str, ...] = Field(
        default=(), description="columns of `file` that are features even if nearly every record holds another text"
    )
    encoding: Literal["codes", "one-hot"] = Field(
        default="codes", description="categories as one integer column each (the paper) or one column a category"
    )

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        if (self.name is None) == (self.file is None):
            raise ValueError("give either `name` (a named dataset) or `file` (your own table)")
        if self.file is not None and self.label is None:
            raise ValueError(f"the table {self.file} needs `label`: the column that holds the class")
        if self.name is not None and (self.label is not None or self.unit is not None or self.exclude or self.keep):
            raise ValueError("`label`, `unit`, `exclude` and `keep` belong to `file`, not to a named dataset")
        return self


class NetworkConfig(_Frozen):
    """How a neural network is trained, where it differs from the model's own way."""

    epochs: int | None = Field(default=None, ge=1, description="passes over the training records")
    batch_size: int | None = Field(default=None, ge=1, description="records a step")
    optimizer: Literal["adam", "sgd"] | None = Field(default=None, description="adam, or sgd with momentum 0.9")
    learning_rate: float | None = Field(default=None, gt=0, description="of the optimiser")
    weight_decay: float | None = Field(default=None, ge=0, description="of the optimiser")
    max_steps: int | None = Field(default=None, ge=1, description="steps after which training stops")
    image_shape: tuple[int, int, int] | None = Field(
        default=None, description="channels, height and width, where flat records are no square images"
    )
    device: str | None = Field(default=None, description="auto (a GPU if there is one), cpu, cuda or cuda:1")

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were given."""
        return self.model_dump(exclude_none=True)


def _name_to_data(value: Any) -> Any:
    """Take ``data: adult`` for ``data: {name: adult}``."""
    if isinstance(value, dict) and isinstance(value.get("data"), str):
        return {**value, "data": {"name": value["data"]}}
    return value


class SideConfig(_Frozen):
    """The records and the model of one side."""

    data: DataConfig = DataConfig(name="digits")
    model: str = Field(
        default="decision-tree", description="a model of the zoo, or package.module:factory, or file.py:factory"
    )
    network: NetworkConfig = Field(default=NetworkConfig(), description="how the model is trained if it is a network")

    _short_data = model_validator(mode="before")(_name_to_data)


class ShadowConfig(_Frozen):
    """Where the attacker's side differs from the target's; what is left out is the target's."""

    data: DataConfig | None = None
    model: str | None = None
    network: NetworkConfig | None = Field(
        default=None, description="default: the target's, where the model is the same"
    )

    _short_data = model_validator(mode="before")(_name_to_data)


class ScenarioConfig(_Frozen):
    """What an update does (Chen et al., CCS 2021, section 6)."""

    name: ScenarioName = Field(
        default="single",
        description="single: one deletion; group: several at once; online: deletions and as many additions; "
        "multi-version: a chain of deletions; retained: single deletions, asking about those who remain",
    )
    size: int | str = Field(
        default=1, description="records (or units) deleted by one update: a number, or a percentage like 1%"
    )
    versions: int = Field(default=1, ge=1, description="updates in a chain, one after another")

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = {"name": value}
        if isinstance(value, dict):
            usual: dict[str, dict[str, Any]] = {"group": {"size": 10}, "multi-version": {"versions": 5}}
            return {**usual.get(str(value.get("name")), {}), **value}
        return value

    @model_validator(mode="after")
    def _size_fits_the_name(self) -> ScenarioConfig:
        if isinstance(self.size, str):
            number = self.size.removesuffix("%")
            try:
                right = self.size.endswith("%") and 0 < float(number) < 100
            except ValueError:
                right = False
            if not right:
                raise ValueError(f"size {self.size!r} is no percentage between 0% and 100%")
        elif self.size < 1:
            raise ValueError(f"size {self.size} deletes nobody; give at least 1")
        if self.name in ("single", "retained") and self.size != 1:
            raise ValueError(f"scenario {self.name} deletes one record an update; use scenario group for {self.size}")
        if self.name != "multi-version" and self.versions != 1:
            raise ValueError(f"scenario {self.name} has one update; use scenario multi-version for {self.versions}")
        return self


class UnlearningConfig(_Frozen):
    """How the owner unlearns: a method, and its options as further keys.

    Methods and their options are checked when the audit is planned, each option by its method. Those of SISA are
    fields here, with their defaults, since every recorded configuration holds them.
    """

    model_config = ConfigDict(extra="allow")

    method: str = "retrain"
    shards: int = Field(default=10, description="SISA: parts with a model of their own")
    slices: int = Field(default=1, description="SISA: steps of training within a shard")
    aggregation: str = Field(default="mean", description="SISA: how shards answer together")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"method": value} if isinstance(value, str) else value

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given and are not the defaults."""
        return self.model_dump(exclude={"method"}, exclude_defaults=True)


class WorldsConfig(_Frozen):
    """How many worlds there are and what each is asked. Defaults: the paper's code."""

    shadow: int = Field(default=10, ge=1, description="original models of the attacker")
    target: int = Field(default=10, ge=1, description="original models under attack")
    train_size: int = Field(default=2000, ge=2, description="training records of each original")
    deletions: int = Field(default=20, ge=1, description="unlearned models per original, one deletion each")
    unseen: int = Field(default=20, ge=0, description="unseen records per pair beyond the paper's one")
    retained: int | None = Field(
        default=None, ge=1, description="retained records per pair; default 1, or as the unseen"
    )
    references: int = Field(default=100, ge=0, description="records known never to be trained on, per pair")
    layout: Literal["paper", "per-record"] = Field(
        default="paper",
        description="paper: each record is deleted, kept or unseen for good; per-record: the same records are audited "
        "in all worlds of both sides, in roles drawn anew",
    )
    canaries: Literal["none", "mislabelled"] = Field(
        default="none", description="mislabelled: whoever is audited is trained on with a wrong label, a worst case"
    )
    probes: int = Field(
        default=0,
        ge=0,
        description="perturbed copies of each record whose labels are asked, for attacks that see labels alone; with "
        "any, the distance to the boundary is sought too",
    )


class DpSgdConfig(_Frozen):
    """The settings of the defence dp-sgd beside its epsilon."""

    delta: float = Field(default=1e-5, gt=0, lt=1, description="delta of the guarantee")
    max_grad_norm: float = Field(default=1.0, gt=0, description="to which norm each record's gradient is clipped")


FEWEST_WORLDS_UNTIL = 20
"""Target worlds at the first look of an audit that stops early; with fewer a width says little."""

_WIDTH = re.compile(r"(?:auc\s*)?(?:±|\+/?-)?\s*(\d*\.?\d+)", re.IGNORECASE)


class UntilConfig(_Frozen):
    """When to stop adding target worlds: see docs/concepts.md.

    Examples
    --------
    >>> AuditConfig.model_validate({"until": "auc ± 0.03"}).until
    UntilConfig(auc=0.03, at_most=100)
    """

    auc: float = Field(
        gt=0, lt=0.5, description="half the width of the interval of the leading attack's AUC, such as auc ± 0.03"
    )
    at_most: int = Field(default=100, ge=FEWEST_WORLDS_UNTIL, description="target worlds at which to stop in any case")

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, dict) and "auc" not in value and value:
            raise ValueError(f"{next(iter(value))} needs the width to stop at, such as 'auc ± 0.03'")
        return value if isinstance(value, dict) else {"auc": value}

    @field_validator("auc", mode="before")
    @classmethod
    def _width(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if (found := _WIDTH.fullmatch(value.strip())) is None:
            raise ValueError(f"{value!r} is no width to stop at; write it like 'auc ± 0.03'")
        return float(found[1])


class ExecutionConfig(_Frozen):
    """How an audit is run, which does not change its results."""

    reuse: ReuseName = Field(
        default="mine",
        description="stored worlds: never; mine, where all that decides them is known to be unchanged; or always",
    )


def _reuse_to_execution(value: Any) -> Any:
    """Take ``reuse: never`` for ``execution: {reuse: never}``."""
    if not isinstance(value, dict) or "reuse" not in value or "execution" in value:
        return value
    rest = {key: of for key, of in value.items() if key != "reuse"}
    return {**rest, "execution": {"reuse": value["reuse"]}}


class AuditConfig(_Frozen):
    """One audit.

    Examples
    --------
    >>> config = AuditConfig.model_validate({"target": {"data": "adult", "model": "random-forest"}})
    >>> config.target.data.name, config.worlds.train_size
    ('adult', 2000)
    """

    target: SideConfig = SideConfig()
    shadow: ShadowConfig | None = Field(default=None, description="the attacker's side where it differs (transfer)")
    unlearning: UnlearningConfig = UnlearningConfig()
    retraining_arm: bool = Field(
        default=True,
        description="beside any other unlearning method, retrain the same worlds exactly and compare; no effect with "
        "retrain",
    )
    scenario: ScenarioConfig = ScenarioConfig()
    regime: RegimeName = "fixed"
    training: Literal["auto", "plain"] = Field(
        default="auto",
        description="auto: many models at once where it can be done; plain: each by its own `fit`, to compare",
    )
    worlds: WorldsConfig = WorldsConfig()
    games: tuple[GameName, ...] = Field(
        default=(), description="default: deleted-vs-unseen, or for scenario retained the two that ask who remains"
    )
    views: tuple[ViewName, ...] = Field(
        default=(),
        description="pair: first and last version; sequence: every version; default: pair, or both for a chain",
    )
    defenses: tuple[str, ...] = Field(
        default=(), description="what is done to the training or to posteriors before release: see docs/defenses.md"
    )
    dp_sgd: DpSgdConfig = Field(default=DpSgdConfig(), description="settings of the defence dp-sgd")
    features: tuple[FeatureName, ...] = Field(
        default=("direct-concat", "sorted-concat", "direct-diff", "sorted-diff", "euclidean-distance"),
        min_length=1,
    )
    attack_models: tuple[AttackModelName, ...] = Field(
        default=("logistic-regression", "decision-tree", "random-forest", "mlp"), min_length=1
    )
    attacks: tuple[AttackName, ...] | None = Field(
        default=None,
        description="attacks beside those of features and attack models: see docs/attacks.md; default: every one for "
        "which the observations hold enough",
    )
    groups: tuple[str, ...] = Field(
        default=(), description="columns by whose values the leading attack's AUC is told beside that of all records"
    )
    until: UntilConfig | None = Field(
        default=None, description="add target worlds until an interval is this narrow; default: a fixed number"
    )
    seed: int = Field(default=0, ge=0)
    execution: ExecutionConfig = Field(
        default=ExecutionConfig(), exclude=True, description="how it is run, which changes no result"
    )

    @field_validator("groups", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _short_scenario(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("scenario"), str):
            return {**value, "scenario": {"name": value["scenario"]}}
        return value

    _short_reuse = model_validator(mode="before")(_reuse_to_execution)

    @model_validator(mode="after")
    def _usual_games_and_views(self) -> AuditConfig:
        retained, chain = self.scenario.name == "retained", self.scenario.versions > 1
        usual = ("retained-vs-unseen", "deleted-vs-retained") if retained else ("deleted-vs-unseen",)
        asked = self.games if set(self.games) - {THREE_WAY} else (*usual, *self.games)
        object.__setattr__(self, "games", tuple(dict.fromkeys(asked)))
        object.__setattr__(self, "views", self.views or (("pair", "sequence") if chain else ("pair",)))
        if self.worlds.retained is None:
            worlds = self.worlds.model_copy(update={"retained": 1 + self.worlds.unseen if retained else 1})
            object.__setattr__(self, "worlds", worlds)
        return self

    @model_validator(mode="after")
    def _canaries_make_sense(self) -> AuditConfig:
        if self.worlds.canaries == "none" or self.worlds.layout == "per-record":
            return self
        if retained := [game for game in self.games if "retained" in game or game == THREE_WAY]:
            raise ValueError(
                f"in the game {retained[0]} mislabelled canaries would be told from retained records by their wrong "
                "labels alone; ask the game deleted-vs-unseen, or use the layout per-record, where all are mislabelled"
            )
        if self.until is not None:
            raise ValueError(
                "until adds target worlds, and with them mislabelled canaries, which changes what the worlds before "
                "were trained on; fix the number of worlds, or use the layout per-record"
            )
        return self

    @model_validator(mode="after")
    def _cap_allows_the_start(self) -> AuditConfig:
        if self.until is not None and self.until.at_most < self.worlds.target:
            raise ValueError(
                f"until.at_most {self.until.at_most} is fewer than the {self.worlds.target} target worlds to start with"
            )
        return self

    @property
    def two_way_games(self) -> tuple[GameName, ...]:
        """The games of two roles, at least one."""
        return tuple(game for game in self.games if game != THREE_WAY)

    @property
    def has_retraining_arm(self) -> bool:
        """Whether the worlds of another unlearning method are retrained exactly too."""
        return self.retraining_arm and self.unlearning.method != "retrain"

    @property
    def shadow_side(self) -> SideConfig:
        """The attacker's side: the target's unless the configuration says otherwise."""
        if self.shadow is None:
            return self.target
        network = self.target.network if self.shadow.model in (None, self.target.model) else NetworkConfig()
        return SideConfig(
            data=self.shadow.data or self.target.data,
            model=self.shadow.model or self.target.model,
            network=self.shadow.network or network,
        )


# PyYAML's constructors pass on what they stumble over: a 13th month, an `!!int` that is none, endless nesting
_BAD_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


def read_config(path: Path, overrides: dict[str, Any] | None = None) -> AuditConfig:
    """Read a YAML file and lay ``overrides`` (nested dictionaries) over it.

    Raises
    ------
    AuditError
        If the file is missing, is not plain YAML, or has an unknown key or a bad value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise AuditError(f"no configuration file at {path}; check the path") from error
    except OSError as error:
        raise AuditError(f"the configuration {path} cannot be read ({error.strerror}); check the file") from error
    except UnicodeDecodeError as error:
        raise AuditError(f"{path} is not UTF-8 text; save the configuration as UTF-8") from error
    except _BAD_YAML as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise AuditError(f"{path} is not plain YAML ({reason}); only plain values are read") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise AuditError(f"{path} holds a {type(content).__name__}, not keys and values; see docs/configuration.md")
    return build_config(_merge(_reuse_to_execution(content), overrides or {}), where=str(path))


def build_config(values: dict[str, Any], where: str = "the configuration") -> AuditConfig:
    """Validate nested dictionaries into an `AuditConfig`; bad values raise a one-sentence `AuditError`."""
    try:
        return AuditConfig.model_validate(values)
    except ValidationError as error:
        problems = []
        for problem in error.errors():
            key = ".".join(str(part) for part in problem["loc"]) or "the whole"
            if problem["type"] == "extra_forbidden":
                problems.append(f"unknown key '{key}'")
            else:
                problems.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}")
        said = f"{where} cannot be used: {'; '.join(problems)}"
        raise AuditError(" ".join(said.splitlines())) from error  # keys and values can hold newlines


_SHORT_FORMS = {"data": "name", "scenario": "name", "unlearning": "method", "until": "auc"}
"""Blocks that may be written as one word, and the key that the word stands for."""


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid on top, key by key; another source of data replaces the old one.

    What is no block where ``over`` has one stays, so that the validation names it.
    """
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if key in _SHORT_FORMS and isinstance(below, str):
            below = {_SHORT_FORMS[key]: below}
        if not isinstance(value, dict) or below is None:
            merged[key] = value
        elif isinstance(below, dict):
            if key == "data" and {"name", "file"} & value.keys():
                below = {k: v for k, v in below.items() if k == "encoding"}
            merged[key] = _merge(below, value)
    return merged
