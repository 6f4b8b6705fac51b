"""A run folder as it is read to be compared: its findings, what it was of, and the scores of its target's rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unlearn_audit.attacks.base import score_column
from unlearn_audit.audits.comparison.findings import RunRow
from unlearn_audit.audits.release.findings import SCHEMA as RELEASE
from unlearn_audit.audits.release.findings import ReleaseFindings
from unlearn_audit.defenses import UNDEFENDED
from unlearn_audit.engine.store.folder import MARKER, NO_RUN, PURGED
from unlearn_audit.errors import AuditError
from unlearn_audit.findings.read import NOT_OF_A_LAYOUT, read_json
from unlearn_audit.findings.result import Result, on_most_rows
from unlearn_audit.findings.schema import Findings
from unlearn_audit.findings.three_arms import ASKED
from unlearn_audit.metrics import LOW_FPR, Clusters
from unlearn_audit.report.wording import percent, roles
from unlearn_audit.utils.columns import read_columns
from unlearn_audit.utils.manifest import check_recorded
from unlearn_audit.utils.messages import reason
from unlearn_audit.utils.typing import Array, Mask

FINDINGS, SCORES = "findings.json", "scores.parquet"
"""What is read from a run folder, besides its marker."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one game, undefended, and what each attack scored them.

    Attributes
    ----------
    asked
        One row each: world, request, record, query and role, sorted by them.
    scores
        (n,) by the label of an attack.
    positive
        (n,) which rows have the positive role.
    clusters
        What rows share, coded from 0.
    """

    asked: pd.DataFrame
    scores: Mapping[str, Array]
    positive: Mask
    clusters: Clusters


@dataclass(frozen=True, eq=False)
class RunFolder:
    """A run of ``run``, ``predictions`` or `unlearn_audit.audit`.

    Attributes
    ----------
    folder
        Where it lies.
    name
        What it is called among the others.
    findings
        What it found.
    identity
        What its marker says that it is of.
    """

    folder: Path
    name: str
    findings: Findings
    identity: Mapping[str, Any]

    @property
    def leading(self) -> Result:
        """The result of the leading attack."""
        return self.findings.leading()

    @property
    def leads(self) -> str:
        """The leading attack as a column of scores."""
        return score_column(self.leading.attack, self.leading.attack_model)

    @property
    def purged(self) -> bool:
        """Whether records were removed from it."""
        return (self.folder / PURGED).exists()

    @property
    def has_scores(self) -> bool:
        """Whether the scores of its rows are there; they are private, and may have been left out of a copy."""
        return (self.folder / SCORES).is_file()

    @property
    def target(self) -> str | None:
        """A digest of the records under audit, or of the file of the target's answers; None where none is noted."""
        data = _block(self.identity.get("data")).get("target")
        files = _block(_block(self.identity.get("observations")).get("target")).get("sha256")
        return next((str(of) for of in (data, files) if of is not None), None)

    @property
    def results(self) -> dict[str, Result]:
        """The undefended results of the leading game by the label of the attack, on most rows."""
        game = self.findings.selected.game
        plain = [of for of in self.findings.results if of.game == game and of.defense == UNDEFENDED and of.adaptive]
        return {score_column(of.attack, of.attack_model): of for of in on_most_rows(plain)}

    @cached_property
    def rows(self) -> Rows:
        """The rows of the leading game; read when they are asked for.

        Raises
        ------
        AuditError
            If the scores are missing, damaged, or not those of such a run.
        """
        path = self.folder / SCORES
        check_recorded(path)
        return rows_of(read_columns(path).to_pandas(), self.findings.selected.game, set(self.results), path)

    @property
    def row(self) -> RunRow:
        """What it found, for a table."""
        found, leading, rate = self.findings, self.leading, str(LOW_FPR)
        unlearning = found.config.get("unlearning")
        method = unlearning.get("method") if isinstance(unlearning, dict) else unlearning
        return RunRow(
            name=self.name,
            kind="run",
            verdict=found.verdict.kind,
            gate=found.verdict.gate,
            summary=found.verdict.summary,
            dataset=found.dataset,
            model=found.model,
            method=None if method is None else str(method),
            regime=found.regime,
            attack=self.leads,
            game=leading.game,
            view=leading.view,
            auc=leading.auc,
            auc_ci=leading.auc_ci,
            tpr=leading.tpr_at_fpr.get(rate),
            tpr_ci=leading.tpr_at_fpr_ci.get(rate),
            realised_fpr=leading.realised_fpr.get(rate),
            epsilon=leading.epsilon,
            epsilon_ceiling=leading.epsilon_ceiling,
            n_positive=leading.n_positive,
            n_negative=leading.n_negative,
            n_worlds=leading.n_worlds,
            warnings=len(found.warnings),
        )


