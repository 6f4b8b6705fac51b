"""What the attacker's own Hessian holds and what it lacks, on tables with about as many columns as records."""

from functools import partial

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier

from unlearn_audit.attacks.influence import LastLayerInfluence, LogisticInfluence, influence_for
from unlearn_audit.attacks.influence.downdate import held, pull
from unlearn_audit.attacks.influence.last_layer import DAMPING
from unlearn_audit.models import resolve_model
from unlearn_audit.utils.probabilities import margin
from unlearn_audit.worlds.from_arrays import prepare_arrays

REGRESSION = partial(LogisticRegression, solver="newton-cholesky", tol=1e-10)
WIDE = [(60, 50), (50, 60), (120, 100)]


def wide(n, columns, classes):
    """Own records, outsiders and references, all of very different lengths, so that leverages differ too."""
    rng = np.random.default_rng([n, classes])
    lengths = 10 ** rng.uniform(-1.6, 0.3, size=2 * n + 20)
    X = rng.normal(size=(len(lengths), columns)) * lengths[:, None]
    y = (X @ rng.normal(size=(columns, classes)) / 4 + rng.gumbel(size=(len(X), classes))).argmax(axis=1)
    return prepare_arrays(X, y, None, "wide", 0).data, np.arange(n), np.arange(n, 2 * n), np.arange(2 * n, len(X))


def with_one(X):
    return np.column_stack([X, np.ones(len(X))])


def by_output(s, labels):
    """(references, classes) the derivative of log s_y - log of the sum of the others, by each logit, of shares s."""
    one = np.eye(s.shape[1])[labels]
    rest = np.where(one > 0, 0, s)
    return one, rest / rest.sum(axis=1, keepdims=True)


def spans(inside, outside):
    """From records that hardly count, as far as the intercept lets them, to those that decide parameters alone."""
    assert inside.min() < 4 / len(inside)
    assert 0.8 < inside.max() < 1
    assert outside.min() < 0.1
    assert outside.max() > 3
    # these the formula of training records would turn round
    assert (outside > 1).mean() > 0.05


def shares(logits):
    """Probabilities by softmax, or of one logit by itself."""
    return softmax(logits, axis=1) if logits.shape[1] > 1 else expit(logits)


def polished(Z, target, weights, W):
    """Return the optimum near W of a regression of (n, k) targets, by Newton's method; intercepts are free."""
    (d, k), free = W.shape, np.append(np.ones(W.shape[0] - 1), 0)[:, None]
    for _ in range(6):
        P = shares(Z @ W)
        gradient = Z.T @ (weights[:, None] * (P - target)) + free * W
        blocks = np.einsum("nk,kl->nkl", P, np.eye(k)) - (P[:, :, None] * P[:, None]) if k > 1 else P * (1 - P)
        hessian = np.einsum("n,nkl,ni,nj->ikjl", weights, blocks.reshape(-1, k, k), Z, Z, optimize=True)
        hessian = hessian.reshape(d * k, d * k) + np.diag(np.repeat(free[:, 0], k))
        # the same added to all logits of a softmax changes nothing
        flat = np.kron(np.eye(d), np.ones((k, k))) if k > 1 else 0
        W = W - np.linalg.solve(hessian + flat, gradient.ravel()).reshape(d, k)
    assert np.abs(gradient).max() < 1e-9
    return W


def derivative(data, own, candidate, references, outputs, each=None):
    """(references,) the derivative of each margin in the record's weight at 0, by finite differences."""
    rows = np.append(own, candidate)
    Z, asked, step = with_one(data.X[rows]), with_one(data.X[references]), 1e-5
    ends = []
    for weight in (step, -step):
        weights = np.append(np.ones(len(own)), weight) * (1 if each is None else each[rows])
        s = np.column_stack([shares(asked @ polished(Z, t[rows], weights, W)) for t, W in outputs])
        s = np.column_stack([1 - s, s]) if s.shape[1] == 1 else s / s.sum(axis=1, keepdims=True)
        ends.append(margin(s, data.y[references]))
    return (ends[0] - ends[1]) / (2 * step)


KINDS = [(2, False), (4, True), (3, False)]
NAMES = ["binary", "one against the rest", "softmax"]


def source_of(classes, rest):
    return resolve_model(OneVsRestClassifier(REGRESSION()) if rest else REGRESSION())


