"""Pure arithmetic that turns scores into figures with intervals.

A metric is a function of ``(scores, positive, clusters)``: ``scores`` (n,) say how likely each row is to be
positive (higher = more likely), ``positive`` (n,) bool is the truth, and ``clusters`` says what rows share: their
world, their record (`Clusters`). It returns an `Estimate`, a value with its standard error, its degrees of freedom and
the ends of its interval. Rows of one world share the model they were queried on, and a record may be asked in many
worlds, so an interval counts worlds and records, not rows; where only one world is known, it is over single records
and says so. The estimand is always the figure of *this fitted attack* on new worlds and new records. Metrics over rows
weigh positives and negatives equally.

`evaluate` returns all figures of one attack. A metric knows nothing of models, attacks or how it is printed.
"""

from unlearn_audit.metrics.balanced import accuracy, class_balanced_mean, class_balanced_proportion
from unlearn_audit.metrics.bands import simultaneous, simultaneous_auc, simultaneous_differences
from unlearn_audit.metrics.calibration import Calibrator
from unlearn_audit.metrics.categories import categories, common_values
from unlearn_audit.metrics.challenge import challenge_epsilon, forgetting_score
from unlearn_audit.metrics.conformal import (
    Control,
    conformal_p_values,
    holm_adjusted,
    references_needed,
    rejected,
)
from unlearn_audit.metrics.degradation import bits_added, deg_count, deg_rate, true_status_confidence
from unlearn_audit.metrics.difficulty import OfTenth, leak_by_tenth, memorisation, rank_correlation, vulnerability
from unlearn_audit.metrics.epsilon import (
    EpsilonBound,
    best_threshold,
    clustered_epsilon_bound,
    epsilon_bound,
    one_run_bound,
)
from unlearn_audit.metrics.exact import (
    discordant_p_value,
    exposure,
    hits_p_value,
    leak_at_k,
    proportion_interval,
    randomised_p_value,
    rank_sum_p_value,
)
from unlearn_audit.metrics.flagging import FlaggingRule
from unlearn_audit.metrics.groups import OfGroup, by_group, tenths
from unlearn_audit.metrics.intervals import CONFIDENCE, Estimate, logit_interval
from unlearn_audit.metrics.klom import FEWEST_MODELS, histogram_klom, klom_noise, paired_klom
from unlearn_audit.metrics.low_fpr import LOW_FPR, MIN_EXPECTED_FALSE_POSITIVES, tpr_at_fpr, tpr_at_fpr_interval
from unlearn_audit.metrics.power import Power, negatives_needed, power_of
from unlearn_audit.metrics.ranks import MidRanks
from unlearn_audit.metrics.records import record_p_values, records_at_risk, worlds_needed
from unlearn_audit.metrics.roc import (
    Area,
    RocCurve,
    area_difference,
    auc,
    auc_difference,
    auc_interval,
    auc_variation,
    roc_curve,
)
from unlearn_audit.metrics.shares import share
from unlearn_audit.metrics.stopping import WidthRule, half_width
from unlearn_audit.metrics.summary import Figures, Scored, evaluate
from unlearn_audit.metrics.tolerance import draws_needed, exceedances_allowed, upper_tolerance_bound
from unlearn_audit.metrics.units import Clusters
from unlearn_audit.metrics.variation import Variation, variation

__all__ = [
    "Area",
    "FEWEST_MODELS",
    "LOW_FPR",
    "discordant_p_value",
    "exposure",
    "hits_p_value",
    "leak_at_k",
    "proportion_interval",
    "randomised_p_value",
    "rank_sum_p_value",
    "histogram_klom",
    "klom_noise",
    "paired_klom",
    "challenge_epsilon",
    "forgetting_score",
    "OfGroup",
    "OfTenth",
    "leak_by_tenth",
    "memorisation",
    "rank_correlation",
    "vulnerability",
    "categories",
    "common_values",
    "by_group",
    "tenths",
    "simultaneous",
    "simultaneous_auc",
    "simultaneous_differences",
    "worlds_needed",
    "records_at_risk",
    "record_p_values",
    "power_of",
    "negatives_needed",
    "one_run_bound",
    "epsilon_bound",
    "clustered_epsilon_bound",
    "best_threshold",
    "Power",
    "EpsilonBound",
    "CONFIDENCE",
    "MIN_EXPECTED_FALSE_POSITIVES",
    "FlaggingRule",
    "Calibrator",
    "Control",
    "Estimate",
    "Figures",
    "MidRanks",
    "RocCurve",
    "Scored",
    "Variation",
    "Clusters",
    "WidthRule",
    "accuracy",
    "area_difference",
    "auc",
    "auc_difference",
    "auc_interval",
    "bits_added",
    "class_balanced_mean",
    "class_balanced_proportion",
    "conformal_p_values",
    "deg_count",
    "deg_rate",
    "draws_needed",
    "evaluate",
    "exceedances_allowed",
    "half_width",
    "holm_adjusted",
    "auc_variation",
    "logit_interval",
    "variation",
    "references_needed",
    "rejected",
    "roc_curve",
    "share",
    "tpr_at_fpr",
    "tpr_at_fpr_interval",
    "true_status_confidence",
    "upper_tolerance_bound",
]
