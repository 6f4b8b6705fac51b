"""The functions of `unlearn_audit.api`: their keywords are those of a configuration, and columns can be named."""

import inspect
from dataclasses import replace
from functools import partial
from typing import Literal, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from unlearn_audit import AuditConfig, AuditError, Execution, api, audit, audit_observations, compare_methods, run
from unlearn_audit.audits.membership.arrays import settings_in, sizes_in
from unlearn_audit.audits.membership.files import READ_OF_FILES
from unlearn_audit.config import WorldsConfig, build_config
from unlearn_audit.utils.progress import Lines, Silent
from unlearn_audit.worlds.from_arrays import prepare_arrays

SMALL = {
    "shadow_worlds": 2, "target_worlds": 2, "train_size": 120, "deletions": 6, "unseen": 3, "references": 5,
    "attacks": [], "features": ["sorted-diff"], "attack_models": ["logistic-regression"],
}  # fmt: skip
FUNCTIONS = (audit, compare_methods, audit_observations, run)
OF_ONE_AUDIT = {"unlearning", "retraining_arm", "until", "defenses", "dp_sgd"}


def defaults(function):
    return {of.name: of.default for of in inspect.signature(function).parameters.values()}


def choices(annotation):
    """Every word that an annotation lists, at any depth."""
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return set().union(*(choices(of) for of in get_args(annotation)))


def of_a_configuration():
    return AuditConfig.model_fields.keys() - {"target", "shadow", "worlds", "execution"}


def test_audit_has_every_key_of_a_configuration_with_its_default():
    given = defaults(audit)
    assert of_a_configuration() <= given.keys()
    assert sizes_in(given).keys() == WorldsConfig.model_fields.keys()
    same = build_config({"worlds": sizes_in(given), "groups": given["groups"], **settings_in(given)})
    assert same.model_dump() == AuditConfig().model_dump()


def test_a_comparison_has_every_key_that_means_something_there():
    given = defaults(compare_methods)
    assert of_a_configuration() - OF_ONE_AUDIT <= given.keys()
    assert not OF_ONE_AUDIT & given.keys()
    assert build_config(settings_in(given)).model_dump() == AuditConfig().model_dump()


def test_an_audit_of_tables_has_every_key_that_is_read_of_files():
    given = defaults(audit_observations)
    assert set(READ_OF_FILES) <= given.keys()
    assert all(given[key] is None for key in READ_OF_FILES)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda of: of.__name__)
def test_keywords_list_the_words_that_the_configuration_takes(function):
    hints = get_type_hints(inspect.unwrap(function))
    blocks = {**AuditConfig.model_fields, **{f"{of}_worlds": None for of in ("shadow", "target")}}
    fields = {**WorldsConfig.model_fields, **{key: of for key, of in blocks.items() if of is not None}}
    checked = [key for key in hints if key in fields and choices(fields[key].annotation)]
    assert function is run or checked
    assert {key: choices(hints[key]) for key in checked} == {key: choices(fields[key].annotation) for key in checked}
    assert not any(of.kind is of.VAR_KEYWORD for of in inspect.signature(function).parameters.values())


def test_execution_is_told_by_the_same_names_everywhere():
    for function in FUNCTIONS:
        assert {"execution", "jobs", "progress"} <= defaults(function).keys()
    own = {of.name for of in Execution.__dataclass_fields__.values()}
    assert {"jobs", "store", "reuse"} <= own & defaults(audit).keys() & defaults(run).keys()


@pytest.mark.parametrize(
    ("function", "key", "said"),
    [
        (audit, "job", "did you mean jobs?"),
        (audit, "regim", "did you mean regime?"),
        (audit, "defense", "did you mean defenses?"),
        (audit, "worlds", "shadow_worlds=5"),
        (audit, "target", "model, X and y are both sides"),
        (compare_methods, "method", "did you mean methods?"),
        (compare_methods, "unlearning", "`methods` names"),
        (compare_methods, "shadow_worlds", "such as worlds={'shadow': 5"),
        (compare_methods, "train_size", "such as worlds={'shadow': 5"),
        (compare_methods, "shadow", "run\\(\\) with a configuration"),
        (audit_observations, "feature", "did you mean features?"),
        (run, "Jobs", "did you mean jobs?"),
    ],
)
def test_an_unknown_keyword_is_one_sentence_that_names_the_likely_one(function, key, said):
    with pytest.raises(AuditError, match=said) as caught:
        function(**{key: 1})
    assert f"'{key}'" in str(caught.value) or f"takes no {key}" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"regime": "fixd"}, "did you mean fixed"),
        ({"scenario": "grup"}, "did you mean group"),
        ({"jobs": 0}, "jobs is 0"),
        ({"jobs": "2"}, "jobs is '2'"),
        ({"jobs": True}, "jobs is True"),
        ({"reuse": "nevr"}, "did you mean never"),
        ({"shadow_worlds": 0}, "worlds.shadow"),
    ],
)
def test_a_bad_value_is_one_sentence(settings, said):
    X = np.random.default_rng(0).normal(size=(50, 2))
    with pytest.raises(AuditError, match=said):
        audit(DecisionTreeClassifier(), X, X[:, 0] > 0, **settings)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"age": rng.normal(size=600), "hours": rng.normal(size=600)})
    people["customer"] = [f"c{number // 2}" for number in range(600)]
    people["town"] = rng.choice(["here", "there"], 600)
    people["income"] = np.where(people["age"] + rng.normal(size=600) > 0, "high", "low")
    return people