@pytest.mark.parametrize(("n", "columns"), WIDE)
@pytest.mark.parametrize(("classes", "rest"), KINDS, ids=NAMES)
def test_of_a_record_that_the_own_training_set_lacks_the_field_is_the_derivative_in_its_weight(
    n, columns, classes, rest
):
    data, own, outsiders, references = wide(n, columns, classes)
    influence = influence_for(source_of(classes, rest), data, own, n)
    one = np.eye(classes)[data.y]
    if classes == 3:
        assert type(influence) is LastLayerInfluence
        outputs = [(one, np.column_stack([influence.model.coef_, influence.model.intercept_]).T)]
    else:
        W = np.vstack([influence.model.coefficients, influence.model.intercepts])
        outputs = [(one[:, [1 if classes == 2 else k]], W[:, [k]]) for k in range(W.shape[1])]
    candidates = outsiders[np.argsort(np.linalg.norm(data.X[outsiders], axis=1))][:: n // 10]
    found = influence.change(candidates, references)
    expected = np.column_stack([derivative(data, own, c, references, outputs) for c in candidates])
    error = np.linalg.norm(found - expected, axis=0) / np.linalg.norm(expected, axis=0)
    assert error.max() < 1e-3


@pytest.mark.parametrize("classes", [2, 3])
def test_class_weights_weigh_the_hessian_and_the_record(classes):
    data, own, outsiders, references = wide(60, 50, classes)
    given = {0: 0.5, 1: 3.0, 2: 2.0}
    given = {label: given[label] for label in range(classes)}
    influence = influence_for(resolve_model(REGRESSION(class_weight=given)), data, own, 60)
    assert type(influence) is LastLayerInfluence
    one, each = np.eye(classes)[data.y], np.array(list(given.values()))[data.y]
    W = np.column_stack([influence.model.coef_, influence.model.intercept_]).T
    candidates = outsiders[np.argsort(np.linalg.norm(data.X[outsiders], axis=1))][::6]
    outputs = [(one[:, [1]] if classes == 2 else one, W)]
    expected = np.column_stack([derivative(data, own, c, references, outputs, each) for c in candidates])
    found = influence.change(candidates, references)
    error = np.linalg.norm(found - expected, axis=0) / np.linalg.norm(expected, axis=0)
    assert error.max() < 1e-3


@pytest.mark.parametrize("share", [1, 0.3, 1.6])
@pytest.mark.parametrize(("n", "columns"), WIDE)
@pytest.mark.parametrize(("classes", "rest"), KINDS[:2], ids=NAMES[:2])
def test_a_record_of_the_own_training_set_is_taken_out_of_each_hessian(n, columns, classes, rest, share):
    data, own, outsiders, references = wide(n, columns, classes)
    influence = LogisticInfluence.of(source_of(classes, rest), data, own, round(share * n))
    share = round(share * n) / n
    rows, asked = with_one(data.X), with_one(data.X[references])
    outputs = np.vstack([influence.model.coefficients, influence.model.intercepts]).T
    candidates = np.concatenate([own, outsiders])
    weights, expected, sizes = [], np.zeros((len(references), len(candidates))), []
    for k, parameters in enumerate(outputs):
        p = 1 / (1 + np.exp(-rows @ parameters))
        w = share * p * (1 - p)
        hessian = (rows[own].T * w[own]) @ rows[own] + np.diag(np.append(np.ones(columns), 0))
        size = w * np.einsum("ij,ij->i", rows, np.linalg.solve(hessian, rows.T).T)
        sizes.append(size)
        target = data.y == (1 if classes == 2 else k)
        of_references = asked @ parameters
        weights.append(1 / (1 + np.exp(-of_references)))
        for at, x in enumerate(candidates):
            remaining = hessian - w[x] * np.outer(rows[x], rows[x]) if x in own else hessian
            moved = asked @ np.linalg.solve(remaining, rows[x]) * (target[x] - p[x])
            expected[:, at] += slope(data.y[references], k, outputs, asked) * moved
    found = influence.change(candidates, references)
    if share == 1:
        spans(np.max(sizes, axis=0)[own], np.max(sizes, axis=0)[outsiders])
    scale = np.abs(expected).max(axis=0)
    assert (np.abs(found - expected).max(axis=0) / scale).max() < 1e-10


def slope(labels, k, outputs, asked):
    """(references,) the derivative of the margin of each by the logit of output k."""
    if len(outputs) == 1:
        return np.where(labels == 1, 1.0, -1.0)
    s = 1 / (1 + np.exp(-asked @ outputs.T))
    rest = np.where(labels[:, None] == np.arange(len(outputs)), 0, s)
    return np.where(labels == k, 1 - s[:, k], -rest[:, k] * (1 - s[:, k]) / rest.sum(axis=1))


def solved(features, p, labels, hessian, x, inside):
    """(classes, d) how far the parameters move, by a pseudo-inverse of H: softmax leaves one direction flat."""
    k, d = p.shape[1], features.shape[1]
    if inside:
        block = np.diag(p[x]) - np.outer(p[x], p[x])
        hessian = hessian - np.kron(block, np.outer(features[x], features[x]))
    gradient = np.kron(np.eye(k)[labels[x]] - p[x], features[x])
    return np.linalg.lstsq(hessian, gradient, rcond=1e-13)[0].reshape(k, d)


@pytest.mark.parametrize("model", ["softmax", "network"])
def test_a_record_of_the_own_training_set_is_taken_out_of_the_block_of_all_classes(model):
    n, columns, classes = 60, 50, 3
    data, own, outsiders, references = wide(n, columns, classes)
    network = MLPClassifier((40,), activation="tanh", alpha=0.1, max_iter=300, tol=1e-3, random_state=0)
    source = resolve_model(REGRESSION() if model == "softmax" else network)
    fitted = source.make(0).fit(data.X[own], data.y[own])
    influence = LastLayerInfluence(data, source, fitted, own)
    inner = data.X if model == "softmax" else np.tanh(data.X @ fitted.coefs_[0] + fitted.intercepts_[0])
    a, p = with_one(inner), fitted.predict_proba(data.X)
    hessian = sum(np.kron(np.diag(p[x]) - np.outer(p[x], p[x]), np.outer(a[x], a[x])) for x in own)
    k, d = p.shape[1], a.shape[1]
    penalty = np.append(np.ones(d - 1), 0) if model == "softmax" else np.full(d, DAMPING * np.trace(hessian) / (k * d))
    hessian = hessian + np.diag(np.tile(penalty, k))
    candidates = np.concatenate([own, outsiders])
    moved = np.stack([solved(a, p, data.y, hessian, x, x in own) for x in candidates])
    one, rest = by_output(p[references], data.y[references])
    expected = np.einsum("rk,rd,ckd->rc", one - rest, a[references], moved)
    found = influence.change(candidates, references)
    sizes = []
    inverse = np.linalg.pinv(hessian, rcond=1e-13)
    for x in candidates:
        E, block = np.kron(np.eye(k), a[x]).T.reshape(k * d, k), np.diag(p[x]) - np.outer(p[x], p[x])
        sizes.append(np.linalg.eigvals(block @ (E.T @ inverse @ E)).real.max())
    sizes = np.array(sizes)
    if model == "softmax":
        spans(sizes[:n], sizes[n:])
    assert sizes[:n].max() > 0.5
    assert (np.abs(found - expected).max(axis=0) / np.abs(expected).max(axis=0)).max() < 1e-9


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("size", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_the_pull_is_that_of_the_downdated_hessian_whatever_the_leverage(k, size):
    rng = np.random.default_rng(k)
    d = 6
    x, residual, root = rng.normal(size=d), rng.normal(size=(1, k)), rng.normal(size=(1, k, k))
    E = np.kron(np.eye(k), x[:, None])
    others = rng.normal(size=(k * d, 4 * k * d))
    remaining, part = others @ others.T, E @ root[0] @ root[0].T @ E.T
    # scaled so that the largest eigenvalue of the record's part, as H sees it, is the one asked for
    largest = np.linalg.eigvals(np.linalg.solve(remaining, part)).real.max()
    factor = size / (1 - size) / largest
    hessian, root = remaining + factor * part, np.sqrt(factor) * root
    leverage = (E.T @ np.linalg.solve(hessian, E))[None]
    assert np.isclose(np.linalg.eigvals(root[0] @ root[0].T @ leverage[0]).real.max(), size)
    found = np.linalg.solve(hessian, E @ pull(residual, np.array([True]), root, leverage)[0])
    np.testing.assert_allclose(found, np.linalg.solve(remaining, E @ residual[0]), rtol=1e-10, atol=1e-13)
    none = np.zeros((0, k, k))
    assert np.array_equal(pull(residual, np.array([False]), none, none), residual)


@pytest.mark.parametrize("over", [1.0, 1 + 1e-15, 1 + 1e-9])
def test_where_rounding_puts_the_leverage_at_one_or_above_the_sign_stays(over):
    residual, root = np.array([[0.3], [-0.3]]), np.full((2, 1, 1), np.sqrt(over))
    found = pull(residual, held(np.array([4, 5]), np.array([5, 4, 9])), root, np.ones((2, 1, 1)))
    assert np.isfinite(found).all()
    assert (np.sign(found) == np.sign(residual)).all()
    assert (np.abs(found) > 1e9).all()
