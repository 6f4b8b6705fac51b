import pytest

from unlearn_audit.config import AuditConfig, build_config, read_config
from unlearn_audit.errors import AuditError


def write(tmp_path, text):
    path = tmp_path / "audit.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_those_of_the_paper():
    config = AuditConfig()
    assert (config.worlds.shadow, config.worlds.target, config.worlds.train_size) == (10, 10, 2000)
    assert (config.worlds.deletions, config.worlds.unseen, config.worlds.references) == (20, 20, 100)
    assert config.regime == "fixed"
    assert config.target.data.name == "digits"


def test_the_shadow_side_is_the_targets_unless_it_says_otherwise(tmp_path):
    path = write(tmp_path, "target: {data: adult, model: mlp}\n")
    assert read_config(path).shadow_side == read_config(path).target
    path = write(tmp_path, "target: {data: adult, model: mlp}\nshadow: {data: digits, model: mlp}\n")
    assert read_config(path).shadow_side.data.name == "digits"
    path = write(tmp_path, "target: {data: adult, model: mlp}\nshadow: {model: decision-tree}\n")
    side = read_config(path).shadow_side
    assert (side.data.name, side.model) == ("adult", "decision-tree")


def test_flags_override_the_file_key_by_key(tmp_path):
    path = write(tmp_path, "target: {data: adult, model: mlp}\nworlds: {shadow: 3, deletions: 7}\nseed: 4\n")
    config = read_config(path, {"worlds": {"shadow": 5}, "seed": 9})
    assert (config.worlds.shadow, config.worlds.deletions, config.seed) == (5, 7, 9)
    assert config.target.model == "mlp"


def test_another_source_of_data_replaces_the_files_whole(tmp_path):
    path = write(tmp_path, "target: {data: {file: a.csv, label: y, unit: who, encoding: one-hot}}\n")
    data = read_config(path, {"target": {"data": {"name": "adult"}}}).target.data
    assert (data.name, data.file, data.label, data.unit, data.encoding) == ("adult", None, None, None, "one-hot")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target: {dat: adult}\n", "unknown key 'target.dat'"),
        ("colour: red\n", "unknown key 'colour'"),
        ("regime: frozen\n", "regime"),
        ("worlds: {shadow: 0}\n", "worlds.shadow"),
        ("target: {data: {name: adult, file: a.csv}}\n", "give either `name`"),
        ("target: {data: {file: a.csv}}\n", "needs `label`"),
        ("- a\n- b\n", "not keys and values"),
        ("target: !!python/object/apply:os.system ['true']\n", "not plain YAML"),
        ("a: [1\n", "not plain YAML"),
    ],
)
def test_bad_files_are_told_in_one_sentence(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(AuditError) as caught:
        read_config(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_one_in_another_encoding(tmp_path):
    with pytest.raises(AuditError, match="no configuration file"):
        read_config(tmp_path / "none.yaml")
    path = tmp_path / "latin.yaml"
    path.write_bytes("seed: 1 # é".encode("latin-1"))
    with pytest.raises(AuditError, match="not UTF-8"):
        read_config(path)


def test_an_empty_file_is_the_default_audit(tmp_path):
    assert read_config(write(tmp_path, "")) == AuditConfig()


def test_a_configuration_cannot_change():
    config = build_config({})
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
