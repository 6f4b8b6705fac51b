"""What every attack must do, on made-up tables: our own in the tests, other people's as they are loaded.

See `unlearn_audit.testing`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from unlearn_audit.attacks.base import Attack, Need
from unlearn_audit.attacks.games import GAMES, Game
from unlearn_audit.config.base import NAME
from unlearn_audit.errors import AuditError
from unlearn_audit.metrics.roc import auc
from unlearn_audit.observations.table import Observations
from unlearn_audit.observations.views import LabelledView, View, ViewName, attacker_view
from unlearn_audit.utils.checks import raise_first
from unlearn_audit.utils.probabilities import margin

SEEDS = range(100, 108, 2)
"""Of the tables over which an attack must not find a leak that is not there."""

_FEW_RECORDS = 6
_TOLERANCE = 1e-9


def made_table(
    seed: int = 0,
    worlds: int = 4,
    pairs: int = 6,
    unseen: int = 3,
    classes: int = 3,
    leak: float = 2.0,
    side: str = "target",
    world_spread: float = 0.0,
) -> Observations:
    """Return a table in which deletion lowers the first logit of the deleted record by about ``leak`` / 10.

    Parameters
    ----------
    seed
        Of all that is drawn.
    worlds, pairs
        Worlds, and pairs of models in each.
    unseen
        Unseen records of a pair, besides one deleted, one retained and two references.
    classes
        Of the models.
    leak
        How much deletion moves, in fiftieths of the noise.
    side
        What the table says of itself.
    world_spread
        Standard deviation of what a world adds to every unlearned first logit.
    """
    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {name: [] for name in ("world", "request", "record", "role", "paper", "label")}
    posteriors = []
    for world in range(worlds):
        shift = rng.normal(0, world_spread)
        for request in range(pairs):
            roles = ["deleted"] + ["unseen"] * unseen + ["retained"] + ["reference"] * 2
            logits = rng.normal(size=(len(roles), classes))
            logits[:, 0] += 2
            moved = logits + rng.normal(0, 0.05, size=logits.shape)
            moved[:, 0] += shift
            moved[0, 0] -= leak / 10
            for values in (logits, moved):
                values -= values.max(axis=1, keepdims=True)
            both = np.exp(np.stack([logits, moved], axis=1))
            posteriors.append(both / both.sum(axis=2, keepdims=True))
            columns["world"] += [world] * len(roles)
            columns["request"] += [request] * len(roles)
            columns["record"] += list(rng.choice(10_000, len(roles), replace=False))
            columns["role"] += roles
            columns["paper"] += [True, True] + [False] * (unseen - 1) + [True] + [False] * 2
            columns["label"] += list(rng.integers(0, classes, len(roles)))
    return Observations.create(
        {**columns, "dataset": ["made"] * len(columns["role"]), "side": [side] * len(columns["role"])},
        np.concatenate(posteriors),
        [f"class {i}" for i in range(classes)],
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Sides:
    """Both sides of a game on made-up tables.

    Attributes
    ----------
    shadow
        What an attack is fitted on.
    target
        What it scores.
    positive
        (n,) True where a target row has the positive role.
    """

    shadow: LabelledView
    target: View
    positive: npt.NDArray[np.bool_]


def made_sides(attack: Attack, leak: float = 4.0, seed: int = 0) -> Sides:
    """Return both sides of an attack's first game; the first class, which is the label of all, loses by deletion."""
    game = _game_of(attack)
    tables = [made_table(seed=seed + of, worlds=6, pairs=10, leak=leak) for of in (1, 2)]
    tables = [dataclasses.replace(of, rows=of.rows.assign(label=0)) for of in tables]
    by_record = "records" in attack.needs
    if by_record:  # as in per-record worlds: the same few records on both sides, in every role
        tables = [dataclasses.replace(of, rows=of.rows.assign(record=_few_of(of.roles))) for of in tables]
    if "probes" in attack.needs:
        tables = [dataclasses.replace(of, signals=_near(of)) for of in tables]
    rows = [game.rows(of, side) for of, side in zip(tables, ("shadow", "target"), strict=True)]
    shadow, target = (
        attacker_view(of, attack.view, at, with_records=by_record) for of, at in zip(tables, rows, strict=True)
    )
    positive = [of.roles[at] == game.positive for of, at in zip(tables, rows, strict=True)]
    return Sides(LabelledView(shadow, positive[0]), target, positive[1])


