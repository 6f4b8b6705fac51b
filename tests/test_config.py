import pytest

from unlearn_audit.config import AuditConfig, UntilConfig, build_config, read_config
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
    path = write(tmp_path, "target: {data: {file: a.csv, label: y, person: who, encoding: one-hot}}\n")
    data = read_config(path, {"target": {"data": {"name": "adult"}}}).target.data
    assert (data.name, data.file, data.label, data.person, data.encoding) == ("adult", None, None, None, "one-hot")


def test_the_former_name_of_the_column_of_persons_still_works(tmp_path):
    path = write(tmp_path, "target: {data: {file: a.csv, label: y, unit: who}}\n")
    with pytest.warns(DeprecationWarning, match=r"unit is deprecated; use person\."):
        assert read_config(path).target.data.person == "who"
    with pytest.warns(DeprecationWarning, match="unit"):
        assert read_config(path, {"target": {"data": {"person": "other"}}}).target.data.person == "other"
    with pytest.warns(DeprecationWarning, match="unit"):
        config = build_config({"target": {"data": {"file": "a.csv", "label": "y", "unit": "who"}}})
    assert "unit" not in config.model_dump()["target"]["data"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("target: {data: {file: a.csv, label: y, unit: who, person: who}}\n", "is the former name of `person`"),
        ("target: {dat: adult}\n", "unknown key 'target.dat'"),
        ("colour: red\n", "unknown key 'colour'"),
        ("target: {data: {nam: adult}}\n", "unknown key 'target.data.nam', did you mean name?"),
        ("worlds: {shadw: 3}\n", "unknown key 'worlds.shadw', did you mean shadow?"),
        ("shadow: {modl: mlp}\n", "unknown key 'shadow.modl', did you mean model?"),
        ("scenario: {nme: group}\n", "unknown key 'scenario.nme', did you mean name?"),
        ("until: {auc: 0.03, atmost: 30}\n", "unknown key 'until.atmost', did you mean at_most?"),
        ("games: [deleted-vs-unsen]\n", "'deleted-vs-unsen' is unknown, did you mean deleted-vs-unseen"),
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


@pytest.mark.parametrize(
    "text",
    ["target: {data: [x]}", "target: {data: 5}", "target: [x]", "target: adult", "worlds: 3", "unlearning: [sisa]"],
)
def test_what_is_no_block_is_told_also_under_overrides(tmp_path, text):
    path = write(tmp_path, text)
    over = {"target": {"data": {"name": "adult"}}, "worlds": {"shadow": 3}, "unlearning": {"shards": 2}}
    with pytest.raises(AuditError) as caught:
        read_config(path, over)
    assert f"{path} cannot be used: {text.partition(':')[0]}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_overrides_lie_over_short_forms_and_nothing(tmp_path):
    path = write(tmp_path, "target: {data: adult}\nshadow:\nunlearning: sisa\n")
    over = {"target": {"data": {"encoding": "one-hot"}}, "shadow": {"model": "mlp"}, "unlearning": {"shards": 2}}
    config = read_config(path, over)
    assert (config.target.data.name, config.target.data.encoding) == ("adult", "one-hot")
    assert (config.shadow.model, config.unlearning.method, config.unlearning.shards) == ("mlp", "sisa", 2)


def test_a_path_that_leads_nowhere(tmp_path):
    (tmp_path / "model.py").touch()
    with pytest.raises(AuditError, match="no configuration file"):
        read_config(tmp_path / "model.py" / "x.yaml")
    with pytest.raises(AuditError, match="cannot be read"):
        read_config(tmp_path / ("x" * 5000))


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = write(tmp_path, "seed: 1")

    def denied(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_text", denied)
    with pytest.raises(AuditError, match=r"audit\.yaml cannot be read \(Permission denied\)"):
        read_config(path)


@pytest.mark.parametrize(
    "text",
    ["seed: 2024-13-45", "seed: !!int ''", "seed: !!bool x", "seed: !!timestamp x", "seed: " + "9" * 5000, "[" * 5000],
)
def test_values_that_yaml_itself_stumbles_over(tmp_path, text):
    path = write(tmp_path, text)
    with pytest.raises(AuditError, match="is not plain YAML") as caught:
        read_config(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"a\nb": 1},
        {"regime": "x\r\ny"},
        {"target": {"data": {"file": "a\nb.csv"}}},
        {"scenario": {"name": "group", "size": "1\u2028%x"}},
    ],
)
def test_errors_are_one_line_whatever_the_values(values):
    with pytest.raises(AuditError) as caught:
        build_config(values, where="a\nplace")
    assert len(str(caught.value).splitlines()) == 1


