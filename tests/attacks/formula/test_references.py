"""What reference records reveal, against plain loops, and which attacks run on what."""

import dataclasses

import numpy as np
import pytest

from unlearn_audit.attacks import CATALOGUE, GAMES, Available, attacks_of
from unlearn_audit.attacks.formula import references
from unlearn_audit.attacks.formula.l_diff import l_diff
from unlearn_audit.attacks.formula.pair_scale import pair_covariates, pair_scale, pair_scale_local
from unlearn_audit.attacks.formula.references import BANDWIDTH, References, changes
from unlearn_audit.attacks.formula.score_change import OFFSET, score_difference, score_ratio
from unlearn_audit.config import build_config
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import MidRanks
from unlearn_audit.observations.views import View, attacker_view
from unlearn_audit.utils.probabilities import margin

GAME = GAMES["deleted-vs-unseen"]


@pytest.fixture
def ragged():
    """Three pairs that were asked 4, 7 and 5 references, out of order, and eleven records."""
    rng = np.random.default_rng(0)

    def view(pairs, beside=None):
        logits = rng.normal(size=(len(pairs), 2, 3))
        posteriors = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
        return View(posteriors.astype(np.float32), rng.integers(0, 3, len(pairs)), pairs, {}, beside)

    references = view(rng.permutation(np.repeat([5, 2, 9], [4, 7, 5])))
    return view(rng.choice([2, 5, 9], 11), references)


def loop(view):
    """Yield of each record Δφ and φ_o, and of its references Δφ, φ_o and φ_u."""
    phi, known = margin(view.posteriors, view.labels), margin(view.references.posteriors, view.references.labels)
    for row, pair in zip(phi, view.pair, strict=True):
        of_pair = known[view.references.pair == pair]
        yield row[0] - row[1], row[0], of_pair[:, 0] - of_pair[:, 1], of_pair[:, 0], of_pair[:, 1]


def test_pair_scales_are_those_of_a_plain_loop(ragged):
    z, local, ranks = [], [], []
    for change, original, changed, at, _ in loop(ragged):
        location = np.median(changed)
        z.append((change - location) / np.mean(np.abs(changed - location)))
        weights = np.exp(-(((at - original) / BANDWIDTH) ** 2) / 2)
        local.append(change / (weights @ np.abs(changed) / weights.sum()))
        ranks.append(np.mean(changed < change))
    assert pair_scale(ragged) == pytest.approx(z)
    assert pair_scale_local(ragged) == pytest.approx(local)
    covariates = pair_covariates(ragged)
    assert covariates[:, 7] == pytest.approx(ranks)
    assert np.sinh(covariates[:, 2]) == pytest.approx(z)
    assert covariates[:, 6] == pytest.approx(1.0)


def test_l_diff_is_its_formula(ragged):
    from scipy.stats import laplace, norm

    expected = []
    for change, original, changed, _, after in loop(ragged):
        place = norm(after.mean(), after.std())
        moved = laplace(np.median(changed), np.mean(np.abs(changed - np.median(changed))))
        unlearned = original - change
        expected.append(((place.cdf(original) - place.cdf(unlearned) + 1) / 2 + moved.cdf(change)) / 2)
    assert l_diff(ragged) == pytest.approx(expected)


def test_score_changes_are_those_of_cross_entropies(ragged):
    p = np.take_along_axis(ragged.posteriors.astype(float), ragged.labels[:, None, None], axis=2)[..., 0]
    before, after = -np.log(p).T
    assert score_difference(ragged) == pytest.approx(after - before, abs=1e-6)
    assert score_ratio(ragged) == pytest.approx((OFFSET + after) / (OFFSET + before), rel=1e-5)


def test_a_scale_of_zero_is_a_floor(ragged):
    still = dataclasses.replace(ragged.references, posteriors=ragged.references.posteriors[:, [0, 0]])
    view = dataclasses.replace(ragged, references=still)
    assert np.isfinite(pair_scale(view)).all()
    assert np.isfinite(pair_scale_local(view)).all()
    assert np.isfinite(l_diff(view)).all()
    assert (pair_covariates(view)[:, 6] == 0).all()
    assert np.array_equal(np.argsort(pair_scale(view)), np.argsort(changes(view)[0]))


def test_a_record_far_from_all_references_is_measured_by_the_nearest(ragged):
    references = References.of(ragged)
    assert np.isfinite(references.local_scale(np.full(len(ragged), 1e4), references.rows_of(ragged))).all()


def test_a_pair_without_references_is_named(ragged):
    view = dataclasses.replace(ragged, pair=np.where(ragged.pair == 9, 7, ragged.pair))
    with pytest.raises(AuditError, match="1 pairs of models were not queried on any reference record"):
        pair_scale(view)


DEFAULT = [name for name, entry in CATALOGUE.items() if entry.by_default]


def config(**changes):
    return build_config({"features": ["sorted-diff"], "attack_models": ["logistic-regression"], **changes})


def names(attacks):
    return [attack.name for attack in attacks.runs if attack.attack_model is None]


