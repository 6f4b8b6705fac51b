"""The configuration of an audit: which keys there are, what they may hold, and how a file is read.

A configuration knows no attack, defence, data set or model: it checks how their names are written, and the plan of an
audit looks them up.
"""

from unlearn_audit.config.audit import AuditConfig
from unlearn_audit.config.base import THREE_WAY, ConfigView, GameName, RegimeName, ReuseName, ScenarioName
from unlearn_audit.config.blocks import (
    FEWEST_WORLDS_UNTIL,
    DataConfig,
    DpSgdConfig,
    ExecutionConfig,
    NetworkConfig,
    ShadowConfig,
    SideConfig,
    UntilConfig,
    WorldsConfig,
)
from unlearn_audit.config.read import build_config, read_config
from unlearn_audit.config.scenario import ScenarioConfig
from unlearn_audit.config.unlearning import UnlearningConfig

__all__ = [
    "FEWEST_WORLDS_UNTIL",
    "THREE_WAY",
    "AuditConfig",
    "DataConfig",
    "DpSgdConfig",
    "ExecutionConfig",
    "GameName",
    "NetworkConfig",
    "RegimeName",
    "ReuseName",
    "ScenarioConfig",
    "ScenarioName",
    "ShadowConfig",
    "SideConfig",
    "UnlearningConfig",
    "UntilConfig",
    "ConfigView",
    "WorldsConfig",
    "build_config",
    "read_config",
]
