"""Attacks that learn about each record separately, against formulas and on real deletions."""

import itertools

import numpy as np
import pytest
from scipy import stats

from unlearn_audit import AuditConfig, Execution, run
from unlearn_audit.attacks import GAMES
from unlearn_audit.attacks.per_record.base import ByRecord
from unlearn_audit.attacks.per_record.bavaria import Bavaria
from unlearn_audit.attacks.per_record.iam import Iam, IamOffline, IamTapered, confidence, membership
from unlearn_audit.attacks.per_record.lira import Lira, LiraOffline
from unlearn_audit.attacks.per_record.paired_likelihood import PairedLikelihood
from unlearn_audit.attacks.per_record.rmia import A, Rmia
from unlearn_audit.attacks.per_record.ruli import Ruli
from unlearn_audit.attacks.run import run_attacks
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics import Clusters, auc, auc_interval
from unlearn_audit.observations import Observations
from unlearn_audit.observations.views import LabelledView, View


def posteriors(phi):
    """(n, versions, 2) posteriors whose margins, the label being the first class, are (n, versions)."""
    p = 1 / (1 + np.exp(-np.asarray(phi, dtype=np.float64)))
    return np.stack([p, 1 - p], axis=2).astype(np.float32)


def view(phi, records, references=None):
    n = len(records)
    return View(posteriors(phi), np.zeros(n, int), np.arange(n), {}, references, None, np.asarray(records))


def test_densities_by_record_are_normal_ones_with_shrunk_covariance():
    rng = np.random.default_rng(0)
    records = np.repeat([3, 8], 50)
    values = rng.normal(size=(100, 2)) * [1, 2] + np.where(records == 3, 0, 5)[:, None]
    found = ByRecord.of(records, values)
    own = values[records == 8]
    covariance = (50 * np.cov(own.T, bias=True) + 6 * found.pooled) / 56
    expected = stats.multivariate_normal(own.mean(axis=0), covariance).logpdf([4.0, 6.0])
    assert found.log_normal(np.array([8]), np.array([[4.0, 6.0]]))[0] == pytest.approx(expected, abs=1e-6)
    unknown = stats.multivariate_normal(values.mean(axis=0), found.spread).logpdf([4.0, 6.0])
    assert found.log_normal(np.array([5]), np.array([[4.0, 6.0]]))[0] == pytest.approx(unknown, abs=1e-6)
    huge = ByRecord.of(records + 2**60, values)
    assert np.array_equal(huge.records, np.array([3, 8]) + 2**60)


def test_student_densities_are_densities_and_near_normal_with_many_worlds():
    rng = np.random.default_rng(1)
    records = np.repeat(np.arange(5), 400)
    values = rng.normal(size=2000) + 3 * records
    found = ByRecord.of(records, values)
    grid = np.linspace(-40, 60, 20001)
    for of in (2, 99):
        density = np.exp(found.log_student(np.full(len(grid), of), grid))
        assert np.trapezoid(density, grid) == pytest.approx(1, abs=2e-3)
    own = values[records == 2]
    normal = stats.norm(own.mean(), own.std()).logpdf(6.5)
    assert found.log_student(np.array([2]), np.array([6.5]))[0] == pytest.approx(normal, abs=0.02)


def shadow_of(rng, records=30, worlds=40, lift=1.0, fall=0.3, noise=0.3):
    """Records whose margins differ; one trained on is surer, and after its deletion a little less than before."""
    own = rng.normal(0, 2, records)
    of = np.repeat(np.arange(records), worlds)
    positive = np.tile(np.arange(worlds) % 2 == 0, records)
    before = own[of] + lift * positive + noise * rng.normal(size=len(of))
    after = before - fall * positive + 0.2 * rng.normal(size=len(of))
    return np.column_stack([before, after]), of, positive


