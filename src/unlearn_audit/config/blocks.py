"""The blocks of a configuration: data and models of a side, update, unlearning, sizes, and when to stop."""

from __future__ import annotations

import re
import warnings
from typing import Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from unlearn_audit.config.base import Frozen, ReuseName, ScenarioName


def unit_to_person(value: Any) -> Any:
    """Take the deprecated key ``unit`` of a block of data for ``person``, unless both are given."""
    if not isinstance(value, dict) or "unit" not in value or "person" in value:
        return value
    warnings.warn("unit is deprecated; use person.", DeprecationWarning, stacklevel=2)
    return {"person" if key == "unit" else key: of for key, of in value.items()}


class DataConfig(Frozen):
    """A named dataset, or a table of the user's own."""

    name: str | None = Field(default=None, description="a named dataset: see `unlearn-audit data list`")
    file: str | None = Field(default=None, description="a CSV or Parquet file of the user's own")
    label: str | None = Field(default=None, description="the column of `file` that holds the class")
    person: str | None = Field(default=None, description="the column of `file` that says whose row it is")
    exclude: tuple[str, ...] = Field(default=(), description="columns of `file` that are no features")
    keep: tuple[str, ...] = Field(
        default=(), description="columns of `file` that are features even if nearly every record holds another text"
    )
    encoding: Literal["codes", "one-hot"] = Field(
        default="codes", description="categories as one integer column each (the paper) or one column a category"
    )

    @model_validator(mode="before")
    @classmethod
    def _former_name(cls, value: Any) -> Any:
        value = unit_to_person(value)
        if isinstance(value, dict) and "unit" in value:
            raise ValueError("`unit` is the former name of `person`, and both are given; keep `person`")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> DataConfig:
        if (self.name is None) == (self.file is None):
            raise ValueError("give either `name` (a named dataset) or `file` (your own table)")
        if self.file is not None and self.label is None:
            raise ValueError(f"the table {self.file} needs `label`: the column that holds the class")
        if self.name is not None and (self.label is not None or self.person is not None or self.exclude or self.keep):
            raise ValueError("`label`, `person`, `exclude` and `keep` belong to `file`, not to a named dataset")
        return self


class NetworkConfig(Frozen):
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


class SideConfig(Frozen):
    """The records and the model of one side."""

    data: DataConfig = DataConfig(name="digits")
    model: str = Field(
        default="decision-tree", description="a model of the zoo, or package.module:factory, or file.py:factory"
    )
    network: NetworkConfig = Field(default=NetworkConfig(), description="how the model is trained if it is a network")

    _short_data = model_validator(mode="before")(_name_to_data)


class ShadowConfig(Frozen):
    """Where the attacker's side differs from the target's; what is left out is the target's."""

    data: DataConfig | None = None
    model: str | None = None
    network: NetworkConfig | None = Field(
        default=None, description="default: the target's, where the model is the same"
    )

    _short_data = model_validator(mode="before")(_name_to_data)


class ScenarioConfig(Frozen):
    """What an update does (Chen et al., CCS 2021, section 6)."""

    name: ScenarioName = Field(
        default="single",
        description="single: one deletion; group: several at once; online: deletions and as many additions; "
        "multi-version: a chain of deletions; retained: single deletions, asking about those who remain",
    )
    size: int | str = Field(
        default=1, description="records (or people) deleted by one update: a number, or a percentage like 1%"
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


_RECORDED_IN_FULL = ("retrain", "sisa")
"""Methods whose recorded configurations hold every option of SISA."""


class UnlearningConfig(Frozen):
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
        """The options that were given."""
        return self.model_dump(exclude={"method"}, exclude_unset=True)

    def is_default(self, option: str) -> bool:
        """Return whether an option is a field here and holds its default, as in a configuration written out in full."""
        field = type(self).model_fields.get(option)
        return field is not None and getattr(self, option) == field.default

    @model_serializer(mode="wrap")
    def _without_what_another_method_sets(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the options of SISA that were not given to a method of the user's own: its defaults may differ."""
        written: dict[str, Any] = write(self)
        if self.method in _RECORDED_IN_FULL:
            return written
        return {name: value for name, value in written.items() if name == "method" or name in self.model_fields_set}


class WorldsConfig(Frozen):
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


class DpSgdConfig(Frozen):
    """The settings of the defence dp-sgd beside its epsilon."""

    delta: float = Field(default=1e-5, gt=0, lt=1, description="delta of the guarantee")
    max_grad_norm: float = Field(default=1.0, gt=0, description="to which norm each record's gradient is clipped")


FEWEST_WORLDS_UNTIL = 20
"""Target worlds at the first look of an audit that stops early; with fewer a width says little."""

_WIDTH = re.compile(r"(?:auc\s*)?(?:±|\+/?-)?\s*(\d*\.?\d+)", re.IGNORECASE)


class UntilConfig(Frozen):
    """When to stop adding target worlds: see docs/concepts.md.

    Examples
    --------
    >>> UntilConfig.model_validate("auc ± 0.03")
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


class ExecutionConfig(Frozen):
    """How an audit is run, which does not change its results."""

    reuse: ReuseName = Field(
        default="mine",
        description="stored worlds: never; mine, where all that decides them is known to be unchanged; or always",
    )
