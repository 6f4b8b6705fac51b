"""A program that trains and predicts: what it is given, when it is run, and how each failure is named."""

import copy
import gc
import io
import os
import shlex
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit import audit
from unlearn_audit.config import build_config, read_config
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.program import ProgramClassifier
from unlearn_audit.models.program.files import content_as
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning.draws import needs_measuring
from unlearn_audit.unlearning.training import take, train
from unlearn_audit.utils.temporary import default_store_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")

MEANS = r"""
# Perl: answers by the distance to the mean of each class; the files are CSV
my ($train, $query, $answers) = @ARGV;
open(my $in, "<", $train); <$in>;
while (<$in>) { chomp; s/"//g; my ($id, $y, @x) = split /,/; $n{$y}++; $s{$y}[$_] += $x[$_] for 0..$#x }
close $in; open($in, "<", $query); <$in>; open(my $out, ">", $answers);
@names = sort keys %n; print $out join(",", "record", map { "p_$_" } @names), "\n";
while (<$in>) {
    chomp; my ($id, @x) = split /,/; my ($t, @p);
    for my $y (@names) {
        my $d = 0; $d += ($x[$_] - $s{$y}[$_] / $n{$y}) ** 2 for 0..$#x; push @p, exp(-$d); $t += $p[-1];
    }
    print $out join(",", $id, map { sprintf "%.9f", $_ / $t } @p), "\n";
}
"""


def made(n=40, classes=("no", "yes")):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = np.arange(n) % len(classes)
    X[:, 0] += 2 * y
    return Dataset("made", X, y, np.arange(len(classes)), classes, 100 + np.arange(n))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "means.pl").write_text(MEANS)
    return tmp_path


def trained(command, data=None, timeout=60.0, seed=7):
    return train(resolve_model(command, timeout=timeout), data or made(), np.arange(30), seed, Regime.SAME_SEED)


def answers(of, positions=None):
    X = of.data.X if positions is None else take(of.data.X, positions)
    return query(of.model, X, of.data.class_values, of.source.name)


def counting(code):
    """Return a command that runs code of a shell, and adds a line to a file whenever it is run."""
    return f"sh -c {shlex.quote(f'echo run >> runs; {code}')}"


def runs(folder):
    return len((folder / "runs").read_text().splitlines())


PERL = "perl means.pl {train.csv} {query.csv} {answers.csv}"


def test_a_program_in_another_language_answers_as_the_same_model_in_python_does(folder):
    of = trained(PERL)
    X, y = of.data.X[:30], of.data.y[:30]
    near = np.exp(-((of.data.X[:, None] - np.stack([X[y == c].mean(axis=0) for c in (0, 1)])) ** 2).sum(axis=2))
    assert np.allclose(answers(of), near / near.sum(axis=1, keepdims=True), atol=1e-6)
    assert of.source.name == "means.pl"
    assert of.model.predict(of.data.X).tolist() == answers(of).argmax(axis=1).tolist()


def test_what_a_program_is_given(folder):
    (folder / "convert.py").write_text(
        "import sys, pandas as pd; pd.read_parquet(sys.argv[1]).to_csv(sys.argv[2], index=False)"
    )
    to_csv = f"{sys.executable} convert.py"
    code = "cp {train} train; cp {query} query; stat -c %a {train} > mode; echo {seed} > seed; "
    code += f"{to_csv} {{train}} t; {to_csv} {{query}} q; perl means.pl t q {{answers}}"
    of = trained(counting(code))
    data = of.data
    learned, asked = pd.read_parquet(folder / "train"), pd.read_parquet(folder / "query")
    assert list(learned.columns) == ["record", "label", "x0", "x1", "x2"]
    assert learned["record"].tolist() == data.record_ids[:30].tolist()
    assert learned["label"].tolist() == [data.class_names[of] for of in data.y[:30]]
    assert np.array_equal(learned[["x0", "x1", "x2"]].to_numpy(), data.X[:30])
    # every record, in the order of the dataset, and nothing that tells which are in training
    assert list(asked.columns) == ["record", "x0", "x1", "x2"]
    assert asked["record"].tolist() == data.record_ids.tolist()
    assert (folder / "mode").read_text().strip() == "600"
    assert (folder / "seed").read_text().strip() == str(resolve_model(PERL).make(7).random_state)


def test_a_program_is_run_once_for_all_records_of_the_dataset(folder):
    of = trained(counting("perl means.pl {train.csv} {query.csv} {answers.csv}"))
    every = answers(of)
    assert np.array_equal(answers(of, np.array([35, 2, 2])), every[[35, 2, 2]])
    assert runs(folder) == 1
    other = of.data.X[:3] + 1
    first = of.model.predict_proba(other)
    assert runs(folder) == 2
    assert np.array_equal(of.model.predict_proba(other[::-1]), first[::-1])
    assert runs(folder) == 2
    assert not list(default_store_folder().rglob("*.lock"))