def _game_of(attack: Attack) -> Game:
    return next(game for name, game in GAMES.items() if attack.for_game(name) is not None)


def _near(table: Observations) -> Mapping[str, npt.NDArray[Any]]:
    """Return what labels near a record show: the deeper it lies inside its class, the more copies share its label."""
    phi = margin(table.posteriors, table.rows["label"].to_numpy())
    return {"agreement": 1 / (1 + np.exp(-phi)), "boundary": phi[:, :, None] + np.array([0.0, 1.0])}


def _few_of(roles: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return few records, each as often as the others in each role."""
    records = np.empty(len(roles), dtype=np.int64)
    for role in np.unique(roles):
        rows = np.flatnonzero(roles == role)
        records[rows] = np.random.default_rng(0).permutation(len(rows)) % _FEW_RECORDS
    return records


def constant(view: View) -> View:
    """Return a view whose every answer is the same."""
    signals = {name: np.ones_like(values) for name, values in view.signals.items()}
    same = np.full_like(view.posteriors, 1 / view.posteriors.shape[2])
    return dataclasses.replace(view, posteriors=same, signals=signals)


def unmoved(view: View) -> View:
    """Return a view whose every version answers as the original, near the records too; a third as sure as trees."""
    answers = view.posteriors[:, :1].copy()
    answers[::3] = np.eye(answers.shape[2])[0]
    return dataclasses.replace(
        view,
        posteriors=np.repeat(answers, view.posteriors.shape[1], axis=1),
        signals={name: np.repeat(of[:, :1], of.shape[1], axis=1) for name, of in view.signals.items()},
        references=None if view.references is None else unmoved(view.references),
    )


def check_attack(found: Any) -> Attack:
    """Check an attack, or the class of one, against the contract; return the attack.

    Its scores must be one finite number a row, repeat with the seed, depend on no other row and not on the order of
    rows, order nothing where all answers are equal, and find no leak in tables without one. Attacks that compute
    influences need real records, and are checked for what they state alone.

    Raises
    ------
    AuditError
        If something does not hold; the sentence says what was found.

    Examples
    --------
    >>> from unlearn_audit.attacks import CATALOGUE
    >>> check_attack(CATALOGUE["pair-scale"]).name
    'pair-scale'
    """
    attack: Attack = _stated(found)
    if "influence" in attack.needs:
        return attack
    playing = attack.for_game(_game_of(attack).name)
    assert playing is not None
    raise_first(f"attack {attack.name}", _problems(playing), "a made-up table")
    return attack


def _stated(found: Any) -> Any:
    """Return the attack, once what it states of itself is right."""
    if isinstance(found, type):
        try:
            found = found()
        except TypeError as error:
            raise AuditError(
                f"attack {found.__name__} cannot be made without arguments ({error}); give its fields defaults, and "
                "a method score"
            ) from error
    absent = [member for member in ("name", "needs", "for_game", "fit", "score") if not hasattr(found, member)]
    if absent:
        raise AuditError(
            f"a {type(found).__name__} is not an attack, without {absent[0]}; derive it from "
            "unlearn_audit.attacks.Attack"
        )
    if re.fullmatch(NAME, str(found.name)) is None:
        raise AuditError(f"attack {found.name!r} needs a name of small letters, digits and hyphens")
    for what, stated, known in (
        ("needs", found.needs, get_args(Need)),
        ("games", found.games or (), tuple(GAMES)),
        ("view", (found.view,), get_args(ViewName)),
    ):
        if unknown := sorted(set(stated) - set(known)):
            raise AuditError(f"attack {found.name} states {what} {unknown[0]!r}; known are {', '.join(known)}")
    if all(found.for_game(name) is None for name in GAMES):
        raise AuditError(f"attack {found.name} takes part in no game; the games are {', '.join(GAMES)}")
    return found


def _problems(attack: Attack) -> Iterator[str]:
    """Yield what is wrong with an attack as it plays a game."""
    sides = made_sides(attack)
    n = len(sides.target)
    before = dict(getattr(attack, "__dict__", {}))
    fitted = attack.fit(sides.shadow, seed=3)
    if any(value is not before.get(name, before) for name, value in getattr(attack, "__dict__", {}).items()):
        yield "is changed by fit; return a fitted copy (dataclasses.replace)"
    scores = np.asarray(fitted.score(sides.target))
    if scores.shape != (n,):
        yield f"returned scores of shape {scores.shape} for {n} rows; return one score per row"
    if not np.isfinite(scores).all():
        yield "returned scores that are not finite numbers"
    if attack.probabilistic and not ((scores >= 0) & (scores <= 1)).all():
        yield "states that its scores are probabilities, and some lie outside 0 to 1"
    if not np.array_equal(attack.fit(sides.shadow, seed=3).score(sides.target), scores):
        yield "gives different scores when fitted again with the same seed; draw random numbers only from the seed"
    yield from _of_other_rows(fitted, sides.target, scores)
    yield from _without_information(attack, sides)


def _of_other_rows(fitted: Attack, target: View, scores: npt.NDArray[Any]) -> Iterator[str]:
    order = np.random.default_rng(0).permutation(len(target))
    if not np.allclose(fitted.score(target.take(order)), scores[order], atol=_TOLERANCE):
        yield "scores a record by its position in the table, or by the rows before it"
    for i in (0, 7):
        alone = target.take(np.array([i]))
        views = [alone]
        # what was asked of other pairs is of other releases
        if (beside := target.references) is not None:
            views.append(dataclasses.replace(alone, references=beside.take(beside.pair == target.pair[i])))
        if not all(np.allclose(fitted.score(view), scores[i], atol=_TOLERANCE) for view in views):
            yield "scores a record by other rows of the target; use only its own row and the references of its pair"


def _without_information(attack: Attack, sides: Sides) -> Iterator[str]:
    shadow, target = sides.shadow, constant(sides.target)
    if "records" in attack.needs:
        # each record has its own score; where no shadow model tells records apart either, all have the same
        beside = None if target.references is None else constant(target.references)
        shadow = LabelledView(dataclasses.replace(constant(shadow.view), references=beside), shadow.positive)
        target = dataclasses.replace(target, references=beside)
    if auc(attack.fit(shadow, seed=3).score(target), sides.positive) != 0.5:
        yield "orders records whose answers are all equal"
    still = attack.fit(sides.shadow, seed=3).score(unmoved(sides.target))
    if attack.silent_without_change and np.ptp(still) > _TOLERANCE:
        yield "states that it is silent without change, and orders records whose answers did not change"
    found = np.array([_auc_without_leak(attack, seed) for seed in SEEDS])
    n, m = sides.positive.sum(), (~sides.positive).sum()
    allowed = 3.3 * np.sqrt((n + m + 1) / (12 * n * m) / len(found))
    if abs(found.mean() - 0.5) > allowed:
        yield f"finds a leak where there is none: its mean AUC is {found.mean():.3f} in {len(found)} tables without one"


def _auc_without_leak(attack: Attack, seed: int) -> float:
    sides = made_sides(attack, leak=0.0, seed=seed)
    return auc(attack.fit(sides.shadow, seed=seed).score(sides.target), sides.positive)