@pytest.mark.parametrize(("attack", "at_least"), [(Lira, 0.93), (LiraOffline, 0.93), (PairedLikelihood, 0.95)])
def test_what_differs_record_by_record_is_found(attack, at_least):
    rng = np.random.default_rng(2)
    phi, records, positive = shadow_of(rng)
    seen = phi if attack.view == "pair" else phi[:, :1]
    fitted = attack().fit(LabelledView(view(seen, records), positive), 0)
    other, its_records, truth = shadow_of(np.random.default_rng(2))
    order = np.random.default_rng(3).permutation(len(other))
    scores = fitted.score(view((other if attack.view == "pair" else other[:, :1])[order], its_records[order]))
    assert auc(scores, truth[order]) > at_least
    # a threshold for all records alike sees little of it
    assert auc(phi[:, 0], positive) < 0.7


def test_rmia_by_hand():
    beside = view([[0.0], [2.0]], [100, 101])
    beside = View(beside.posteriors, beside.labels, np.array([0, 0]), {}, None, None, beside.records)
    shadow = view([[1.0], [-1.0]], [7, 7], beside)
    fitted = Rmia().fit(LabelledView(shadow, np.array([True, False])), 0)
    p = posteriors([[1.5], [-1.0], [0.0], [2.0]])[:, 0, 0].astype(float)
    usual = 0.5 * ((1 + A) * p[1] + 1 - A)
    others = [p[2] / (0.5 * ((1 + A) * p[2] + 1 - A)), p[3] / (0.5 * ((1 + A) * p[3] + 1 - A))]
    target = View(posteriors([[1.5]]), np.zeros(1, int), np.zeros(1, int), {}, beside, None, np.array([7]))
    assert fitted.score(target)[0] == np.mean([p[0] / usual > of for of in others])


def test_ruli_by_hand():
    shadow = view([[0.0], [1.0], [3.0]], [7, 7, 7])
    fitted = Ruli().fit(LabelledView(shadow, np.array([True, True, False])), 0)
    kernel = stats.norm.pdf
    expected = np.log((kernel(0.5) + kernel(0.5)) / 2) - np.log(kernel(2.5))
    assert fitted.score(view([[0.5], [0.5]], [7, 9])) == pytest.approx([expected, 0.0], abs=1e-5)


def test_models_of_few_outputs_are_told_by_how_often_they_move():
    rng = np.random.default_rng(4)
    records, positive = np.repeat(np.arange(20), 40), np.tile(np.arange(40) % 2 == 0, 20)
    moved = rng.random(800) < np.where(positive, 0.9, 0.2)
    phi = np.column_stack([np.zeros(800), np.where(moved, -0.1, 0.0)])
    fitted = PairedLikelihood().fit(LabelledView(view(phi, records), positive), 0)
    scores = fitted.score(view(phi, records))
    assert auc(scores, positive) > 0.8
    assert scores[moved].min() > scores[~moved].max()


def test_without_such_worlds_it_is_said():
    bare = View(posteriors([[0.0, 0.0]]), np.zeros(1, int), np.zeros(1, int), {})
    with pytest.raises(AuditError, match="the same records in every role"):
        PairedLikelihood().fit(LabelledView(bare, np.array([True])), 0)


def test_an_audit_of_per_record_worlds(tmp_path):
    sizes = {"layout": "per-record", "shadow": 12, "target": 6, "deletions": 10, "unseen": 4, "references": 20}
    settings = {
        "target": {"data": "breast-cancer", "model": "logistic-regression"},
        "worlds": {**sizes, "train_size": 150},
        "features": ["sorted-diff"],
        "attack_models": ["logistic-regression"],
    }
    found = run(AuditConfig.model_validate(settings), Execution(store=tmp_path)).findings
    by_name = {r.attack: r for r in found.results if r.rows == "all"}
    assert {"lira", "lira-offline", "u-lira", "bavaria", "rmia", "ruli", "paired-likelihood"} <= set(by_name)
    assert by_name["paired-likelihood-scaled"].auc > 0.8
    assert by_name["lira"].auc_minus_classical is None
    paper = {**settings, "worlds": {**settings["worlds"], "layout": "paper"}}
    left = run(AuditConfig.model_validate(paper), Execution(store=tmp_path)).findings
    assert not {"lira", "ruli"} & {r.attack for r in left.results}
    assert any("worlds that audit the same records in every role" in note for note in left.routine)


