"""Every page that the program writes, of made figures: no model is trained."""

from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pandas as pd

from made_arms import arm, best, comparison
from made_arms import attack as attack_on_arms
from made_findings import make_findings, make_scores
from unlearn_audit.audits.agents import audit_agent
from unlearn_audit.audits.identification.page import render_naming
from unlearn_audit.audits.identification.ranking import Naming
from unlearn_audit.audits.methods.findings import Cost, DifficultyGroup, Method, MethodsFindings
from unlearn_audit.audits.methods.page import render_methods
from unlearn_audit.audits.release import Pair, Rows
from unlearn_audit.audits.release.examine import ReleaseSettings, examine, findings_of
from unlearn_audit.audits.release.page import render as render_release
from unlearn_audit.audits.release.plan.findings import PlanFindings, PolicyFinding
from unlearn_audit.audits.release.plan.page import render_plan
from unlearn_audit.findings.sections import DefenseCost, GroupRisk, PrivacySpent
from unlearn_audit.metrics import Estimate
from unlearn_audit.report.html import render_forms
from unlearn_audit.reproduce.page import ChartLine, render_reproduction

HOSTILE = {
    "script": "<script>document.title='run'</script>",
    "quotes": "\"'><img src=x onerror=alert(1)>`${1}",
    "long": "x" * 10_240,
    "right-to-left": "\u05d0\u05d1\u05d2 \u202e(0.9) \u0627\u0644",
    "markup": "*a* | [b](c) # `d` &amp; {{ 7 * 7 }}",
}
"""Names as a user, or somebody else, could write them."""


def full_findings(scores):
    """Return findings of an audit with defences, groups, a private training and three arms."""
    found = make_findings(scores)
    costs = {"accuracy": 0.81, "brier": 0.3, "calibration_error": 0.05, "n": 4800}
    spent = PrivacySpent(
        epsilon=4.0, delta=1e-5, neighbours="one record more", noise_multiplier=0.9, max_grad_norm=1.0,
        sample_rate=0.02, steps=500,
    )  # fmt: skip
    defended = tuple(
        r.model_copy(
            update={"defense": name, "adaptive": adaptive, "auc": 0.5 + (r.auc - 0.5) * left,
                    "auc_ci": tuple(0.5 + (end - 0.5) * left for end in r.auc_ci)}
        )
        for r in found.results
        if r.rows == "all"
        for name, left in (("top-k:1", 0.95), ("label-only", 0.2), ("dp-sgd:4", 0.05))
        for adaptive in (True, False)
    )  # fmt: skip
    released = tuple(
        DefenseCost(defense=name, privacy=spent if name == "dp-sgd:4" else None, **costs)
        for name in ("none", "top-k:1", "label-only", "dp-sgd:4")
    )
    groups = tuple(
        GroupRisk(by="column", column=column, group=group, n_positive=40, n_negative=800, auc=auc,
                  auc_ci=(auc - 0.05, auc + 0.05))
        for column, group, auc in (("sex", "Female", 0.75), ("sex", "Male", 0.9), ("age", "17 to 28", 0.8),
                                   ("age", "60 to 90", 0.85))
    )  # fmt: skip
    arms = comparison(
        update=best((0.05, 0.2)), residual=best((0.05, 0.2)),
        attacks=tuple(attack_on_arms(f"attack-{i}", "pair", (0.1, 0.2)) for i in range(30)),
    )  # fmt: skip
    changed = {"results": found.results + defended, "released": released, "groups": groups, "arms": arms}
    return found.model_copy(update=changed | {"execution": {**found.execution, "owner": "Privacy office"}})