def test_names_of_columns_stand_for_their_values(table):
    features = table[["age", "hours"]]
    values = prepare_arrays(features, table["income"], table["customer"], "t", 0, {"town": table["town"]})
    named = prepare_arrays(table.drop(columns="town").assign(town=table["town"]), "income", "customer", "t", 0)
    assert list(named.data.X.columns) == ["age", "hours", "town"]
    assert values.data.class_names == named.data.class_names == ("high", "low")
    np.testing.assert_array_equal(values.data.y, named.data.y)
    np.testing.assert_array_equal(values.data.persons, named.data.persons)
    assert values.person_ids == named.person_ids
    grouped = prepare_arrays(table.drop(columns="town"), "income", "customer", "t", 0, ["income", "customer"])
    assert set(grouped.columns) == {"income", "customer"}


def test_an_audit_by_names_is_that_of_the_values(table):
    numbers = table.drop(columns="town")
    by_name = audit(LogisticRegression(), numbers, "income", person="customer", **SMALL)
    values = audit(LogisticRegression(), numbers[["age", "hours"]], table["income"], persons=table["customer"], **SMALL)
    assert by_name.findings.results == values.findings.results


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"y": "incme"}, "no column 'incme' for y; did you mean income"),
        ({"y": "income", "person": "custmer"}, "no column 'custmer' for persons; did you mean customer"),
        ({"y": "income", "person": "customer", "persons": [1]}, "give one of them"),
        ({"y": "income", "person": [1, 2]}, "give one value per record as persons"),
        ({"y": "income", "groups": ["twn"]}, "no column 'twn' to group by"),
        ({"X": np.zeros((600, 2)), "y": "income"}, "X is not a DataFrame"),
    ],
)
def test_a_column_that_is_not_there_is_one_sentence(table, given, said):
    with pytest.raises(AuditError, match=said):
        audit(**{"model": DecisionTreeClassifier(), "X": table, **given})


def test_keywords_override_an_execution_and_leave_the_rest_of_it(table, tmp_path, monkeypatch):
    numbers, shown = table[["age", "hours", "income"]], Silent()
    for name in ("run_audit", "compare"):
        monkeypatch.setattr(api, name, lambda *given: given[-1])
    held = Execution(store=tmp_path, reporter=shown, keep_going=True)
    for call in (partial(audit, DecisionTreeClassifier(), numbers, "income"), partial(run, AuditConfig()),
                 partial(compare_methods, DecisionTreeClassifier(), numbers, "income")):  # fmt: skip
        assert call(execution=held) == held
        assert call(execution=held, jobs=2, reuse="never") == replace(held, jobs=2, reuse="never")
        assert call(store="there").store == "there"
        assert isinstance(call(progress=True).reporter, Lines)
        assert isinstance(call(execution=replace(held, reporter=Lines(None)), progress=False).reporter, Silent)


def test_keywords_of_an_audit_of_tables_are_laid_over_its_configuration(table):
    result = audit(DecisionTreeClassifier(), table[["age", "hours", "income"]], "income", **SMALL)
    tables = result.observations["shadow"], result.observations["target"]
    config = AuditConfig(features=("sorted-diff",), attack_models="none", attacks=("score-difference",))
    again = audit_observations(*tables, config=config, seed=3)
    assert (again.findings.config["seed"], again.findings.config["attack_models"]) == (3, [])
    other = audit_observations(*tables, config=config, attacks=["score-ratio"])
    assert {"score-ratio"} <= {of.attack for of in other.findings.results}
    with pytest.raises(AuditError, match=r"audit_observations\(\) cannot be used: games"):
        audit_observations(*tables, games=["deleted-vs-unsen"])