def test_cross_validation_of_per_record_worlds_is_at_chance_where_nothing_is():
    """The roles of three worlds are drawn together: folds that part them would tell the role of the held-out."""
    rng = np.random.default_rng(0)
    found = []
    for seed in range(12):
        shadow, target = (noise(rng, worlds=9) for _ in range(2))
        ((of,),) = run_attacks([Bavaria()], GAMES["deleted-vs-unseen"], shadow, [target], seed, 1, lambda: None).scores
        found.append(of.shadow_auc)
    assert abs(np.mean(found) - 0.5) < 0.03


def noise(rng, worlds, records=30):
    """Per-record worlds in which no model knows anything: each record deleted, kept and unseen once in three worlds."""
    rows = {name: [] for name in ("world", "request", "record", "role")}
    for world in range(worlds):
        if world % 3 == 0:
            groups = rng.permutation(records).reshape(3, -1)
        for role, group in zip(("deleted", "retained", "unseen"), np.roll(groups, world, axis=0), strict=True):
            rows["world"] += [world] * len(group)
            rows["request"] += list(range(len(group)))
            rows["record"] += group.tolist()
            rows["role"] += [role] * len(group)
    own = np.linspace(-2, 2, records)[rows["record"]]
    phi = own[:, None] + rng.normal(size=(len(own), 2))
    return Observations.create({**rows, "label": np.zeros(len(own), int)}, posteriors(phi), ("a", "b"))


def test_intervals_count_records_as_well_as_worlds():
    """Effects of records that come in every world: two-way intervals cover, those by world alone do not."""
    rng = np.random.default_rng(5)
    worlds, records = (of.ravel() for of in np.meshgrid(np.arange(12), np.arange(30), indexing="ij"))
    covered = {"both": 0, "worlds": 0}
    true = stats.norm.cdf(0.8 / np.sqrt(2 + 1.0 + 0.09))
    n = 1000
    for _ in range(n):
        truth = np.concatenate([rng.permutation(30) < 15 for _ in range(12)])
        effect = rng.normal(0, 1.0, 30)[records] * truth + rng.normal(0, 0.3, 12)[worlds] * truth
        scores = rng.normal(size=len(worlds)) + 0.8 * truth + effect
        for name, given in (("both", records), ("worlds", None)):
            found = auc_interval(scores, truth, Clusters(worlds, given))
            covered[name] += found.low <= true <= found.high
    assert covered["both"] >= 0.93 * n
    assert covered["worlds"] < 0.9 * n


def test_iam_judges_by_a_gumbel_distribution_at_each_place_of_the_line():
    never, fit, spread = np.array([0.2, 0.5]), np.array([0.9, 0.5]), np.linspace(0.1, 0.02, 9)
    unlearned = np.array([0.3, 0.55])
    expected = []
    for g, start, end in zip(unlearned, never, fit, strict=True):
        total = weights = 0.0
        for i in range(9):
            alpha, weight = i / 9, (i + 1) / 9
            beta = np.sqrt(6) * spread[i] / np.pi
            at = start + alpha * (end - start)
            total += weight * stats.gumbel_r(at - np.euler_gamma * beta, beta).cdf(g)
            weights += weight
        expected.append(total / weights)
    assert membership(unlearned, never, fit, spread) == pytest.approx(expected, abs=1e-9)


def as_published(unlearned, fit, never):
    """IAM from its formula, place by place: (records,) g_u and g_fit, (shadows, records) g of models without them."""
    alphas = np.linspace(0, 1, 100)
    membership_of = np.zeros(len(unlearned))
    for alpha, weight in itertools.pairwise(alphas):
        line = never + alpha * (fit - never)
        beta = np.sqrt(6) * np.std(line) / np.pi  # over shadows and records
        membership_of += weight * stats.gumbel_r(np.mean(line, axis=0) - 0.5772 * beta, beta).cdf(unlearned)
    return 1 - membership_of / np.sum(alphas[1:])