def hostile_findings(scores):
    """Return the same with every name that comes from outside a hostile one, and the scores that go with it."""
    found = full_findings(scores)
    names = {"logistic-regression": HOSTILE["script"], "mlp": HOSTILE["long"], "random-forest": HOSTILE["quotes"],
             "decision-tree": HOSTILE["right-to-left"]}  # fmt: skip
    results = tuple(
        r.model_copy(
            update={
                "attack_model": names[r.attack_model],
                "strongest_classical": r.strongest_classical and _renamed(r.strongest_classical, names),
                "defense": HOSTILE["markup"] if r.defense == "top-k:1" else r.defense,
            }
        )
        for r in found.results
    )
    selected = found.selected.model_copy(update={"attack_model": names[found.selected.attack_model]})
    groups = tuple(
        g.model_copy(update={"column": HOSTILE["script"], "group": text})
        for g, text in zip(found.groups, HOSTILE.values(), strict=False)
    )
    changed = {
        "results": results, "selected": selected, "groups": groups, "dataset": HOSTILE["long"],
        "model": HOSTILE["script"], "regime_note": HOSTILE["quotes"],
        "config": {**found.config, **{f"note {key}": text for key, text in HOSTILE.items()}},
        "execution": {**found.execution, "owner": HOSTILE["right-to-left"]},
    }  # fmt: skip
    columns = {column: _renamed(column, names) for column in scores if "/" in column}
    return found.model_copy(update=changed), scores.rename(columns=columns)


def _renamed(column, names):
    attack, _, model = column.partition("/")
    return f"{attack}/{names[model]}"


def release_findings():
    """Return a release of 40 people, some of whom stand out."""
    rng = np.random.default_rng(5)
    n, references = 20, 1_200

    def rows(count, moved):
        p = rng.uniform(0.05, 0.95, size=count)
        before = np.column_stack([1 - p, p])
        q = np.clip(p - moved * rng.uniform(0, 1, size=count) + 0.01 * rng.normal(size=count), 0.01, 0.99)
        answers = np.stack([before, np.column_stack([1 - q, q])], axis=1).astype(np.float32)
        return Rows(answers, rng.integers(0, 2, count), np.arange(count))

    pair = Pair(rows(n, 0.5), rows(references, 0.0), ("no", "yes"), np.arange(n).astype(str).astype(object), 1.0)
    settings = ReleaseSettings()
    return findings_of([examine(pair, settings)], settings, {"before": "before.csv", "after": "after.csv"})


def naming():
    """Return a register that was ranked."""
    share = Estimate(0.31, 0.2, 0.42)
    return Naming(
        register=4_800, queries=60, deletions=200, first=share, first_ten=Estimate(0.5, 0.4, 0.6),
        first_percent=Estimate(0.6, 0.5, 0.7), median_rank=9, set_size=140, set_coverage=Estimate(0.94, 0.9, 0.97),
        unchanged=3, notes=("52 exact duplicates were dropped.",), regime="fixed",
    )  # fmt: skip


def methods_findings():
    """Return a comparison of seven methods and the references."""
    names = ("retrain", "none", "scrub:gamma=1,epochs=5", "scrub:gamma=1,epochs=9", "sisa:shards=5", "fine-tune",
             "noisy-fine-tune", "random-labels", "mine.py:refit")  # fmt: skip
    rows = tuple(
        Method(
            method=name, status="reference" if i < 2 else "compared", exactness="exact" if i == 0 else "approximate",
            reading="same" if i < 2 else "more", direction="remembered",
            sentences=(f"{name} gives the deletion away more than exact retraining.", "And more is known of it."),
            arms=comparison(method=name, update=best((0.05, 0.2), one=0.6 + 0.03 * i), residual=best((0.0, 0.1)),
                            attacks=tuple(attack_on_arms(f"attack-{k}") for k in range(12))),
            cost=Cost(seconds=0.5 + i, seconds_ci=(0.4 + i, 0.6 + i), relative=0.1 * (i + 1), relative_ci=(0.05, 2.0),
                      peak_memory=2e7, reused=False),
            difficulty=tuple(
                DifficultyGroup(by="margin-retrained", tenth=t, n_positive=30, auc=0.5 + 0.03 * t,
                                auc_ci=(0.45 + 0.03 * t, 0.55 + 0.03 * t))
                for t in range(1, 11)
            ),
            fronts=("seconds",) if i % 2 else (),
        )
        for i, name in enumerate(names)
    )  # fmt: skip
    return MethodsFindings(
        config={"target": {"data": {"file": "/home/ada/census.csv"}, "model": "torch-mlp"}}, dataset="adult",
        model="torch-mlp", game="deleted-vs-unseen", details={"records": 48_790},
        summary="Of 7 methods, 7 give the deletion away more than exact retraining: scrub, sisa and 5 more.",
        methods=rows, notes=(), limits=("Another model may give different "
            "figures.",), execution={"unlearn-audit": "0.1.0"},
    )  # fmt: skip


