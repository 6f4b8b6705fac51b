"""The blocks of a configuration: data and models of a side, update, unlearning, sizes, and when to stop."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from unlearn_audit.config.base import Frozen, ReuseName, flagged
from unlearn_audit.config.options_text import split_options
from unlearn_audit.utils.deprecations import warn_deprecated

WEIGHT = "sample_weight"
"""The parameter of ``fit`` that holds the weight of each record."""


def unit_to_person(value: Any) -> Any:
    """Take the deprecated key ``unit`` of a block of data for ``person``, unless both are given."""
    if not isinstance(value, dict) or "unit" not in value or "person" in value:
        return value
    warn_deprecated("unit", "person")
    return {"person" if key == "unit" else key: of for key, of in value.items()}


class DataConfig(Frozen):
    """A named dataset, or your own table."""

    name: str | None = flagged(
        None,
        "Data",
        "dataset",
        family="datasets",
        description="a dataset from `unlearn-audit list datasets`, or file.py:loader",
    )
    file: str | None = flagged(None, "Data", "data", description="your own table: a CSV, JSON lines or Parquet file")
    label: str | None = flagged(None, "Data", description="the column of your table that holds the class")
    person: str | None = flagged(
        None,
        "Data",
        description="the column of your table that says whose row it is; all rows of a person are deleted at once",
    )
    exclude: tuple[str, ...] = flagged((), "Data", description="a column of your table that is not a feature")
    keep: tuple[str, ...] = flagged(
        (), "Data", rare=True, description="a column of your table to keep although it looks like an id"
    )
    na_values: tuple[str, ...] | None = flagged(
        None,
        "Data",
        rare=True,
        description="a text that means a missing value in your CSV. Default: the empty text, ?, NA, N/A, n/a, "
        "NaN, nan, NULL, null and #N/A",
    )
    encoding: Literal["codes", "one-hot", "raw", "text"] = flagged(
        "codes",
        "Data",
        rare=True,
        description="how your table is given to the model. codes: categories as one column of integer codes; one-hot: "
        "one column per category; raw: unchanged columns, for a model that encodes them; text: a single column as "
        "texts",
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
        of_a_table = (self.label, self.person, self.na_values, self.exclude or None, self.keep or None)
        if self.name is not None and any(value is not None for value in of_a_table):
            raise ValueError(
                "`label`, `person`, `na_values`, `exclude` and `keep` belong to `file`, not to a named dataset"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_before_there_was(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `na_values` unless they were given: configurations keep their digest."""
        written: dict[str, Any] = write(self)
        return {key: value for key, value in written.items() if key != "na_values" or value is not None}