def test_a_program_keeps_its_model_in_a_folder(folder):
    code = "test -e {model}/kept || { echo new >> trained; cp {train.csv} {model}/kept; }; "
    of = trained(counting(code + "perl means.pl {model}/kept {query.csv} {answers.csv}"))
    kept = Path(of.model.kept_.path)
    assert [path.name for path in kept.iterdir()] == ["kept"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    asked = answers(of)
    assert runs(folder) == 2  # the training records, then the others
    twin = copy.deepcopy(of.model)
    assert np.array_equal(twin.predict_proba(of.data.X[:4] + 1), of.model.predict_proba(of.data.X[:4] + 1))
    assert (folder / "trained").read_text() == "new\n"
    assert np.array_equal(asked, answers(trained(PERL)))
    of = None
    gc.collect()
    assert kept.exists()  # the copy has it
    twin = None
    gc.collect()
    assert not kept.exists()


def test_records_with_one_id_are_two_to_a_program(folder):
    """As before and after a correction."""
    data = made()
    twice = replace(data, record_ids=np.arange(40) // 2)
    assert np.array_equal(answers(trained(PERL, twice)), answers(trained(PERL, data)))


def test_labels_alone_are_answers(folder):
    (folder / "label.awk").write_text(
        'NR == 1 { print "record,label"; next }\n{ print $1 "," ($2 > 1 ? "yes" : "no") }\n'
    )
    of = trained("sh -c 'awk -F, -f label.awk {query.csv} > {answers.csv}; : {train}'")
    assert set(answers(of).ravel().tolist()) == {0.0, 1.0}
    assert answers(of)[:, 1].astype(bool).tolist() == (of.data.X[:, 0] > 1).tolist()


@pytest.mark.parametrize(
    ("names", "lines"),
    [(("no", "yes"), ["record,label,a", "1,no,0.5", "2,yes,"]), (("n,o", 'y"s'), None)],
)
def test_csv_has_quotes_only_where_a_text_needs_them(names, lines):
    frame = pd.DataFrame({"record": [1, 2], "label": names, "a": [0.5, None]})
    content = content_as(pa.Table.from_pandas(frame, preserve_index=False), ".csv")
    assert lines is None or content.decode().splitlines() == lines
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(content)), frame, check_dtype=False)


def test_it_is_an_estimator_without_an_audit(folder):
    data = made()
    names = np.array(["b", "a"])[data.y]
    frame = pd.DataFrame(data.X, columns=["record", "width", "p_x"])
    model = clone(ProgramClassifier(PERL, random_state=3)).fit(frame, names)
    assert model.classes_.tolist() == ["a", "b"]
    assert np.allclose(model.predict_proba(frame).sum(axis=1), 1)
    assert model.score(frame, names) > 0.7
    piped = make_pipeline(StandardScaler(), ProgramClassifier(PERL))
    assert train(resolve_model(piped), data, np.arange(30), 1).model.predict_proba(data.X).shape == (40, 2)
    assert any("means.pl" in why for why in resolve_model(piped).unknown)


def writing(content):
    return f"sh -c {shlex.quote(f'printf %b {shlex.quote(content)} > {{answers}}; : {{train}} {{query}}')}"


def table(rows, head="record,p_no,p_yes"):
    return "\\n".join([head, *rows]) + "\\n"


WHOLE = [f"{100 + i},0.5,0.5" for i in range(40)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (table(WHOLE[1:]), r"of 39 records, of which 0 are unknown, and left out 1 of the 40 records of \{query\}"),
        (table([*WHOLE, "999,0.5,0.5"]), "of which 1 are unknown"),
        (table([row[3:] for row in WHOLE]), "wrote an empty record for 40 of 40 rows; write the ids"),
        (table([*WHOLE, WHOLE[0]]), "wrote 1 records more than once"),
        (table([*WHOLE[:-1], "139,nan,0.5"]), r"hold no number \(NaN, or infinite\) for 1 of 40 records, .* id 139"),
        (table([*WHOLE[:-1], "139,,0.5"]), "hold no number"),
        (table([*WHOLE[:-1], "139,-0.5,1.5"]), "not between 0 and 1 for 1 of 40"),
        (table([*WHOLE[:-1], "139,0.5,0.1"]), "do not sum to 1 for 1 of 40"),
        (table([*WHOLE[:-1], "139,high,0.5"]), "column p_no that holds no numbers"),
        (table(WHOLE, "record,p_no,p_perhaps"), r"class 'perhaps'; the classes are no, yes"),
        (table([f"{100 + i},maybe" for i in range(40)], "record,label"), "class 'maybe'"),
        (table(WHOLE, "id,p_no,p_yes"), "it needs a column record .* the file has id, p_no, p_yes"),
        ("<html>no</html>", "wrote "),
        ("", r"wrote an empty file to \{answers\}"),
    ],
)
def test_what_is_wrong_with_answers_is_named(folder, content, says):
    with pytest.raises(AuditError, match=says) as told:
        trained(writing(content))
    assert str(told.value).startswith("model command sh ")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("true {train} {query} {answers}", r"model command true wrote no file to \{answers\}"),
        (counting("echo careful >&2; echo no model >&2; exit 3 # {train} {query} {answers}"), "exit code 3: no model"),
        ("sleep 30 {train} {query} {answers}", r"took more than 0\.5 seconds and was stopped; .* --model-timeout"),
    ],
)
def test_a_program_that_fails_is_told_in_one_sentence(folder, command, says):
    with pytest.raises(AuditError, match=says):
        trained(command.replace("sleep 30", "sh -c 'sleep 30' x"), timeout=0.5 if "sleep" in command else 60)
    assert not list(default_store_folder().rglob("*.lock"))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("./model.sh {train} {query}", r"names no \{answers\}, to which it must write"),
        ("./model.sh {train} {query} {answers} {retain}", r"names \{retain\}, which is unknown"),
        ("./model.sh {train.xlsx} {query} {answers}", r"\{train\.xlsx\}; files are written as \.parquet or \.csv"),
        ("'./model.sh {train} {query} {answers}", "cannot be read"),
        ("{train} {query} {answers}", "names no program; write one like"),
        ("./model.sh {train} {query} {answers}", "cannot be run: there is no file ./model.sh; check the command"),
        ("./model.sh", "is not a name; if it is a program, say what it is given"),
    ],
)
def test_a_command_that_cannot_be_is_refused_before_anything_is_trained(folder, command, says):
    with pytest.raises(AuditError, match=says):
        resolve_model(command)