def reproduction():
    """Return what the page of an experiment is made of."""
    decisions = [SimpleNamespace(claim=f"claim {i} of the paper", where="adult", outcome="holds") for i in range(3)]
    experiment = SimpleNamespace(
        title="Main results", claim="the update leaks", values="3 datasets, 4 models", reading="Read it so."
    )
    chart = [ChartLine(f"dataset-{i}, logistic-regression", 0.8, (0.7, 0.9), 0.55, (0.5, 0.6)) for i in range(12)]
    short = pd.DataFrame(
        {
            "dataset": [f"dataset-{i}" for i in range(12)], "model": "logistic-regression", "game": "deleted-vs-unseen",
            "defence": "none", "attack": "sorted-diff/random-forest", "AUC": "0.862 [0.840, 0.882]",
            "classical AUC": "0.544 [0.520, 0.571]", "AUC minus classical": "0.318 [0.298, 0.338]",
            "DegCount": "0.6", "DegRate": "0.1", "bits": "0.159", "overfitting": "0.010", "trainings": 240,
        }
    )  # fmt: skip
    claims = pd.DataFrame(
        {
            "claim": [d.claim for d in decisions],
            "where": "adult",
            "outcome": "holds",
            "measured": "0.862 [0.840, 0.882]",
        }
    )
    done = SimpleNamespace(experiment=experiment, scale=SimpleNamespace(name="paper"), cells=[], decisions=decisions)
    return done, chart, short, claims


def plan_findings():
    """Return a plan of releases with twelve policies."""
    policies = tuple(
        PolicyFinding(batch=10 * b, decimals=d, regime="fixed", guarantee=2 / b, mean_leak=1 / b,
                      any_identified=0.9 / b, met=b > 2, accuracy=0.85, brier=0.21, cost=0.1 * b)
        for b in (1, 2, 4, 8) for d in (None, 3, 2)
    )  # fmt: skip
    return PlanFindings(
        config={"model": "logistic-regression"}, target="at most 1 of the deleted is identified", share=0.95,
        confidence=0.95, waiting=0.1, releases=50, references=400, accuracy_before=0.86, brier_before=0.2,
        policies=policies, chosen=policies[7], checks=50, kept=0.96, kept_ci=(0.9, 0.99),
        summary="Delete 40 people per release and round to 3 decimals. That keeps to the target.",
        limits=("Other people may be identified more easily.",), notes=(),
    )  # fmt: skip


class HostileAgent:
    """Forgets nothing, and answers with hostile texts."""

    asking_changes_nothing = True

    def reset(self):
        self.texts = []

    def ingest(self, document, train=False):
        self.texts.append(document.text)

    def ask(self, prompt, session=None):
        said = [text for text in self.texts if set(text.split()[:2]) & set(prompt.replace("?", "").split())]
        return f"{said[0] if said else 'nothing'} {HOSTILE['script']} {HOSTILE['quotes']} {HOSTILE['long'][:500]}"

    def delete(self, person):
        return HOSTILE["markup"]

    def cycle(self):
        pass

    def memory_dump(self):
        return self.texts


def agent_pages():
    """Return the page about an agent that forgets nothing, to publish and for the auditor."""
    with TemporaryDirectory() as folder:
        audit_agent(HostileAgent(), folder, canaries=12, cycles=1, samples=1)
        return [(Path(folder) / name).read_text(encoding="utf-8") for name in ("report.html", "private-report.html")]


def all_pages():
    """Return every page by name."""
    scores = make_scores()
    publishable, auditor = render_forms(full_findings(scores), scores)
    (hostile,) = render_forms(*hostile_findings(scores), (False,))
    agent, agent_auditor = agent_pages()
    return {
        "run": publishable,
        "run-auditor": auditor,
        "run-hostile": hostile,
        "release": render_release(release_findings()),
        "plan-release": render_plan(plan_findings()),
        "name": render_naming(naming(), {"data": {"file": "/home/ada/census.csv"}}),
        "compare-methods": render_methods(methods_findings()),
        "reproduce": render_reproduction(*reproduction()),
        "agent": agent,
        "agent-auditor": agent_auditor,
    }


__all__ = ["HOSTILE", "all_pages", "arm", "full_findings", "hostile_findings"]