def forgetting_case(rng, records, shadows, lift):
    """Margins of one target world and of two shadow worlds a shadow, each record deleted in one of the two.

    Models differ by noise, so that with a small lift the original fits some records less than shadows that never saw
    them.
    """
    own = 2 * rng.normal(size=records)

    def world(gone):
        fits = own + lift + 0.5 * rng.normal(size=records)
        return fits, fits + np.where(gone, 0.3 * rng.normal(size=records) - lift, 0.1 * rng.normal(size=records))

    halves = [rng.permutation(records) < records // 2 for _ in range(shadows)]
    worlds = [(gone, *world(gone)) for half in halves for gone in (half, ~half)]
    never = np.array([np.where(one[0], one[2], two[2]) for one, two in zip(worlds[::2], worlds[1::2], strict=True)])
    remain = np.concatenate([after[~gone] for gone, _, after in worlds])
    gone = rng.permutation(records) < records // 2
    return worlds, never, remain, gone, *world(gone)


def both(before, after, attack):
    return np.column_stack([before, after])[:, -1 if attack.view == "unlearned" else 0 :]


CASES = [(shadows, lift) for shadows in (1, 2, 8, 32) for lift in (0.5, 2.0)]


@pytest.mark.parametrize("attack", [Iam(), IamOffline()])
@pytest.mark.parametrize(("shadows", "lift"), CASES)
def test_iam_is_the_published_score(attack, shadows, lift):
    worlds, never, remain, gone, before, after = forgetting_case(np.random.default_rng(shadows), 100, shadows, lift)
    shadow = np.concatenate([both(fits, now, attack) for _, fits, now in worlds])
    roles = np.concatenate([of for of, _, _ in worlds])
    fitted = attack.fit(LabelledView(view(shadow, np.tile(np.arange(100), 2 * shadows)), roles), 0)
    scores = fitted.score(view(both(before, after, attack), np.arange(100)))
    g = {name: confidence(1 / (1 + np.exp(-of))) for name, of in (("u", after), ("o", before), ("never", never))}
    fit = g["o"] if attack.view == "pair" else confidence(1 / (1 + np.exp(-remain))).mean()
    if lift == 0.5:
        assert (g["o"] < g["never"].mean(axis=0)).sum() >= 5
    assert stats.spearmanr(scores, as_published(g["u"], fit, g["never"])).statistic >= 0.999
    assert auc(scores, gone) > 0.55


def test_a_tapered_spread_is_another_score_and_here_a_stronger_one():
    published, tapered = [], []
    for seed in range(10):
        worlds, _, _, gone, before, after = forgetting_case(np.random.default_rng(seed), 100, 8, 0.5)
        shadow = np.concatenate([np.column_stack([fits, now]) for _, fits, now in worlds])
        seen = LabelledView(view(shadow, np.tile(np.arange(100), 16)), np.concatenate([of for of, _, _ in worlds]))
        asked = view(np.column_stack([before, after]), np.arange(100))
        for found, attack in ((published, Iam()), (tapered, IamTapered())):
            found.append(auc(attack.fit(seen, 0).score(asked), gone))
    assert np.mean(tapered) > np.mean(published) + 0.01


def test_iam_says_forgotten_of_what_looks_as_never_seen_and_kept_of_what_fits():
    p = 1 / (1 + np.exp(-np.array([-1.0, 3.0])))
    ends = confidence(p)
    far = membership(ends, ends[[0, 0]], ends[[1, 1]], 0.05 * np.linspace(1, 0, 100)[:-1])
    assert far[0] < 0.1
    assert far[1] > 0.9


@pytest.mark.parametrize("attack", [Iam(), IamOffline(), IamTapered()])
def test_iam_tells_the_forgotten_from_those_who_remain(attack):
    rng = np.random.default_rng(0)
    records = np.tile(np.arange(20), 12)
    positive = np.repeat([True, False], 120)
    own = 2 * rng.normal(size=20)
    versions = 1 if attack.view == "unlearned" else 2

    def shown(seed):
        noise = np.random.default_rng(seed)
        fits = own[records] + 2 + 0.3 * noise.normal(size=240)
        now = np.where(positive, fits - 2, fits) + 0.3 * noise.normal(size=240)
        return view(np.column_stack([fits, now])[:, -versions:], records)

    fitted = attack.fit(LabelledView(shown(1), positive), seed=0)
    assert auc(fitted.score(shown(2)), positive) > (0.9 if versions == 2 else 0.7)
    assert attack.for_game("deleted-vs-unseen") is None
