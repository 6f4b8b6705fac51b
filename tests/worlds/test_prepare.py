import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from unlearn_audit.config import DataConfig
from unlearn_audit.data import DATASETS, Images
from unlearn_audit.data.datasets import bundled
from unlearn_audit.engine.store.keys import dataset_fingerprint
from unlearn_audit.errors import AuditError
from unlearn_audit.unlearning.training import take
from unlearn_audit.worlds.from_arrays import prepare_arrays
from unlearn_audit.worlds.prepare import prepare


def people(tmp_path, n=200):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n).astype(float),
            "job": rng.choice(["nurse", "baker", "judge"], n),
            "who": np.arange(n) // 2,
            "rich": rng.choice(["no", "yes"], n),
        }
    )
    frame.loc[5, "age"] = np.nan
    frame = pd.concat([frame, frame.iloc[:3]], ignore_index=True)
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    return path, frame


def test_a_users_table_becomes_records(tmp_path):
    path, _ = people(tmp_path)
    records = prepare(DataConfig(file=str(path), label="rich"), seed=0)
    assert len(records.data) == 200
    assert records.data.record_ids.tolist() == list(range(200))
    assert records.data.class_names == ("no", "yes")
    assert np.isfinite(records.data.X).all()
    assert any("3 exact duplicate rows were dropped" in note for note in records.data.notes)


def test_units_stay_on_one_side(tmp_path):
    path, _ = people(tmp_path)
    records = prepare(DataConfig(file=str(path), label="rich", person="who"), seed=0)
    owners = records.data.persons
    assert not set(owners[records.split.shadow.all]) & set(owners[records.split.target.all])


def test_columns_to_group_by_are_those_of_the_records_kept(tmp_path):
    path, frame = people(tmp_path)
    config = DataConfig(file=str(path), label="rich", exclude=("who",))
    records = prepare(config, seed=0, groups=("who", "job"))
    assert records.data.X.shape[1] == 2
    kept = frame.iloc[records.data.record_ids]
    assert records.columns["who"].tolist() == kept["who"].tolist()
    assert records.columns["job"].tolist() == kept["job"].tolist()
    assert prepare(config, seed=0).columns == {}
    with pytest.raises(AuditError, match="no column 'town' to group by in people; name one of: age, job, who"):
        prepare(config, seed=0, groups=("town",))


def test_images_have_no_columns_to_group_by(monkeypatch):
    register(monkeypatch, *dots(100))
    with pytest.raises(AuditError, match="dots holds images, which have no columns to group by; leave 'sex' out"):
        prepare(DataConfig(name="dots"), seed=0, groups=("sex",))


def test_encoding_learns_from_the_shadow_side_alone(tmp_path):
    path, frame = people(tmp_path)
    frame = frame.drop_duplicates()
    frame.to_csv(path, index=False)
    config = DataConfig(file=str(path), label="rich")
    records = prepare(config, seed=0)
    target = records.data.record_ids[records.split.target.all]
    frame.loc[target, "age"] = frame.loc[target, "age"] * 1000 + 7
    frame.to_csv(path, index=False)
    again = prepare(config, seed=0)
    shadow = records.split.shadow.all
    assert np.array_equal(records.data.X[shadow], again.data.X[shadow])


def test_arrays_keep_their_labels_and_frames_their_columns():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=100), "b": rng.choice(["u", "v"], 100)})
    y = np.where(rng.random(100) < 0.5, "no", "yes")
    records = prepare_arrays(X, y, None, "mine", 0)
    assert list(records.data.X.columns) == ["a", "b"]
    assert records.data.class_values.tolist() == ["no", "yes"]
    again = prepare_arrays(pd.concat([X, X]), np.concatenate([y, y]), None, "mine", 0)
    assert len(again.data) == 100
    assert "100 exact duplicate rows were dropped" in again.data.notes[0]