def test_by_default_all_run_that_can_and_the_others_are_noted():
    every = attacks_of(
        config(), GAME, Available(labels=True, references=10, influence=True, records=True, probes=True, versions=3)
    )
    plays = [name for name, entry in CATALOGUE.items() if entry.for_game(GAME.name) is not None]
    assert names(every) == [name for name in plays if name != "change-field-shuffled"]
    assert every.notes == ()
    files = attacks_of(config(), GAME, Available(labels=True, references=10, records=True, probes=True, versions=3))
    assert names(files) == [name for name in plays if "influence" not in CATALOGUE[name].needs]
    (note,) = files.notes
    assert "a model for which the effect of deletions can be computed" in note
    assert note.endswith("change-field, change-field-fitted")
    (note,) = attacks_of(
        config(), GAME, Available(labels=True, references=10, influence=True, probes=True, versions=3)
    ).notes
    assert "worlds that audit the same records in every role, at least twice (worlds.layout: per-record" in note
    (note,) = attacks_of(
        config(), GAME, Available(labels=True, references=10, influence=True, records=True, versions=3)
    ).notes
    assert "worlds.probes" in note
    (note,) = attacks_of(
        config(), GAME, Available(labels=True, references=10, influence=True, records=True, probes=True)
    ).notes
    assert note.startswith("attacks left out, since they need three versions or more")
    assert note.endswith("delta, delta-scaled")
    few = attacks_of(config(), GAME, Available(labels=True, references=9, records=True, probes=True, versions=3))
    assert names(few) == [name for name in plays if "references" not in CATALOGUE[name].needs]
    (note,) = few.notes
    assert "at least 10 reference records in every pair of models; the smallest number here is 9" in note
    assert note.endswith(", ".join(name for name in DEFAULT if "references" in CATALOGUE[name].needs))
    bare = attacks_of(config(), GAME, Available(labels=False, references=100))
    assert names(bare) == []
    assert "the label of every record" in bare.notes[0]


def test_an_attack_that_is_named_has_to_run():
    assert names(attacks_of(config(attacks=["pair-scale"]), GAME, Available(labels=True, references=10))) == [
        "pair-scale"
    ]
    assert names(attacks_of(config(attacks=[]), GAME, Available(labels=True, references=10))) == []
    with pytest.raises(AuditError, match="the attack pair-scale needs at least 10 reference records"):
        attacks_of(config(attacks=["pair-scale"]), GAME, Available(labels=True, references=3))


def test_what_tables_hold_is_counted_over_all_of_them(table):
    shadow, target = table(seed=1), table(seed=2)
    assert Available.in_tables([shadow, target], GAME) == Available(labels=True, references=2)
    rows = target.rows.copy()
    rows.loc[rows["role"] == "unseen", "label"] = -1
    assert not Available.in_tables([shadow, dataclasses.replace(target, rows=rows)], GAME).labels
    rows = shadow.rows.copy()
    rows.loc[rows["role"] == "retained", "label"] = -1
    assert Available.in_tables([dataclasses.replace(shadow, rows=rows), target], GAME).labels
    bare = target.select(target.roles != "reference")
    assert Available.in_tables([shadow, bare], GAME).references == 0


def test_the_sign_follows_the_game(table):
    target = table(seed=2)
    view = attacker_view(target, "unlearned", np.ones(len(target), dtype=bool))
    for_unseen, for_retained = (
        CATALOGUE["margin-unlearned"].for_game(f"deleted-vs-{r}") for r in ("unseen", "retained")
    )
    assert np.array_equal(for_unseen.score(view), -for_retained.score(view))
    assert CATALOGUE["pair-scale"].for_game("retained-vs-unseen") is None


def test_ranks_weigh_both_roles_equally_and_keep_the_order():
    scores = np.array([3.0, 1.0, 1.0, -np.inf, 0.0, 2.0])
    positive = np.array([True, True, False, False, False, False])
    ranks = MidRanks.of(scores, positive)
    expected = [
        np.mean([np.mean((scores[of] < s) + 0.5 * (scores[of] == s)) for of in (positive, ~positive)]) for s in scores
    ]
    assert ranks.transform(scores) == pytest.approx(expected)


def many(n, pairs=2):
    rng = np.random.default_rng(0)
    change, original, unlearned = (of * rng.normal(size=(pairs, n)) for of in (1, 3, 1))
    change[0, -5:] = original[0, -5:] = np.nan
    return References(np.arange(pairs), change, original, unlearned, np.ones((pairs, n)))


def test_many_references_are_ranked_and_put_into_cells(monkeypatch):
    of, rng = many(2500), np.random.default_rng(1)
    rows, change, original = rng.integers(0, 2, 200), rng.normal(size=200), 3.5 * rng.normal(size=200)
    change[:50] = of.change[rows[:50], :50].diagonal()  # ties
    fast = of.rank(change, rows), of.local_scale(original, rows)
    monkeypatch.setattr(references, "_MANY", 10**9)
    monkeypatch.setattr(references, "_TOO_MANY", 10**9)
    assert np.array_equal(fast[0], of.rank(change, rows))
    assert fast[1] == pytest.approx(of.local_scale(original, rows), rel=1e-3)
    # a row's scale is its own, whoever else is asked
    monkeypatch.undo()
    assert of.local_scale(original[:3], rows[:3]) == pytest.approx(fast[1][:3], rel=1e-12)