def test_a_time_limit_is_of_a_program():
    with pytest.raises(AuditError, match="--model-timeout is for a program"):
        resolve_model("decision-tree", timeout=3)


def test_an_edited_program_is_another_model_and_where_it_runs_is_not(folder, monkeypatch):
    before = resolve_model(PERL)
    assert before.unknown == ("the model command means.pl runs code that cannot be traced",)
    assert needs_measuring(before)
    assert resolve_model(PERL, timeout=3).fingerprint == before.fingerprint
    (folder / "means.pl").write_text(MEANS + "# edited\n")
    assert resolve_model(PERL).fingerprint != before.fingerprint
    (folder / "means.pl").write_text(MEANS)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "means.pl").write_text(MEANS)
    monkeypatch.chdir(elsewhere)
    assert resolve_model(PERL).fingerprint == before.fingerprint


def test_a_file_that_names_a_program_runs_it_only_where_that_is_allowed(tmp_path):
    path = tmp_path / "audit.yaml"
    path.write_text(f"target: {{model: '{PERL}', timeout: 5}}\n")
    with pytest.raises(AuditError, match="would run third-party code"):
        read_config(path)
    config = read_config(path, allow_code=True)
    assert (config.target.model, config.target.timeout) == (PERL, 5)
    assert config.shadow_side.timeout == 5
    assert "timeout" not in config.model_dump()["target"]
    with pytest.raises(AuditError, match=r"target\.timeout"):
        build_config({"target": {"timeout": 0}})


def test_a_program_ends_with_the_process_that_runs_it(folder):
    program = "sh -c 'echo $$ > pid; exec sleep 60' x {train} {query} {answers}"
    code = f"""
import numpy as np
from unlearn_audit import ProgramClassifier
ProgramClassifier({program!r}).fit(np.zeros((4, 1)), [0, 1, 0, 1])
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    pid = folder / "pid"
    while not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.05)
    process.kill()
    process.wait()
    number = int(pid.read_text())
    for _ in range(200):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the program still runs")


def test_an_audit_of_a_program_says_what_one_of_the_same_model_says(folder):
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    sizes = {"shadow_worlds": 2, "target_worlds": 2, "train_size": 40, "deletions": 5, "unseen": 2, "references": 5}
    of_rows = {"attacks": [], "features": ["sorted-diff"], "attack_models": ["logistic-regression"]}
    result = audit(PERL, X, y, name="iris", **sizes, **of_rows, store=folder / "store", regime="same-seed")
    assert (result.findings.model, result.findings.regime) == ("means.pl", "same-seed")
    again = audit(PERL, X, y, name="iris", **sizes, **of_rows, store=folder / "store", regime="same-seed", jobs=2)
    assert again.findings.leading().auc == result.findings.leading().auc
    for side in ("shadow", "target"):
        one, two = (of.observations[side].posteriors for of in (result, again))
        assert np.array_equal(one, two)
    assert not list((folder / "store").rglob("*.lock"))


def test_an_audit_of_a_program_that_gives_labels_says_so_and_attacks_labels(folder):
    (folder / "label.awk").write_text(
        'FNR == 1 { file++; if (file == 2) print "record,label"; next }\n'
        'file == 1 { gsub(/"/, ""); if ($3 > most[$2]) most[$2] = $3; next }\n'
        '{ print $1 "," ($2 > most["0"] ? 1 : 0) }\n'
    )
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = rng.normal(size=(300, 2)) + y[:, None]
    command = "sh -c 'awk -F, -f label.awk {train.csv} {query.csv} > {answers.csv}'"
    findings = audit(
        command,
        X,
        y,
        shadow_worlds=2,
        target_worlds=2,
        train_size=40,
        deletions=5,
        unseen=5,
        references=0,
        attack_models=["logistic-regression"],
    ).findings
    assert any("gives labels but no probabilities" in note.text for note in findings.notes)
    ran = {result.attack for result in findings.results}
    assert ran
    assert "l-diff" not in ran