@pytest.mark.parametrize(
    ("y", "persons", "said"),
    [
        (np.zeros(100), None, "one class only"),
        (np.zeros(99), None, "one value per record"),
        (np.array([np.nan] * 100), None, "missing labels"),
        (np.arange(100) % 2, [1, 2], r"persons has shape \(2,\) for 100 records"),
    ],
)
def test_bad_arrays(y, persons, said):
    with pytest.raises(AuditError, match=said):
        prepare_arrays(np.random.default_rng(0).normal(size=(100, 2)), y, persons, "mine", 0)


NUMBERS = np.random.default_rng(0).normal(size=(100, 2))
HALVES = np.arange(100) % 2


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.zeros(100), r"X has shape \(100,\); an array of shape \(n, features\), or n texts"),
        (3.0, r"X has shape \(\)"),
        (np.zeros((100, 0)), r"X has shape \(100, 0\)"),
        (pd.DataFrame(index=range(100)), r"X has shape \(100, 0\)"),
        (np.zeros((0, 2)), r"X has shape \(0, 2\)"),
        ([[1.0], [1.0, 2.0]] * 50, "rows of different lengths"),
        (sparse.csr_matrix((100, 0)), r"X has shape \(100, 0\); a sparse matrix of shape"),
        (sparse.coo_array(np.zeros(100)), r"X has shape \(100,\); a sparse matrix of shape"),
        (pd.DataFrame({"a": [[1], [2]] * 50}), "duplicates cannot be found"),
        (np.array([[{}, 1]] * 100, dtype=object), "duplicates cannot be found"),
    ],
)
def test_features_that_no_audit_can_use(X, said):
    with pytest.raises(AuditError, match=said) as caught:
        prepare_arrays(X, HALVES, None, "mine", 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.array([1, "a"] * 50, dtype=object), "labels that cannot be sorted"),
        (["no", np.nan] * 50, "y has missing labels"),
        (["no", None] * 50, "y has missing labels"),
        (pd.Series(["no", None] * 50, dtype="category"), "y has missing labels"),
        ([[1], [1, 2]] * 50, "several labels for each record.*one label at a time"),
        ([{"a"}, {"a", "b"}] * 50, "several labels for each record"),
        (np.eye(100)[:, :3], "3 labels for each record.*one label at a time, once for each column"),
        (sparse.csr_matrix(np.eye(100)[:, :3]), "3 labels for each record"),
        (pd.DataFrame(np.eye(100)[:, :2]), "2 labels for each record"),
        (NUMBERS[:, 0], r"100 distinct numbers with fractions.*pandas\.qcut"),
        (HALVES.reshape(-1, 1), r"y has shape \(100, 1\)"),
    ],
)
def test_labels_that_no_audit_can_use(y, said):
    with pytest.raises(AuditError, match=said):
        prepare_arrays(NUMBERS, y, None, "mine", 0)


@pytest.mark.parametrize(
    ("persons", "said"),
    [
        (np.where(HALVES, np.nan, 1.0), "persons has missing values"),
        (["ada", None] * 50, "persons has missing values"),
        (["ada", np.nan] * 50, "persons has missing values"),
        (np.zeros((100, 2)), r"persons has shape \(100, 2\)"),
        (pd.Series([{}, {}] * 50), "persons has values that cannot be sorted"),
    ],
)
def test_persons_that_no_audit_can_use(persons, said):
    with pytest.raises(AuditError, match=said):
        prepare_arrays(NUMBERS, HALVES, persons, "mine", 0)


def register(monkeypatch, pixels, labels):
    """Make ``dots`` a named dataset of images."""
    images = Images("dots", pixels, labels, ("no", "yes"), notes=("Made here.",))
    monkeypatch.setitem(DATASETS, "dots", (bundled.DIGITS, lambda folder: images))


def dots(n):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 3, 4, 5), dtype=np.uint8), np.arange(n) % 2


