"""The validated specification of an audit: everything that decides its numbers.

What does not change results (jobs, folders) is in `unlearn_audit.Execution`; what may stand in a configuration all the
same is in `ExecutionConfig`, and in no key, identity or finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from unlearn_audit.config.base import (
    THREE_WAY,
    ConfigView,
    DefenseText,
    Frozen,
    GameName,
    MeasureName,
    MemberName,
    Name,
    RegimeName,
    flagged,
)
from unlearn_audit.config.blocks import (
    DpSgdConfig,
    ExecutionConfig,
    NetworkConfig,
    ShadowConfig,
    SideConfig,
    UntilConfig,
    WorldsConfig,
)
from unlearn_audit.config.scenario import ScenarioConfig
from unlearn_audit.config.unlearning import UnlearningConfig
from unlearn_audit.utils.programs import is_command


def reuse_to_execution(value: Any) -> Any:
    """Take ``reuse: never`` for ``execution: {reuse: never}``, and ``training_timeout`` alike."""
    short = ("reuse", "training_timeout")
    if not isinstance(value, dict) or "execution" in value or not any(key in value for key in short):
        return value
    rest = {key: of for key, of in value.items() if key not in short}
    return {**rest, "execution": {key: value[key] for key in short if key in value}}


class AuditConfig(Frozen):
    """One audit.

    Examples
    --------
    >>> config = AuditConfig.model_validate({"target": {"data": "adult", "model": "random-forest"}})
    >>> config.target.data.name, config.worlds.train_size
    ('adult', 2000)
    """

    target: SideConfig = SideConfig()
    shadow: ShadowConfig | None = Field(default=None, description="the attacker's side, if different (transfer)")
    unlearning: UnlearningConfig = UnlearningConfig()
    retraining_arm: bool = flagged(
        True,
        "Unlearning",
        rare=True,
        description="with a method other than retrain, also retrain the same worlds exactly and publish their "
        "originals again, for comparison; --no-retraining-arm saves time",
    )
    unlearning_measures: tuple[MeasureName, ...] = flagged(
        (),
        "Unlearning",
        "measure",
        rare=True,
        exclude_if=lambda names: not names,
        description="for unlearned networks, also measure: relearning (how fast fine-tuning brings forgotten records "
        "back), quantisation (whether weights of 8 or 4 bits do)",
    )
    scenario: ScenarioConfig = ScenarioConfig()
    regime: RegimeName = flagged(
        "fixed",
        "Unlearning",
        description="randomness of the unlearned model: fixed, each random draw stays with its "
        "record; same-seed; or fresh",
    )
    training: Literal["auto", "plain"] = flagged(
        "auto",
        "Execution",
        rare=True,
        description="how models are trained. auto: many at once where possible; plain: each with "
        "its own fit, for comparison",
    )
    worlds: WorldsConfig = WorldsConfig()
    games: tuple[GameName, ...] = flagged(
        (),
        "Attacks",
        "game",
        of_files=True,
        description="which roles to distinguish: deleted-vs-unseen (default), deleted-vs-retained, retained-vs-unseen, "
        "or also three-way",
    )
    views: tuple[ConfigView, ...] = flagged(
        (),
        "Attacks",
        "view",
        rare=True,
        of_files=True,
        description="what the attacker sees. pair: first and last version; sequence: every version. Default: pair, or "
        "both for a chain",
    )
    defenses: tuple[DefenseText, ...] = flagged(
        (),
        "Defences",
        "defense",
        of_files=True,
        family="defenses",
        description="what the owner does before release: {defenses}; or several joined by +; or file.py:function",
    )
    dp_sgd: DpSgdConfig = Field(default=DpSgdConfig(), description="settings of the defence dp-sgd")
    features: tuple[Name, ...] = flagged(
        ("direct-concat", "sorted-concat", "direct-diff", "sorted-diff", "euclidean-distance"),
        "Attacks",
        "feature",
        rare=True,
        of_files=True,
        min_length=1,
        description="a feature of the paper's attack: direct-concat, sorted-concat, direct-diff, sorted-diff, "
        "euclidean-distance. Default: all",
    )
    attack_models: tuple[Name, ...] = flagged(
        ("logistic-regression", "decision-tree", "random-forest", "mlp"),
        "Attacks",
        "attack-model",
        rare=True,
        of_files=True,
        description="a classifier of the paper's attack: logistic-regression, decision-tree, random-forest, mlp; or "
        "none. Default: all",
    )
    attacks: tuple[MemberName, ...] | None = flagged(
        None,
        "Attacks",
        "attack",
        of_files=True,
        family="attacks",
        description="an attack from `unlearn-audit list attacks`, or file.py:Attack: those named run, and the paper's "
        "(--feature, --attack-model); or none. Default: every one that can run",
    )
    fit_rows: int | None = flagged(
        None,
        "Attacks",
        rare=True,
        of_files=True,
        ge=100,
        exclude_if=lambda rows: rows is None,
        description="fit attack models on at most N shadow rows, drawn by world. Default: all; 2000 for files",
    )
    groups: tuple[str, ...] = flagged(
        (),
        "Attacks",
        "group-by",
        of_files=True,
        description="a column by which to break down the risk, whether a feature or not",
    )
    until: UntilConfig | None = Field(
        default=None, description="add target worlds until an interval is this narrow; default: a fixed number"
    )
    seed: int = flagged(0, "Execution", of_files=True, ge=0, description="seed of the whole audit")
    execution: ExecutionConfig = Field(
        default=ExecutionConfig(), exclude=True, description="how it is run, which does not affect results"
    )

    @field_validator("attack_models", mode="before")
    @classmethod
    def _no_model_named(cls, value: Any) -> Any:
        names = [value] if isinstance(value, str) else list(value)
        if not names or ("none" in names and len(names) > 1):
            raise ValueError("name classifiers, or only none, which leaves out the paper's attacks")
        return () if names == ["none"] else names

    @field_validator("attacks", mode="before")
    @classmethod
    def _none_named(cls, value: Any) -> Any:
        if value is None:
            return None
        names = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        if "none" in names and len(names) > 1:
            raise ValueError("none leaves out every attack of its kind; give only none, or name attacks")
        return () if names == ["none"] else names

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

    _short_reuse = model_validator(mode="before")(reuse_to_execution)

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
                f"in the game {retained[0]} mislabelled canaries would differ from retained records only by their "
                "wrong labels; use the game deleted-vs-unseen, or use the layout per-record, where all are mislabelled"
            )
        if self.until is not None:
            raise ValueError(
                "until adds target worlds, and with them mislabelled canaries, which changes what earlier worlds were "
                "trained on; fix the number of worlds, or use the layout per-record"
            )
        return self

    @model_validator(mode="after")
    def _deleted_at_once(self) -> AuditConfig:
        """Refuse what a whole class or list that is deleted leaves no records for."""
        if self.scenario.name != "class":
            return self
        if self.worlds.canaries != "none":
            raise ValueError(
                "canaries have wrong labels, and scenario class matches records by their labels; leave canaries out"
            )
        asked = [game for game in self.games if "retained" in game or game == THREE_WAY]
        if self.scenario.delete_class is not None and asked:
            raise ValueError(
                f"the game {asked[0]} needs retained records, and none remain of a deleted class; use the game "
                "deleted-vs-unseen"
            )
        if self.scenario.delete_ids is not None and self.worlds.stratify:
            raise ValueError("a list decides which records every world has; leave stratify out")
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
    def shadow_side(self) -> SideConfig:
        """The attacker's side: the target's unless the configuration says otherwise."""
        if self.shadow is None:
            return self.target
        network = self.target.network if self.shadow.model in (None, self.target.model) else NetworkConfig()
        return SideConfig(
            data=self.shadow.data or self.target.data,
            model=self.shadow.model or self.target.model,
            network=self.shadow.network or network,
            timeout=self.target.timeout if is_command(self.shadow.model or self.target.model) else None,
            sample_weight=self.target.sample_weight,
            fit_params=self.target.fit_params,
        )
