"""What tests of several rooms share."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

# threads of several test processes wait for each other, ten times as long as small matrices take; read on import
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from unlearn_audit.attacks.conformance import made_table  # noqa: E402
from unlearn_audit.config import AuditConfig  # noqa: E402
from unlearn_audit.observations import ROLES  # noqa: E402
from unlearn_audit.observations.piece import NUMBERS, Piece  # noqa: E402

pytest_plugins = ["made_findings"]

HEAVY = (
    "agents/test_four_deletions.py::",
    "agents/test_example_transformer.py::",
    "models/test_logistic.py::test_no_counterexample_as_if_large",
    "engine/test_deadline.py::test_a_longer_limit_goes_on_and_changes_nothing",
    "engine/test_deadline.py::test_a_training_of_several_is_stopped_and_finished_worlds_are_kept",
    "engine/test_deadline.py::test_a_training_on_a_cluster_is_stopped",
    "comparison/test_compare.py::test_runs_that_are_alike_are_told_apart_no_more_often_than_is_said[True]",
    "comparison/test_compare.py::test_runs_that_are_alike_are_told_apart_no_more_often_than_is_said[False]",
    "influence/test_attack.py::test_until_an_interval_is_narrow_nobody_is_trained_with_twice",
    "models/test_per_instance.py::test_watching_a_training_changes_nothing_of_it[False-privacy2]",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[epochs]",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[retained]",
    "tests/test_benchmarks.py::test_the_change_field_tells_the_deleted_where_columns_are_many",
    "influence/test_attack.py::test_asked_for_by_name_it_runs_on_any_model[sklearn.neighbors",
    "influence/test_attack.py::test_sparse_preprocessing_ends_no_audit[last1]",
    "influence/test_downdate.py::test_of_a_record_that_the_own_training_set_lacks_the_field_is_the_derivative_in_its_weight[softmax-120-100]",
    "identification/test_ranking.py::test_any_model_will_do_at_the_price_of_a_training_for_each_candidate",
    "membership/test_arms.py::test_sisa_trains_each_shard_privately",
    "membership/test_early_stopping.py::test_every_arm_gets_as_many_worlds",
    "membership/test_run.py::test_real_data_leaks_where_it_is_known_to[us-accidents",
    "membership/test_run.py::test_real_data_leaks_where_it_is_known_to[adult-decision-tree",
    "cli/test_plan_release.py::test_forests_and_networks_by_name[random-forest]",
    "models/test_program.py::test_an_audit_of_a_program_says_what_one_of_the_same_model_says",
    "query/test_page.py::test_the_walk_ends_at_the_report_that_the_page_shows",
    "query/test_query.py::test_killed_at_any_time_it_goes_on",
    "cli/test_run.py::test_a_killed_run_resumes_with_the_same_result[",  # test_kills kills and resumes one
    "engine/test_executors.py::test_models_with_threads_of_their_own_give_the_same_bits[torch-mlp-dask]",
    "engine/test_executors.py::test_models_with_threads_of_their_own_give_the_same_bits[random-forest-accelerated-dask]",
    "attacks/test_run.py::test_workers_that_die_of_an_attack_again_and_again_are_told_in_one_sentence",
    "engine/test_executors.py::test_workers_that_always_die_are_told_in_one_sentence[dask]",
    "engine/test_executors.py::test_what_queries_warn_of_is_counted_and_not_shown[dask]",
    "engine/test_executors.py::test_what_a_worker_refuses_is_the_same_sentence[dask]",
    "audits/membership/test_networks.py::test_an_audit_repeats_to_the_last_bit_in_any_number_of_processes",
    "audits/methods/test_compare.py::test_jobs_change_nothing_but_times",
    "cli/test_run.py::test_the_executor_changes_nothing_and_is_named",
    "cli/test_signals.py::test_a_signal_ends_workers_and_temporary_data_with_one_sentence[SIGINT-one process]",
    "cli/test_signals.py::test_a_signal_ends_workers_and_temporary_data_with_one_sentence[SIGTERM-all of a terminal]",
    "engine/test_executors.py::test_a_killed_worker_changes_nothing[dask]",
    "engine/test_executors.py::test_executors_give_the_same_bits[dask]",
    "metrics/test_epsilon.py::test_of_many_thresholds_few_are_judged[0.05]",
    "metrics/test_epsilon.py::test_of_many_thresholds_few_are_judged[1]",
    "report/test_verdict_table.py::test_random_findings_get_the_verdict_of_the_table",
    "findings/test_three_way.py::test_the_mean_over_roles_has_the_error_of_a_jackknife_over_worlds",
    "findings/test_three_way.py::test_where_worlds_audit_the_same_records_the_interval_allows_for_them",
    "methods/test_compare.py::test_noisy_steps_are_drawn_beside_leak_and_losses_order_records",
    "store/test_reuse.py::test_an_edited_program_is_another_model[standard input]",
    "metrics/test_bands.py::test_no_interval_of_the_family_is_wrong[0.0]",
    "metrics/test_bands.py::test_no_interval_of_the_family_is_wrong[0.7]",
    "metrics/test_stopping.py::test_coverage_where_the_audit_stopped_early[case1]",
    "models/test_estimators.py::test_checks_of_scikit_learn[TorchClassifier",
    "models/test_source.py::test_the_zoo_makes_seeded_models_that_fit_and_repeat[resnet50]",
    "models/networks/test_private.py::test_shared_noise_cancels_in_the_difference_whatever_the_epsilon",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[sisa]",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[overfitting]",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[dp-sgd]",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[hyper-parameters]",
    "tests/test_benchmarks.py::test_networks_on_a_gpu_are_timed_without_what_only_other_parts_need",
    "tests/test_doors.py::test_all_five_run_together_by_path[1]",
    "tests/test_validity.py::test_models_that_know_nothing_are_audited[0]",
    "tests/test_validity.py::test_models_that_know_nothing_are_audited[6]",
    "tests/test_examples.py::test_own_network",
    "tests/test_notebooks.py::test_it_runs_and_shows_its_results_in_short[own_torch_model]",
    "tests/test_notebooks.py::test_it_runs_and_shows_its_results_in_short[only_files]",
    "tests/test_examples.py::test_defenses",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[defences]",
    "reproduce/test_reproduce.py::test_every_experiment_runs_at_smoke_scale[online]",
    "cli/test_plan.py::test_plan_run_and_name_state_the_regime_that_is_run[hard_wired-same-seed-same-seed]",
    "cli/test_plan.py::test_what_is_not_reused_is_not_counted_as_stored",
    "cli/test_scenarios.py::test_the_retraining_arm_can_be_left_out",
    "cli/test_name.py::test_a_model_of_any_kind_says_how_many_trainings_it_takes",
    "tests/test_benchmarks.py::test_both_sides_of_the_cases_agree",
    "store/test_reuse.py::test_an_edited_program_is_another_model[a file]",
    "tests/test_null.py::test_roles_shuffled_within_worlds_cover_one_half_at_the_nominal_rate",
    "metrics/test_bands.py::test_no_interval_of_the_family_is_wrong[0.98]",
    "metrics/test_coverage.py::test_tpr_at_one_percent[2.5-0.3]",
    "metrics/test_coverage.py::test_tpr_at_one_percent[1.24-0.3]",
    "metrics/test_multiclass.py::test_the_interval_of_the_mean_covers[30-10-0.7]",
    "metrics/test_multiclass.py::test_the_interval_of_the_mean_covers[10-20-0.5]",
    "membership/test_run.py::test_real_data_leaks_where_it_is_known_to[checkins-jakarta",
    "tests/test_doors.py::test_a_configuration_alone_runs_no_code_of_others[unlearning]",
    "engine/test_executors.py::test_workers_that_grew_are_replaced_in_silence",
    "engine/test_executors.py::test_models_with_threads_of_their_own_give_the_same_bits[random-forest-accelerated-processes]",
    "engine/test_executors.py::test_models_with_threads_of_their_own_give_the_same_bits[logistic-regression-dask]",
    "defenses/test_dp_sgd.py::test_the_networks_of_the_paper_can_be_private[torch-logistic-regression]",
    "models/test_source.py::test_the_zoo_makes_seeded_models_that_fit_and_repeat[densenet121]",
    "cli/test_plan.py::test_plan_run_and_name_state_the_regime_that_is_run[hard_wired-fixed-same-seed]",
    "tests/test_recorded.py::test_no_number_changed[files]",
    "tests/test_benchmarks.py::test_both_ways_of_the_default_audit_agree",
    "report/test_browser.py::test_axe_finds_nothing_serious[run-hostile",
    "report/test_browser.py::test_axe_finds_nothing_serious[run-dark",
    "report/test_browser.py::test_dark_is_dark_on_every_page",
    "report/test_browser.py::test_nothing_overflows_or_is_cut[run-hostile-phone",
    "tests/test_examples.py::test_a_program_of_ones_own_for_any_model",
    "report/test_browser.py::test_axe_finds_nothing_serious[run-auditor",
    "report/test_browser.py::test_nothing_overflows_or_is_cut[run-auditor",
    *(
        f"networks/test_conformance.py::{test}[{method}]"
        for method in ("fine-tune", "random-labels", "bad-teacher", "l1-sparse", "cf-k", "eu-k")
        for test in (
            "test_convolutions_with_dropout_are_computed_together_as_in_the_loop",
            "test_it_repeats_with_its_seed_whoever_else_is_asked_for",
        )
    ),
)
"""Starts of the names of long tests whose like run in `make test`: these run in `make figures`."""


def pytest_collection_modifyitems(items):
    """Mark what is heavy as slow."""
    for item in items:
        if any(heavy in item.nodeid for heavy in HEAVY):
            item.add_marker(pytest.mark.slow)


# the same examples in every run; HYPOTHESIS_PROFILE=explore looks for others
settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that ``UNLEARN_AUDIT_DATA`` names."""
    folder = os.environ.get("UNLEARN_AUDIT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("UNLEARN_AUDIT_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture
def two_threads():
    """Two threads for linear algebra, as where nothing limits them: what must not depend on them limits them itself."""
    torch = sys.modules.get("torch")
    before = None if torch is None else torch.get_num_threads()
    with threadpool_limits(2):
        if torch is not None:
            torch.set_num_threads(2)
        yield
    if torch is not None and before is not None:
        torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    """No test reads or leaves work in the user's cache."""
    monkeypatch.setenv("UNLEARN_AUDIT_STORE", str(tmp_path / "store"))


@dataclass
class Outcome:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def findings(self):
        return json.loads(self.out)

    def says(self, text):
        """One sentence, no traceback, exit code 2."""
        assert self.code == 2, (self.code, self.out, self.err)
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = [line for line in self.err.strip().splitlines() if not line.startswith(("Training", "Fitting"))]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("Error: ")
        assert text in lines[0]


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Call ``unlearn-audit`` with arguments in this process, as its user does, in a folder of its own."""
    from unlearn_audit.cli.main import main

    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["unlearn-audit", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def table():
    """`made_table`, for tests that make their own tables."""
    return made_table


@pytest.fixture(scope="session")
def piece():
    """Make the rows of one world of `table`, as they are before they become part of a table."""

    def make(seed=0, world=3, classes=3):
        of = made_table(seed=seed, classes=classes, worlds=1)
        columns = {name: of.rows[name].to_numpy() for name in (*NUMBERS, "paper") if name != "role"}
        columns["role"] = np.array([ROLES.index(role) for role in of.roles])
        return Piece("made", "target", world, columns, of.posteriors, of.classes)

    return make


@pytest.fixture
def collapsing(tmp_path: Path) -> AuditConfig:
    """An audit whose leading attack reads off ids, which are known on the shadow side alone; another shows a leak.

    The text of an id is one 0/1 column on the shadow side, by which a regression learns each record by heart. On the
    target side nobody has such a column. What is left there, an ordinary leak, `score-ratio` finds on both sides.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 6))
    people = pd.DataFrame(X, columns=[f"x{i}" for i in range(6)])
    people["name"] = [f"{number:08x}" for number in rng.permutation(800) * 7919]
    people["pays"] = np.where(X.sum(axis=1) + 6 * rng.normal(size=800) > 0, "yes", "no")
    path = tmp_path / "people.csv"
    people.to_csv(path, index=False)
    data = {"file": str(path), "label": "pays", "keep": ["name"], "encoding": "one-hot"}
    return AuditConfig.model_validate(
        {
            "target": {"data": data, "model": "logistic-regression"},
            "worlds": {"shadow": 8, "target": 8, "train_size": 24, "deletions": 4, "unseen": 5, "references": 30},
            "scenario": {"name": "group", "size": 6},
            "attacks": ["score-ratio", "margin-original"],
            "features": ["sorted-concat"],
            "attack_models": ["logistic-regression"],
        }
    )