def test_images_become_rows_of_bytes(monkeypatch):
    pixels, labels = dots(100)
    repeated = np.concatenate([pixels, pixels[:3], pixels[:2]]), np.concatenate([labels, labels[:3], 1 - labels[:2]])
    register(monkeypatch, *repeated)
    records = prepare(DataConfig(name="dots"), seed=0)
    # the same picture with another label is another record
    kept = np.r_[:100, 103, 104]
    assert records.data.record_ids.tolist() == kept.tolist()
    assert records.data.X.dtype == np.uint8
    assert np.array_equal(records.data.X.reshape(-1, 3, 4, 5), repeated[0][kept])
    assert records.data.y.tolist() == repeated[1][kept].tolist()
    assert records.data.persons is None
    assert records.data.class_values.tolist() == [0, 1]
    assert records.data.class_names == ("no", "yes")
    assert records.data.notes == (
        "Made here.",
        "3 exact duplicate rows were dropped, 102 records remain",
        "Pixels of 3 channels, 4 x 5, as bytes 0 to 255, not scaled.",
    )


def test_images_are_split_as_a_table_of_as_many_rows(monkeypatch, tmp_path):
    register(monkeypatch, *dots(200))
    images = prepare(DataConfig(name="dots"), seed=3)
    pd.DataFrame({"age": np.arange(200), "rich": np.arange(200) % 2}).to_csv(tmp_path / "people.csv", index=False)
    table = prepare(DataConfig(file=str(tmp_path / "people.csv"), label="rich"), seed=3)
    for side in ("shadow", "target"):
        assert np.array_equal(images.split.side(side).train, table.split.side(side).train)
        assert np.array_equal(images.split.side(side).unseen, table.split.side(side).unseen)


def test_images_have_no_categories_to_encode(monkeypatch):
    register(monkeypatch, *dots(100))
    with pytest.raises(AuditError, match="dots holds images, which have no categories; leave the encoding 'one-hot'"):
        prepare(DataConfig(name="dots", encoding="one-hot"), seed=0)


@pytest.mark.parametrize(("name", "n", "d"), [("mnist", 70_000, 784), ("cifar10", 21_000, 3072)])
def test_real_images(name, n, d, real_data):
    data = prepare(DataConfig(name=name), seed=0).data
    assert data.X.shape == (n, d)
    assert data.X.dtype == np.uint8
    assert data.record_ids.tolist() == list(range(n))
    assert len(data.class_names) == 10


def test_sparse_records_stay_sparse_and_are_told_apart_by_what_they_mean():
    rng = np.random.default_rng(0)
    dense = rng.random((120, 30)) * (rng.random((120, 30)) < 0.1)
    dense[7] = dense[3]
    labels = np.arange(120) % 2
    labels[7] = labels[3]
    explicit = sparse.coo_matrix(dense)
    # the same matrix with a zero that is stored, and a value in two parts
    odd = sparse.coo_matrix(
        (
            np.concatenate([explicit.data / 2, explicit.data / 2, [0.0]]),
            ([*explicit.row, *explicit.row, 7], [*explicit.col, *explicit.col, 29]),
        ),
        shape=dense.shape,
    )
    plain = prepare_arrays(dense, labels, None, "d", 0).data
    fingerprints = set()
    for X in (sparse.csr_matrix(dense), sparse.csc_matrix(dense), sparse.csr_matrix(odd), odd):
        data = prepare_arrays(X, labels, None, "d", 0).data
        assert sparse.issparse(data.X)
        assert data.record_ids.tolist() == plain.record_ids.tolist()
        assert np.array_equal(data.X.toarray(), plain.X)
        assert np.array_equal(take(data.X, np.array([5, 2])).toarray(), plain.X[[5, 2]])
        fingerprints.add(dataset_fingerprint(data))
    assert len(fingerprints) == 1
    dense[100, 3] += 1
    changed = prepare_arrays(sparse.csr_array(dense), labels, None, "d", 0).data
    assert dataset_fingerprint(changed) not in fingerprints