class NetworkConfig(Frozen):
    """How a neural network is trained, if not in the model's own way."""

    epochs: int | None = flagged(
        None, "Model", rare=True, ge=1, description="neural networks: passes over the training records"
    )
    batch_size: int | None = flagged(None, "Model", rare=True, ge=1, description="neural networks: records per step")
    optimizer: Literal["adam", "sgd"] | None = Field(default=None, description="adam, or sgd with momentum 0.9")
    learning_rate: float | None = flagged(
        None, "Model", rare=True, gt=0, description="neural networks: step size of the optimiser"
    )
    weight_decay: float | None = Field(default=None, ge=0, description="of the optimiser")
    max_steps: int | None = flagged(
        None, "Model", rare=True, ge=1, description="neural networks: steps after which training stops"
    )
    image_shape: tuple[int, int, int] | None = Field(
        default=None, description="channels, height and width, if flat records are not square images"
    )
    device: str | None = flagged(
        None, "Model", rare=True, description="neural networks: auto (a GPU if there is one), cpu, cuda or cuda:1"
    )

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
    model: str = flagged(
        "decision-tree",
        "Model",
        family="models",
        description="a model: {models}; or package.module:factory or file.py:factory for your own; or a program that "
        "trains and predicts: './model.sh {train} {query} {answers}'; {model} and {seed} are also available",
    )
    timeout: float | None = flagged(
        None,
        "Model",
        "model-timeout",
        rare=True,
        gt=0,
        le=31_536_000,
        exclude=True,
        description="seconds that one run of a model program may take. Default: 600",
    )
    network: NetworkConfig = Field(default=NetworkConfig(), description="how the model is trained, if it is a network")
    sample_weight: str | None = flagged(
        None,
        "Model",
        rare=True,
        exclude_if=lambda column: column is None,
        description="the column of your table that holds each record's weight, passed to the "
        "model's fit; not a feature",
    )
    fit_params: dict[str, Any] = flagged(
        {},
        "Model",
        "fit-params",
        rare=True,
        exclude_if=lambda values: not values,
        description="further parameters of the model's fit, such as verbose=0,groups=household; the name of a column "
        "means its values",
    )

    @field_validator("fit_params", mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        return split_options(f"fit:{value}")[1] if isinstance(value, str) and "=" in value else value

    @model_validator(mode="after")
    def _one_weight(self) -> SideConfig:
        if self.sample_weight is not None and WEIGHT in self.fit_params:
            raise ValueError("`sample_weight` and `fit_params` both give weights; keep one")
        return self

    def __hash__(self) -> int:
        """Parameters of ``fit`` are a mapping, which has no hash."""
        return hash(self.model_dump_json())

    @property
    def passed_on(self) -> dict[str, Any]:
        """What is passed on to ``fit``, by name."""
        return self.fit_params if self.sample_weight is None else {**self.fit_params, WEIGHT: self.sample_weight}

    _short_data = model_validator(mode="before")(_name_to_data)


class ShadowConfig(Frozen):
    """Where the attacker's side differs from the target's; anything left out is taken from the target."""

    data: DataConfig | None = flagged(
        None,
        "Data",
        "shadow-dataset",
        rare=True,
        family="datasets",
        description="the attacker's dataset, if different",
    )
    model: str | None = flagged(
        None, "Model", "shadow-model", rare=True, family="models", description="the attacker's model, if different"
    )
    network: NetworkConfig | None = Field(default=None, description="default: the target's, if the model is the same")

    _short_data = model_validator(mode="before")(_name_to_data)


class WorldsConfig(Frozen):
    """How many worlds there are and what each is queried on. Defaults: the paper's code."""

    shadow: int = flagged(10, "Worlds", "shadow-worlds", ge=1, description="original models of the attacker")
    target: int = flagged(10, "Worlds", "target-worlds", ge=1, description="original models under attack")
    train_size: int = flagged(2000, "Worlds", ge=2, description="training records of each original")
    deletions: int = flagged(
        20, "Worlds", ge=1, description="updates of each original, or chains of them, each from the original"
    )
    unseen: int = flagged(
        20, "Worlds", rare=True, ge=0, description="unseen records queried on each pair, besides the paper's one"
    )
    retained: int | None = flagged(
        None,
        "Worlds",
        rare=True,
        ge=1,
        description="retained records queried on each pair. Default: 1; scenario retained: 1 + --unseen",
    )
    references: int = flagged(
        100, "Worlds", rare=True, ge=0, description="records never trained on, queried on each pair for comparison"
    )
    layout: Literal["paper", "per-record"] = flagged(
        "paper",
        "Worlds",
        description="which records are audited. paper: a record keeps one role in all worlds; per-record: the "
        "same records are audited in all worlds of both sides, in roles drawn anew for each world",
    )
    canaries: Literal["none", "mislabelled"] = flagged(
        "none",
        "Worlds",
        rare=True,
        description="which canaries to plant. none; mislabelled: audited records get a wrong label, a worst case",
    )
    stratify: bool = flagged(
        False,
        "Worlds",
        rare=True,
        description="draw training records so that every world has some of each class, if the model "
        "needs that; by default they are drawn at random, and a model gives probability 0 to a class that it never saw",
    )
    probes: int = flagged(
        0,
        "Worlds",
        rare=True,
        ge=0,
        description="perturbed copies of each record to query for labels, such as 20, for attacks "
        "that see only labels; if there are any, the distance to the decision boundary is measured too",
    )

    @model_serializer(mode="wrap")
    def _as_before_there_was(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `stratify` unless it was given: configurations keep their digest."""
        written: dict[str, Any] = write(self)
        return {key: value for key, value in written.items() if key != "stratify" or value}


class DpSgdConfig(Frozen):
    """The settings of the defence dp-sgd besides its epsilon."""

    delta: float = Field(default=1e-5, gt=0, lt=1, description="delta of the guarantee")
    max_grad_norm: float = Field(default=1.0, gt=0, description="norm to which each record's gradient is clipped")


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

    auc: float = flagged(
        ...,
        "Worlds",
        "until",
        rare=True,
        gt=0,
        lt=0.5,
        description="add target worlds until the interval of the leading attack's AUC is this narrow: 'auc ± 0.03'",
    )
    at_most: int = flagged(
        100,
        "Worlds",
        rare=True,
        ge=FEWEST_WORLDS_UNTIL,
        description="with until: number of target worlds at which to stop in any case",
    )

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
            raise ValueError(f"{value!r} is not a width to stop at; write it like 'auc ± 0.03'")
        return float(found[1])


class ExecutionConfig(Frozen):
    """How an audit is run, which does not change its results."""

    reuse: ReuseName = flagged(
        "mine",
        "Execution",
        rare=True,
        description="which stored worlds to reuse: never; mine, if everything they depend on is known to be unchanged; "
        "or always",
    )
    training_timeout: float | None = flagged(
        None,
        "Execution",
        rare=True,
        gt=0,
        description="seconds that one training may take; a longer one is stopped, and the command with it. Finished "
        "worlds stay in the store",
    )
