"""The block of a configuration that says how the owner unlearns."""

from __future__ import annotations

from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from unlearn_audit.config.base import Frozen, flagged
from unlearn_audit.config.options_text import split_options

_RECORDED_IN_FULL = ("retrain", "sisa")
"""Methods whose recorded configurations hold every option of SISA."""


class UnlearningConfig(Frozen):
    """How the owner unlearns: a method, and its options as further keys.

    Methods and their options are checked when the audit is planned, each option by its method. Those of SISA are
    fields here, with their defaults, since every recorded configuration holds them.
    """

    model_config = ConfigDict(extra="allow")

    method: str = flagged(
        "retrain",
        "Unlearning",
        "unlearning",
        family="unlearning",
        description="how the owner unlearns: {unlearning}; or file.py:function for your own, or file.py:Options; "
        "options follow, as in NAME:epochs=5,learning_rate=0.01",
    )
    shards: int = flagged(10, "Unlearning", rare=True, description="SISA: parts, each with its own model")
    slices: int = flagged(1, "Unlearning", rare=True, description="SISA: steps of training within a shard")
    aggregation: str = flagged("mean", "Unlearning", rare=True, description="SISA: mean or vote of the shards")

    command: str | None = flagged(
        None,
        "Unlearning",
        "unlearning-command",
        rare=True,
        description="your own program that unlearns, in any language: './forget.sh {original} {forget} {retain} "
        "{unlearned}'; {query} and {seed} are also available",
    )
    timeout: float | None = flagged(
        None,
        "Unlearning",
        "unlearning-timeout",
        rare=True,
        description="seconds that one run of the program may take. Default: 600",
    )

    _given: Any = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _object(cls, value: Any, validate: ModelWrapValidatorHandler[UnlearningConfig]) -> UnlearningConfig:
        """Take a function of the user's, or options of a method, and name it as it could be imported."""
        if isinstance(value, UnlearningConfig) or not (callable(value) or isinstance(value, BaseModel)):
            return validate(value)
        named = value if hasattr(value, "__name__") else type(value)
        options = value.model_dump() if isinstance(value, BaseModel) else {}
        config = validate({"method": f"{named.__module__}:{named.__name__}", **options})
        config._given = value
        return config

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("command") is not None and "method" not in value:
            return {"method": "command", **value}
        value = {"method": value} if isinstance(value, str) else value
        if not isinstance(value, dict) or not isinstance(value.get("method"), str):
            return value
        method, options = split_options(value["method"])
        return {**value, "method": method, **options}

    @property
    def given(self) -> Any:
        """The function or options given as an object, in Python; None if the method was named."""
        return self._given

    @property
    def options(self) -> dict[str, Any]:
        """The options that were given."""
        return self.model_dump(exclude={"method"}, exclude_unset=True)

    def is_default(self, option: str) -> bool:
        """Return whether an option is a field here with its default value, as in a fully written configuration."""
        field = type(self).model_fields.get(option)
        return field is not None and getattr(self, option) == field.default

    @model_serializer(mode="wrap")
    def _without_what_another_method_sets(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out options that were not given: defaults of SISA for other methods, and those of a command for all."""
        written: dict[str, Any] = write(self)
        in_full = () if self.method not in _RECORDED_IN_FULL else ("shards", "slices", "aggregation")
        kept = {"method", *in_full, *self.model_fields_set}
        return {name: value for name, value in written.items() if name in kept}