def test_texts_are_records_and_equal_ones_are_dropped():
    texts = [f"the patient number {i % 90} came back" for i in range(100)]
    data = prepare_arrays(texts, np.arange(100) % 90 % 2, None, "letters", 0).data
    assert (data.X.shape, data.duplicates) == ((90,), 10)
    other = prepare_arrays([*texts[:-1], "another"], np.arange(100) % 90 % 2, None, "letters", 0).data
    assert dataset_fingerprint(data) != dataset_fingerprint(other)
    again = prepare_arrays(pd.Series(texts), np.arange(100) % 90 % 2, None, "letters", 0).data
    assert dataset_fingerprint(data) == dataset_fingerprint(again)


def letters(tmp_path, n=100):
    rng = np.random.default_rng(0)
    words = np.array(["pain", "rest", "work", "home", "care", "cold", "warm", "food", "walk", "note"])
    frame = pd.DataFrame(
        {
            "text": [" ".join(rng.choice(words, 12)) for _ in range(n)],
            "age": rng.integers(18, 90, n),
            "job": rng.choice(["nurse", "baker"], n),
            "weight": rng.random(n),
            "ill": rng.choice(["no", "yes"], n),
        }
    )
    frame.loc[5, "job"] = np.nan
    frame.to_csv(tmp_path / "letters.csv", index=False)
    return DataConfig(file=str(tmp_path / "letters.csv"), label="ill", encoding="raw"), frame


def test_a_table_can_be_given_to_the_model_as_it_is(tmp_path):
    config, frame = letters(tmp_path)
    records = prepare(config, seed=0, fit_params={"sample_weight": "weight", "check_input": False})
    assert list(records.data.X.columns) == ["text", "age", "job"]
    assert records.data.X["text"].tolist() == frame["text"].tolist()
    assert records.data.X["job"].isna().sum() == 1
    assert list(records.data.fit_columns) == ["sample_weight"]
    assert records.data.fit_columns["sample_weight"] == pytest.approx(frame["weight"])
    plain = prepare(config, seed=0)
    assert "weight" in plain.data.X
    assert dataset_fingerprint(plain.data) != dataset_fingerprint(records.data)


def test_the_only_column_of_a_table_can_be_given_as_texts(tmp_path):
    config, frame = letters(tmp_path)
    texts = config.model_copy(update={"encoding": "text", "exclude": ("age", "job", "weight")})
    assert prepare(texts, seed=0).data.X.tolist() == frame["text"].tolist()
    with pytest.raises(AuditError, match="one column of texts, and letters has the features text, age"):
        prepare(config.model_copy(update={"encoding": "text"}), seed=0)


def test_names_are_refused_and_prose_is_not_where_a_model_takes_columns_as_they_are(tmp_path):
    config, frame = letters(tmp_path)
    frame["name"] = [f"person {i}" for i in range(len(frame))]
    frame.to_csv(config.file, index=False)
    with pytest.raises(AuditError, match=r"in name \(100 distinct .*--keep name"):
        prepare(config, seed=0)
    kept = config.model_copy(update={"keep": ("name",)})
    assert "name" in prepare(kept, seed=0).data.X


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("wait", "X has no column 'wait' for sample_weight; did you mean weight?"),
        (np.ones(5), r"sample_weight has shape \(5,\) for 100 records"),
        ("text", "column 'text' of X holds something that is not a finite number"),
        (np.full(100, np.nan), "sample_weight lacks 100 of 100 values"),
        (np.full(100, np.inf), "not a finite number"),
    ],
)
def test_weights_that_no_fit_could_take(tmp_path, weights, said):
    _, frame = letters(tmp_path)
    with pytest.raises(AuditError, match=said):
        prepare_arrays(frame, "ill", None, "letters", 0, fit_params={"sample_weight": weights})
