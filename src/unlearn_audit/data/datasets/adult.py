"""Adult (census income): whether a person earns more than 50,000 dollars a year."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unlearn_audit.data.base import Table
from unlearn_audit.data.columns import label_codes, missing_notes, public_category
from unlearn_audit.data.source import Source, SourceFile
from unlearn_audit.errors import AuditError

_ADDRESS = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult"

SOURCE = Source(
    name="adult",
    title="Adult (census income, USA 1994): income above 50,000 dollars a year",
    licence="CC BY 4.0",
    citation="Becker & Kohavi 1996, Adult, UCI Machine Learning Repository, doi 10.24432/C5XW20",
    records=48_842,
    features=14,
    classes=2,
    files=(
        SourceFile(
            path="adult/adult.data",
            url=f"{_ADDRESS}/adult.data",
            sha256="5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            size=3_974_305,
        ),
        SourceFile(
            path="adult/adult.test",
            url=f"{_ADDRESS}/adult.test",
            sha256="a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
            size=2_003_153,
        ),
        SourceFile(
            path="adult/adult.names",
            url=f"{_ADDRESS}/adult.names",
            sha256="c248284c0b5de30c9e1958d6cdd168a34a654758b620e68f46aefa83fc0a576a",
            size=5_229,
        ),
    ),
)

CLASSES = ("<=50K", ">50K")

# adult.names, in its order: a feature is a number ("continuous" there) or has a closed list of categories.
FEATURES: dict[str, tuple[str, ...] | None] = {
    "age": None,
    "workclass": (
        "Private", "Self-emp-not-inc", "Self-emp-inc", "Federal-gov", "Local-gov", "State-gov",
        "Without-pay", "Never-worked",
    ),
    "fnlwgt": None,
    "education": (
        "Bachelors", "Some-college", "11th", "HS-grad", "Prof-school", "Assoc-acdm", "Assoc-voc", "9th",
        "7th-8th", "12th", "Masters", "1st-4th", "10th", "Doctorate", "5th-6th", "Preschool",
    ),
    "education-num": None,
    "marital-status": (
        "Married-civ-spouse", "Divorced", "Never-married", "Separated", "Widowed", "Married-spouse-absent",
        "Married-AF-spouse",
    ),
    "occupation": (
        "Tech-support", "Craft-repair", "Other-service", "Sales", "Exec-managerial", "Prof-specialty",
        "Handlers-cleaners", "Machine-op-inspct", "Adm-clerical", "Farming-fishing", "Transport-moving",
        "Priv-house-serv", "Protective-serv", "Armed-Forces",
    ),
    "relationship": ("Wife", "Own-child", "Husband", "Not-in-family", "Other-relative", "Unmarried"),
    "race": ("White", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other", "Black"),
    "sex": ("Female", "Male"),
    "capital-gain": None,
    "capital-loss": None,
    "hours-per-week": None,
    "native-country": (
        "United-States", "Cambodia", "England", "Puerto-Rico", "Canada", "Germany",
        "Outlying-US(Guam-USVI-etc)", "India", "Japan", "Greece", "South", "China", "Cuba", "Iran",
        "Honduras", "Philippines", "Italy", "Poland", "Jamaica", "Vietnam", "Mexico", "Portugal", "Ireland",
        "France", "Dominican-Republic", "Laos", "Ecuador", "Taiwan", "Haiti", "Columbia", "Hungary",
        "Guatemala", "Nicaragua", "Scotland", "Thailand", "Yugoslavia", "El-Salvador", "Trinadad&Tobago",
        "Peru", "Hong", "Holand-Netherlands",
    ),
}  # fmt: skip


def load(folder: Path) -> Table:
    """Return ``adult.data`` followed by ``adult.test``: (48842, 14) features, two classes.

    ``?`` is a missing value. The eight category columns carry the list of ``adult.names`` in its order.

    Raises
    ------
    AuditError
        If a file is missing from ``folder`` or is not the published one.
    """
    SOURCE.require(folder)
    # The first line of adult.test ("|1x3 Cross validator") is no record.
    parts = [_read(folder / "adult/adult.data", skip=0), _read(folder / "adult/adult.test", skip=1)]
    records = pd.concat(parts, ignore_index=True)
    features = pd.DataFrame(
        {
            name: records[name] if listed is None else public_category(records[name], listed, "adult")
            for name, listed in FEATURES.items()
        }
    )
    # Labels of adult.test end in a dot. Both class names sort in the order of CLASSES.
    labels, classes = label_codes(records["income"].str.removesuffix("."))
    if classes != CLASSES:
        raise AuditError(
            f"the labels in {folder / 'adult'} are {', '.join(classes)}, not {' and '.join(CLASSES)}; "
            f"delete the files and {SOURCE.how()}"
        )
    return Table(
        name=SOURCE.name,
        features=features,
        labels=labels,
        class_names=CLASSES,
        notes=(
            f"{len(records):,} rows: {len(parts[0]):,} of adult.data, then {len(parts[1]):,} of adult.test.",
            *missing_notes(features),
        ),
    )


def _read(path: Path, skip: int) -> pd.DataFrame:
    numbers = {name: "int64" for name, listed in FEATURES.items() if listed is None}
    texts = {name: "str" for name, listed in FEATURES.items() if listed is not None}
    try:
        return pd.read_csv(
            path,
            names=[*FEATURES, "income"],
            dtype={**numbers, **texts, "income": "str"},
            skiprows=skip,
            skipinitialspace=True,
            keep_default_na=False,
            na_values={name: ["?"] for name in texts},
            index_col=False,
        )
    except ValueError as error:
        raise AuditError(
            f"{path} is not the published file ({str(error).splitlines()[0]}); delete it and {SOURCE.how()}"
        ) from error


DATASETS = {"adult": (SOURCE, load)}