def test_absurdly_large_numbers_are_numbers():
    assert build_config({"worlds": {"deletions": 10**40}}).worlds.deletions == 10**40


@pytest.mark.parametrize("text", ["auc ± 0.03", "auc +- 0.03", "AUC +/- .03", "auc 0.03", "± 0.03", "0.03", 0.03])
def test_a_width_to_stop_at_can_be_written_in_several_ways(tmp_path, text):
    wanted = UntilConfig(auc=0.03, at_most=100)
    assert build_config({"until": text}).until == wanted
    assert build_config({"until": {"auc": text}}).until == wanted
    assert read_config(write(tmp_path, f"until: {text}\n")).until == wanted


def test_a_flag_for_the_width_keeps_the_cap_of_the_file(tmp_path):
    path = write(tmp_path, "until: {auc: 0.03, at_most: 40}\n")
    assert read_config(path, {"until": {"auc": "auc ± 0.02"}}).until == UntilConfig(auc=0.02, at_most=40)
    short = write(tmp_path, "until: auc ± 0.03\n")
    assert read_config(short, {"until": {"at_most": 50}}).until == UntilConfig(auc=0.03, at_most=50)


def test_a_configuration_that_stops_early_is_read_back_from_its_own_dump():
    config = build_config({"until": "auc ± 0.03"})
    assert build_config(config.model_dump(mode="json")) == config
    assert build_config({}).until is None


def test_an_empty_rule_is_an_error():
    with pytest.raises(AuditError, match="until"):
        build_config({"until": {}})


def test_more_worlds_to_start_with_than_there_may_be_is_an_error():
    with pytest.raises(AuditError, match=r"until.at_most 100 is fewer than the 101 target worlds to start with"):
        build_config({"until": "auc ± 0.03", "worlds": {"target": 101}})


@pytest.mark.parametrize("text", ["reuse: always", "execution: {reuse: always}"])
def test_what_is_reused_can_be_written_in_two_ways_and_a_flag_overrides_both(tmp_path, text):
    path = write(tmp_path, text)
    assert read_config(path).execution.reuse == "always"
    assert read_config(path, {"execution": {"reuse": "never"}}).execution.reuse == "never"


@pytest.mark.parametrize("text", ["reuse: sometimes", "reuse: no", "execution: {reuse: [never]}", "execution: never"])
def test_no_other_word_says_what_is_reused(tmp_path, text):
    with pytest.raises(AuditError, match="execution"):
        read_config(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regime: " + "[" * 200_000, "nested more than 100 deep"),
        ("regime: " + "{a: " * 101 + "1" + "}" * 101, "nested more than 100 deep"),
        ("seed: 1" + ":1" * 400_000, "base 60"),
        ("a: &a [x, x, x, x, x, x, x, x]\n" + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 8)}]\n" for a, b in
         zip("abcdefgh", "bcdefghi", strict=True)), "aliases expand to more than 100,000 values"),
        ("target: &a [*a]", "aliases expand to more than 100,000 values"),
        ("- " * 3000, "is not plain YAML"),
        ("seed: 7 # " + "x" * 1_000_000, "more than 1,000,000 bytes"),
        ("x" * 900_000 + ": 1", "is not plain YAML"),
        ("x" * 1000 + ": 1", "unknown key 'xxx"),
        (f"attacks: [{'.py' * 200_000}!]", "is not a name"),
        (f"defenses: ['{'a:b+' * 200_000}!']", "is not a defence"),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_file_that_would_take_for_ever(tmp_path, text, said):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(AuditError) as caught:
        read_config(tmp_path / "a.yaml")
    assert said in str(caught.value)
    assert len(str(caught.value)) <= 1500


def test_aliases_may_stand_for_a_block(tmp_path):
    (tmp_path / "a.yaml").write_text("target: &side {data: {name: adult}, model: mlp}\nshadow: *side\n")
    config = read_config(tmp_path / "a.yaml")
    assert config.shadow is not None
    assert config.shadow.model == "mlp"


def test_texts_that_are_missing_belong_to_a_table():
    config = build_config({"target": {"data": {"file": "p.csv", "label": "y", "na_values": ["?", ""]}}})
    assert config.target.data.na_values == ("?", "")
    assert config.model_dump(mode="json")["target"]["data"]["na_values"] == ["?", ""]
    with pytest.raises(AuditError, match="`na_values`, `exclude` and `keep` belong to `file`"):
        build_config({"target": {"data": {"name": "adult", "na_values": ["?"]}}})