@dataclass(frozen=True, eq=False)
class ReleaseFolder:
    """A look at one release: it has a row, and nothing that others are compared with."""

    folder: Path
    name: str
    findings: ReleaseFindings

    @property
    def row(self) -> RunRow:
        """What it found, for a table."""
        found = self.findings
        rule = next((of for of in found.flagging if percent(of.rate) == percent(LOW_FPR)), None)
        return RunRow(
            name=self.name,
            kind="release",
            summary=found.summary,
            attack=found.score,
            tpr=None if rule is None else rule.found_share,
            tpr_ci=None if rule is None else rule.found_share_ci,
            realised_fpr=None if rule is None else rule.wrong_share,
            n_positive=found.persons,
            n_negative=found.reference_persons,
        )


def read_run(folder: Path, name: str) -> RunFolder | ReleaseFolder:
    """Read the findings of a run folder, and what it is of.

    Raises
    ------
    AuditError
        If it is no run folder, one of another command, or its findings are damaged or of another version.
    """
    identity = _identity(folder)
    path = folder / FINDINGS
    if not path.is_file():
        raise AuditError(
            f"{folder} has no {FINDINGS}: it is of a command whose results are not compared, or its run did not end; "
            "give folders of run, predictions or release"
        )
    if _schema(path) == RELEASE:
        return ReleaseFolder(folder, name, _release(path))
    return RunFolder(folder, name, Findings.read(path), identity)


def _identity(folder: Path) -> Mapping[str, Any]:
    """Return what the marker of a run folder says that the run is of."""
    marker = folder / MARKER
    if not marker.is_file():
        raise AuditError(NO_RUN.format(folder))
    check_recorded(marker)
    try:
        identity = read_json(marker)["identity"]
    except (OSError, *NOT_OF_A_LAYOUT) as error:
        raise AuditError(f"{marker} is damaged ({reason(error)}); run the audit again into this folder") from error
    return _block(identity)


def _schema(path: Path) -> str:
    """Return the layout that a file of findings says it has; nothing where it cannot be read, which is said later."""
    try:
        return str(_block(read_json(path)).get("schema"))
    except (OSError, *NOT_OF_A_LAYOUT):
        return ""


def _release(path: Path) -> ReleaseFindings:
    check_recorded(path)
    try:
        return ReleaseFindings.model_validate_json(json.dumps(read_json(path)), strict=True)
    except (OSError, *NOT_OF_A_LAYOUT) as error:
        raise AuditError(
            f"{path} holds no findings in the layout {RELEASE} ({reason(error)}); look at the release again with this "
            "version"
        ) from error


def rows_of(frame: pd.DataFrame, game: str, attacks: set[str], path: Path) -> Rows:
    """Return the rows of a game, with the scores of those attacks that have one for each.

    Parameters
    ----------
    frame
        What a run's ``scores.parquet`` holds.
    game, attacks
        Which rows and columns are wanted.
    path
        The file, for messages.

    Raises
    ------
    AuditError
        If columns, or rows of a role, are missing, or ids are no whole numbers.
    """
    needed = {*ASKED, "game"}
    if not needed <= set(frame.columns):
        missing = ", ".join(sorted(needed - set(frame.columns)))
        raise AuditError(f"{path} has no column {missing}; run the audit again into this folder")
    if not all(pd.api.types.is_integer_dtype(frame[name]) for name in ASKED if name != "role"):
        raise AuditError(f"{path} has ids that are not whole numbers; run the audit again into this folder")
    chosen = frame["game"] == game
    if {"defense", "adaptive"} <= set(frame.columns):
        chosen &= (frame["defense"] == UNDEFENDED) & frame["adaptive"].astype(bool)
    positive_role, negative_role = roles(game)
    chosen &= frame["role"].isin((positive_role, negative_role))
    rows = frame[chosen].sort_values(ASKED, kind="stable", ignore_index=True)
    known = [name for name in rows.columns if name in attacks and pd.api.types.is_float_dtype(rows[name])]
    scores = {str(name): rows[name].to_numpy(dtype=np.float64) for name in known}
    scored = {name: values for name, values in scores.items() if not np.isnan(values).any()}
    positive = (rows["role"] == positive_role).to_numpy(dtype=bool)
    if not 0 < positive.sum() < len(positive):
        raise AuditError(f"{path} has no rows of both roles of the game {game}; run the audit again into this folder")
    clusters = Clusters(rows["world"].to_numpy(), rows["record"].to_numpy()).coded(len(rows))
    return Rows(rows[ASKED], scored, positive, clusters)


def _block(value: Any) -> Mapping[str, Any]:
    """Return a value if it is a block of settings, else an empty one."""
    return value if isinstance(value, Mapping) else {}
