"""Audits with a defence that changes the training."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from unlearn_audit import Execution, run
from unlearn_audit.api import audit_observations
from unlearn_audit.audits.membership.task import AuditTask
from unlearn_audit.config import build_config
from unlearn_audit.errors import AuditError
from unlearn_audit.report.html import render
from unlearn_audit.report.privacy import privacy_curve
from unlearn_audit.report.terminal import print_summary

pytest.importorskip("opacus")

SMALL = {
    "target": {"data": "digits", "model": "torch-mlp", "network": {"epochs": 4, "batch_size": 10}},
    "regime": "fresh",
    "worlds": {"shadow": 3, "target": 3, "train_size": 60, "deletions": 4, "unseen": 5, "references": 0},
    "features": ["sorted-concat"],
    "attack_models": ["logistic-regression"],
}


def config(**changes):
    return build_config({**SMALL, **changes})


@pytest.fixture(scope="module")
def defended(tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    asked = config(defenses=["dp-sgd:2", "dp-sgd:2+rounding:2", "dp-sgd:8", "rounding:2"])
    return run(asked, Execution(store=store)), asked, store


def test_every_release_is_measured_and_says_what_it_spent(defended):
    found = defended[0].findings
    spent = {r.defense: r.privacy for r in found.released}
    assert list(spent) == ["none", "dp-sgd:2", "dp-sgd:2+rounding:2", "dp-sgd:8", "rounding:2"]
    assert spent["none"] is None
    assert spent["rounding:2"] is None
    assert 1.8 < spent["dp-sgd:2"].epsilon <= 2
    assert spent["dp-sgd:2+rounding:2"] == spent["dp-sgd:2"]
    assert 7.8 < spent["dp-sgd:8"].epsilon <= 8
    assert spent["dp-sgd:2"].neighbours == "add or remove one record"
    assert {(r.defense, r.adaptive) for r in found.results if r.defense == "dp-sgd:2"} == {
        ("dp-sgd:2", True),
        ("dp-sgd:2", False),
    }
    assert any("standardised with statistics of the shadow side" in note.text for note in found.notes)


def test_arms_delete_the_same_records_and_lie_side_by_side_in_the_folder(defended, tmp_path):
    result = defended[0]
    assert set(result.observations) == {
        "shadow", "target", "shadow-dp-sgd-2", "target-dp-sgd-2", "shadow-dp-sgd-8", "target-dp-sgd-8",
    }  # fmt: skip
    plain, private = result.observations["target"], result.observations["target-dp-sgd-2"]
    assert plain.rows.equals(private.rows)
    assert (plain.posteriors != private.posteriors).any()
    result.save(tmp_path / "run")
    assert (tmp_path / "run" / "observations" / "target-dp-sgd-8.parquet").is_file()


def test_the_undefended_figures_are_those_of_an_audit_without_defences(defended):
    result, _, store = defended
    alone = run(config(), Execution(store=store))
    assert [r for r in result.findings.results if r.defense == "none"] == list(alone.findings.results)


def test_the_curve_goes_from_most_private_to_none(defended):
    result = defended[0]
    points = privacy_curve(result.findings)
    assert [p.defense for p in points] == ["dp-sgd:2", "dp-sgd:8", "none"]
    page = render(result.findings, result.scores)
    assert "Differential privacy" in page
    assert "epsilon spent by one version" in page
    assert "add or remove one record" in page
    without = result.findings.model_copy(update={"released": ()})
    assert privacy_curve(without) == ()
    assert "Differential privacy" not in render(without, result.scores)


def test_the_terminal_says_what_was_spent(defended):
    console = Console(width=120, record=True, file=io.StringIO())
    print_summary(console, defended[0].findings)
    told = " ".join(console.export_text().split())
    assert "dp-sgd:2: a version spent epsilon 2 at delta 1e-05 (add or remove one record)" in told


@pytest.mark.parametrize("regime", ["fixed", "same-seed"])
def test_shared_noise_is_refused(regime):
    with pytest.raises(
        AuditError, match=f"dp-sgd:2 in the regime {regime} would share its noise .* use the regime fresh"
    ):
        run(config(regime=regime, defenses=["dp-sgd:2"]))


@pytest.mark.parametrize("method", ["fine-tune", "noisy-fine-tuning"])
def test_a_method_that_changes_private_models_without_noise_is_refused(method):
    with pytest.raises(AuditError, match=f"{method} then changes the model without any, outside the guarantee"):
        run(config(defenses=["dp-sgd:2"], unlearning=method))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"data": "digits", "model": "decision-tree"}, "decision-tree is not a neural network"),
        ({"data": "mnist", "model": "resnet50"}, "BatchNorm"),
    ],
)
def test_models_that_cannot_be_private_are_refused_before_anything_is_trained(target, said, tmp_path, real_data):
    with pytest.raises(AuditError, match=said):
        run(config(target=target, defenses=["dp-sgd:2"]), Execution(store=tmp_path / "store"))
    assert not list((tmp_path / "store").rglob("*.arrow"))


def test_files_cannot_be_trained_again(table):
    with pytest.raises(AuditError, match="a file of posteriors has none"):
        audit_observations(table(seed=1, side="shadow"), table(), config=build_config({"defenses": ["dp-sgd:2"]}))


def test_sisa_trains_each_shard_privately(tmp_path):
    sizes = {**SMALL["worlds"], "deletions": 4}
    asked = config(unlearning={"method": "sisa", "shards": 2}, defenses=["dp-sgd:4"], worlds=sizes)
    found = run(asked, Execution(store=tmp_path)).findings
    spent = next(r.privacy for r in found.released if r.defense == "dp-sgd:4")
    assert spent.epsilon <= 4
    assert spent.sample_rate in (10 / 30, 10 / 29)


def test_identity_tells_guarantees_apart():
    one, other = (
        AuditTask.load(config(defenses=["dp-sgd:2"], dp_sgd={"delta": delta})).identity for delta in (1e-5, 1e-6)
    )
    assert one != other
