"""The user's own method as a program: what it is given, what it may write, and how each failure is named."""

import json
import shlex
import stat
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from unlearn_audit.config import UnlearningConfig, build_config, read_config
from unlearn_audit.data.base import Dataset
from unlearn_audit.errors import AuditError
from unlearn_audit.models import resolve_model
from unlearn_audit.models.networks import TorchClassifier
from unlearn_audit.models.posteriors import query
from unlearn_audit.models.regimes import Regime
from unlearn_audit.unlearning import code_of, exchange, measure_method, options_of, unlearner_for
from unlearn_audit.utils.temporary import default_store_folder
from unlearn_audit.worlds.design import Request

NOBODY = np.arange(0)
COPY = "cp {original} {unlearned}"
posix = pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")
pytestmark = posix


def made(n=60, classes=("no", "maybe", "yes"), width=4):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, width)).astype(np.float32)
    y = np.arange(n) % len(classes)
    X[:, 0] += 2 * y
    return Dataset("made", X, y, np.arange(len(classes)), classes, 100 + np.arange(n))


def linear(n_features, n_classes):
    return nn.Linear(n_features, n_classes)


def network():
    return make_pipeline(StandardScaler(), TorchClassifier(linear, epochs=2, batch_size=20))


def answers(trained):
    return query(trained.model, trained.data.X, trained.data.class_values, trained.source.name)


class Case:
    """A trained original, and commands that unlearn from it."""

    def __init__(self, model, data, tmp_path):
        self.source, self.data, self.folder = resolve_model(model), data, tmp_path
        self.original = self.method(COPY).learn(self.source, data, np.arange(40), seed=1)

    def method(self, command, timeout=60):
        config = UnlearningConfig.model_validate({"command": command, "timeout": timeout})
        return unlearner_for(config, self.source, Regime.SAME_SEED)[0]

    def unlearn(self, command, deleted=(3, 5), timeout=60):
        request = Request(np.array(deleted), NOBODY)
        return self.method(command, timeout).unlearn(self.original, request, seed=2)

    def keeping(self, names):
        """Return a command that keeps the files of some names, and where they are kept."""
        kept = self.folder / "kept"
        kept.mkdir(exist_ok=True)
        copies = "; ".join(f"cp {{{name}}} {kept}/{name}; stat -c %a {{{name}}} >> {kept}/modes" for name in names)
        return f"sh -c {shlex.quote(f'{copies}; cp {{original}} {{unlearned}}; echo {{seed}} > {kept}/seed')}", kept

    def writing(self, write, suffix=""):
        """Return a command that writes what a function writes to a path."""
        path = self.folder / "written"
        write(path)
        return f"sh -c {shlex.quote(f'cp {path} {{unlearned}}{suffix} # {{query}}')}"

    def shell(self, code):
        return f"sh -c {shlex.quote(code + ' # {original} {unlearned}')}"


@pytest.fixture
def table(tmp_path):
    return Case(GaussianNB(), made(), tmp_path)


@pytest.fixture
def net(tmp_path):
    return Case(network(), made(), tmp_path)


def test_a_program_gets_records_and_posteriors(table):
    command, kept = table.keeping(["original", "forget", "retain", "query"])
    after = table.unlearn(command)
    data, rows = table.data, [i for i in range(40) if i not in (3, 5)]
    forget, retain, asked, original = (
        pq.read_table(kept / of).to_pandas() for of in ("forget", "retain", "query", "original")
    )
    features = ["x0", "x1", "x2", "x3"]
    assert list(forget.columns) == ["record", "label", *features]
    assert forget["record"].tolist() == [103, 105]
    assert retain["record"].tolist() == data.record_ids[rows].tolist()
    assert np.array_equal(retain[features].to_numpy(), data.X[rows])
    assert retain["label"].tolist() == data.y[rows].tolist()
    # every record, in the order of the dataset, and nothing that tells what it is
    assert list(asked.columns) == ["record", *features]
    assert asked["record"].tolist() == data.record_ids.tolist()
    assert list(original.columns) == ["record", *features, "p_no", "p_maybe", "p_yes"]
    assert np.array_equal(original[["p_no", "p_maybe", "p_yes"]].to_numpy(), answers(table.original))
    assert (kept / "seed").read_text().strip() == "1"  # the original's, in this regime
    assert set((kept / "modes").read_text().split()) == {"600"}
    assert np.array_equal(answers(after), answers(table.original))
    assert after.training.tolist() == rows
    assert not list(default_store_folder().rglob("*"))


def test_a_program_gets_weights_and_what_the_module_takes(net):
    command, kept = net.keeping(["original", "forget", "query"])
    after = net.unlearn(command)
    module = net.original.model[-1].module_
    weights = load_file(kept / "original")
    assert weights.keys() == module.state_dict().keys()
    assert all(torch.equal(weights[name], of) for name, of in module.state_dict().items())
    with safe_open(kept / "original", "pt") as file:
        about = file.metadata()
    assert json.loads(about["classes"]) == ["no", "maybe", "yes"]
    assert about["architecture"] == "Linear"
    assert json.loads(about["input_shape"]) == [4]
    forget = pq.read_table(kept / "forget").to_pandas()
    taken = net.original.model[0].transform(net.data.X[[3, 5]])
    assert np.allclose(forget[["x0", "x1", "x2", "x3"]].to_numpy(), taken)
    assert forget["label"].tolist() == net.data.y[[3, 5]].tolist()
    assert np.array_equal(answers(after), answers(net.original))


def test_a_program_changes_the_weights_of_a_copy(net):
    before, own = answers(net.original), net.original.model[-1].module_
    doubled = {name: 2 * of for name, of in own.state_dict().items()}
    after = net.unlearn(net.writing(lambda path: save_file(doubled, path)))
    assert np.array_equal(answers(net.original), before)
    logits = 2 * own(torch.from_numpy(net.original.model[0].transform(net.data.X)).float())
    assert np.allclose(answers(after), logits.softmax(dim=1).detach().numpy(), atol=1e-6)


def posteriors(n=60):
    """Posteriors of the records, in an order of their own."""
    p = np.linspace(0, 0.5, n)
    return pd.DataFrame({"record": 100 + np.arange(n)[::-1], "p_yes": p, "p_no": 0.5 - p, "p_maybe": 0.5})


def as_npz(frame, path):
    with path.open("wb") as stream:
        np.savez(stream, record=frame["record"], posteriors=frame.iloc[:, 1:], classes=["yes", "no", "maybe"])


WRITES = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "parquet": lambda frame, path: frame.to_parquet(path),
    "json lines": lambda frame, path: frame.to_json(path, orient="records", lines=True),
    "npz": as_npz,
}


@pytest.mark.parametrize(("form", "suffix"), [*((form, "") for form in WRITES), ("npz", ".npz")])
def test_posteriors_are_taken_in_every_format_by_id_and_name(table, form, suffix):
    after = table.unlearn(table.writing(lambda path: WRITES[form](posteriors(), path), suffix))
    p = np.linspace(0, 0.5, 60)[::-1]
    assert np.allclose(answers(after), np.column_stack([0.5 - p, np.full(60, 0.5), p]), atol=1e-6)
    # whatever is asked, in any order
    some = np.array([7, 50, 3])
    assert np.array_equal(query(after.model, made().X[some], np.arange(3), "m"), answers(after)[some])


def test_a_program_for_a_network_may_write_posteriors_too_and_is_asked_again(net):
    after = net.unlearn(net.writing(posteriors().to_parquet))
    assert np.allclose(answers(after)[:, 1], 0.5)
    # a second update starts from what answers for the records
    again = net.method(COPY).unlearn(after, Request(np.array([8]), NOBODY), seed=3)
    assert np.array_equal(answers(again), answers(after))
    with pytest.raises(AuditError, match=r"answered for the records of the dataset, and 1 others are asked; leave out"):
        query(after.model, made().X[:1] + 1, np.arange(3), "m")


def test_records_of_a_data_frame_keep_their_columns(tmp_path):
    frame = pd.DataFrame(made().X, columns=["age", "record", "label", "p_no"])
    case = Case(GaussianNB(), replace(made(), X=frame), tmp_path)
    command, kept = case.keeping(["forget", "original"])
    after = case.unlearn(command)
    columns = list(pq.read_table(kept / "forget").column_names)
    assert columns == ["record", "label", "age", "feature_record", "feature_label", "feature_p_no"]
    assert np.array_equal(answers(after), answers(case.original))


def test_the_files_of_an_original_are_made_once_for_many_requests_and_each_has_its_own(table, monkeypatch):
    kept, calls = table.folder / "paths", []
    monkeypatch.setattr(exchange, "query", lambda *asked: calls.append(1) or query(*asked))
    command = table.shell(f"echo {{original}} >> {kept}; test ! -e {{unlearned}} && cp {{original}} {{unlearned}}")
    requests = [Request(np.array([i]), NOBODY) for i in (3, 5)]
    made_by = list(table.method(command).unlearn_many(table.original, requests, [1, 2]))
    assert len(made_by) == 2
    assert len(calls) == 1
    assert len(set(kept.read_text().split())) == 2
    assert not list(default_store_folder().rglob("*"))


CHANGES_IN_PLACE = """
import struct, sys
original, unlearned, query, sizes = sys.argv[1:]
with open(original, "r+b") as file:
    file.seek(-4, 2)
    last = struct.unpack("<f", file.read())[0]
    file.seek(-4, 2)
    file.write(struct.pack("<f", last + 1))
with open(original, "rb") as file, open(unlearned, "wb") as copy:
    copy.write(file.read())
with open(query, "ab") as file:
    file.write(b"more")
    print(file.tell(), file=open(sizes, "a"))
"""


def test_a_program_that_changes_its_files_changes_those_of_no_other_request(net):
    program, sizes = net.folder / "in_place.py", net.folder / "sizes"
    program.write_text(CHANGES_IN_PLACE)
    command = shlex.join([sys.executable, "-S", str(program), "{original}", "{unlearned}", "{query}", str(sizes)])
    requests = [Request(np.array([i]), NOBODY) for i in (3, 5, 7)]
    together = [answers(of) for of in net.method(command).unlearn_many(net.original, requests, [1, 2, 3])]
    alone = answers(net.unlearn(command))
    assert not np.array_equal(alone, answers(net.original))
    assert all(np.array_equal(of, alone) for of in together)
    assert len(set(sizes.read_text().split())) == 1


FAILS = {
    "ended with exit code 3: a value of feature 2 is bad": f"echo 1 >&2; echo {made().X[0, 2]} is bad >&2; exit 3",
    r"ended with exit code 1: \x1b[2Jgone": "printf 'say\\n\\033[2Jgone\\n\\n' >&2; exit 1",
    "ended with exit code 4 and said nothing": "exit 4",
    "ended with exit code 137": "kill -9 $$",
    "wrote no file to {unlearned}": "true",
    "wrote an empty file to {unlearned}": "touch {unlearned}",
    "wrote several files (unlearned.parquet, unlearned.parquet.npz)": "touch {unlearned} {unlearned}.npz",
    "wrote no file of posteriors: unlearned.csv is not UTF-8 text": "head -c 2000 /dev/urandom > {unlearned}",
    "wrote no file of posteriors: unlearned.csv needs a column record": "echo nonsense > {unlearned}",
    "wrote no file of posteriors: unlearned.parquet cannot be read as Parquet": "head -c 300 {original} > {unlearned}",
    "wrote no file of posteriors: unlearned.npz is not a complete NPZ": "printf 'PK\\003\\004xx' > {unlearned}",
    "wrote no file to {unlearned} ": "mkdir {unlearned}",
}  # fmt: skip


@pytest.mark.parametrize("said", FAILS)
def test_a_failing_program_is_named(table, said):
    with pytest.raises(AuditError) as caught:
        table.unlearn(table.shell(FAILS[said]))
    assert f"unlearning command sh {said.strip()}" in str(caught.value)
    assert not list(default_store_folder().rglob("*"))


WRONG_ROWS = {
    "left out 10 of the 60 records": lambda frame: frame[10:],
    "of which 60 are unknown, and left out 60 of the 60": lambda frame: frame.assign(record=frame["record"] + 1000),
    "holds 1 record ids more than once": lambda frame: pd.concat([frame, frame[:1]]),
    "is nan, which is not a finite number": lambda frame: frame.assign(p_yes=np.nan),
    "sum to 1.5000, not 1": lambda frame: frame.assign(p_maybe=1.0),
    "posteriors of the class 'perhaps'": lambda frame: frame.rename(columns={"p_maybe": "p_perhaps"}),
    "has the unknown column 'score'": lambda frame: frame.assign(score=1),
}


@pytest.mark.parametrize("said", WRONG_ROWS)
def test_wrong_rows_are_named(table, said):
    with pytest.raises(AuditError) as caught:
        table.unlearn(table.writing(WRONG_ROWS[said](posteriors()).to_parquet))
    assert said in str(caught.value)
    assert "unlearning command " in str(caught.value)


def test_other_weights_are_named(net):
    bias = torch.zeros(3)
    for weights, said in (
        ({"weight": torch.zeros(3, 9), "bias": bias}, "another architecture ('weight' has shape (3, 9), in"),
        ({"weight": torch.zeros(3, 4)}, "another architecture ('bias' is missing)"),
        ({"weight": torch.full((3, 4), torch.nan), "bias": bias}, "broken weights ('weight' holds values that are no"),
    ):
        save_file(weights, net.folder / "other.safetensors")
        with pytest.raises(AuditError) as caught:
            net.unlearn(f"cp {net.folder}/other.safetensors {{unlearned}}")
        assert f"wrote {said}" in str(caught.value)
    (net.folder / "cut").write_bytes((net.folder / "other.safetensors").read_bytes()[:-5])
    with pytest.raises(AuditError, match="wrote an incomplete safetensors file"):
        net.unlearn(f"cp {net.folder}/cut {{unlearned}}")
    (net.folder / "text").write_text("a,b\n1,2\n")
    with pytest.raises(AuditError, match=r"wrote neither safetensors nor posteriors: unlearned\.csv needs"):
        net.unlearn(f"cp {net.folder}/text {{unlearned}}")


def test_a_program_that_hangs_is_ended_with_all_that_it_started(table):
    alive = table.folder / "alive"
    began = time.monotonic()
    with pytest.raises(
        AuditError,
        match=r"sh took more than 0.5 seconds and was stopped; give it "
        "more time with --unl",
    ):
        table.unlearn(table.shell(f"(while sleep 0.2; do date > {alive}; done) & sleep 600"), timeout=0.5)
    assert time.monotonic() - began < 60
    alive.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not alive.exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("./nothing.sh {unlearned}", "cannot be run: there is no file ./nothing.sh"),
        ("no-such-program-xyz {unlearned}", "cannot be run: no program no-such-program-xyz is found in PATH"),
        ("./plain.txt {unlearned}", "cannot be run: ./plain.txt is not executable"),
        ("./folder {unlearned}", "cannot be run: ./folder is a folder"),
        ("cp {original} {unlernt}", "names {unlernt}, which is unknown; use some of {original}"),
        ("cp {original} elsewhere", "names no {unlearned}"),
        ("cp '{original} {unlearned}", "cannot be read (No closing quotation)"),
        ("", "names no program"),
        ("{original} {unlearned}", "names no program"),
    ],
)
def test_a_command_that_cannot_be_is_refused_before_anything_is_trained(tmp_path, monkeypatch, command, said):
    monkeypatch.chdir(tmp_path)
    Path("plain.txt").write_text("text")
    Path("folder").mkdir()
    config = UnlearningConfig.model_validate({"command": command})
    with pytest.raises(AuditError) as caught:
        unlearner_for(config, resolve_model(GaussianNB()), Regime.FIXED)
    assert said in str(caught.value)


def test_what_the_system_cannot_start_is_told(table):
    path = table.folder / "no-interpreter"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(AuditError, match=r"no-interpreter cannot be run \(No such file or directory\)"):
        table.unlearn(f"{path} {{original}} {{unlearned}}")


def test_a_folder_that_is_gone_is_told(table):
    method = table.method(COPY)
    method = replace(method, program=replace(method.program, folder=table.folder / "gone"))
    with pytest.raises(AuditError, match=r"command cp cannot be run \(there is no folder .*gone to run it in\)"):
        method.unlearn(table.original, Request(np.array([3]), NOBODY), seed=2)


def test_a_command_in_a_folder_that_is_gone_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    config = UnlearningConfig.model_validate({"command": COPY})
    with pytest.raises(AuditError, match=r"command cp cannot be run: the working folder no longer exists; start"):
        unlearner_for(config, resolve_model(GaussianNB()), Regime.FIXED)


def test_a_model_without_weights_needs_records_to_answer_for(table):
    with pytest.raises(AuditError, match=r"given no records to answer for, .*name \{original\} or \{query\}"):
        table.unlearn("cp {retain} {unlearned}")


def test_without_safetensors_the_extra_is_named(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(AuditError, match=r"needs safetensors, .*pip install 'unlearn-audit\[torch\]'"):
        net.unlearn(COPY)


def test_everything_is_refused_and_a_class_is_told(table):
    with pytest.raises(AuditError, match="deletes all 40 training records"):
        table.unlearn(COPY, deleted=range(40))
    after = table.unlearn(COPY, deleted=[i for i in range(40) if i % 3 == 1])
    assert list(after.warnings) == ["WholeClassWarning: a request forgets every training record of maybe"]


def test_a_command_in_a_configuration():
    config = build_config({"unlearning": {"command": COPY, "timeout": 5}})
    assert config.unlearning.method == "command"
    assert config.model_dump()["unlearning"] == {"method": "command", "command": COPY, "timeout": 5.0}
    assert build_config(config.model_dump()) == config
    assert options_of(config.unlearning).timeout == 5
    assert {"command", "timeout"}.isdisjoint(build_config({}).model_dump()["unlearning"])
    with pytest.raises(AuditError, match=r"unlearning\.timeout: .*greater than 0"):
        options_of(build_config({"unlearning": {"command": COPY, "timeout": 0}}).unlearning)
    with pytest.raises(AuditError, match="unlearning method retrain has no option 'command'"):
        options_of(build_config({"unlearning": {"method": "retrain", "command": COPY}}).unlearning)


def test_a_file_that_names_a_command_is_code_of_others(tmp_path):
    path = tmp_path / "audit.yaml"
    path.write_text(json.dumps({"unlearning": {"command": COPY}}))
    with pytest.raises(AuditError, match=r"would run third-party code \(unlearning.command: cp \{original\}"):
        read_config(path)
    assert read_config(path, allow_code=True).unlearning.command == COPY
    assert read_config(path, {"unlearning": {"command": COPY}}).unlearning.command == COPY
    with pytest.raises(AuditError, match="would run third-party code"):
        read_config(path, {"unlearning": {"timeout": 3}})


def test_what_a_command_runs_cannot_be_followed_but_its_files_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("forget.sh").write_text("one")
    config = UnlearningConfig.model_validate({"command": "./forget.sh {unlearned}"})
    one = code_of(config)
    assert one.unknown == ("the unlearning command forget.sh runs code that cannot be traced",)
    Path("forget.sh").write_text("two")
    assert code_of(config).digest != one.digest


def test_draws_that_cannot_be_seeded_are_seen(table):
    paths = [table.folder / name for name in "01"]
    for path, yes in zip(paths, (0.25, 0.5), strict=True):
        posteriors().assign(p_yes=yes, p_no=0.5 - yes).to_csv(path, index=False)
    count = table.folder / "count"
    turns = f"echo >> {count}; cp {table.folder}/$(( $(wc -l < {count}) % 2 )) {{unlearned}}"
    drawn = [
        measure_method(table.method(command), table.source, table.data, np.arange(40), seed=0)
        for command in (COPY, table.shell(turns))
    ]
    assert drawn == [0, 0.25]


def test_a_program_may_ask_for_csv(table):
    kept = table.folder / "kept.csv"
    command = f"sh -c {shlex.quote(f'cp {{forget.csv}} {kept}; cp {{original.csv}} {{unlearned.csv}}')}"
    assert np.allclose(answers(table.unlearn(command)), answers(table.original), atol=1e-6)
    assert pd.read_csv(kept)["record"].tolist() == [103, 105]
    with pytest.raises(AuditError, match=r"names \{forget\.xlsx\}; files are written as \.parquet or \.csv"):
        table.unlearn("cp {forget.xlsx} {unlearned}")


def test_records_with_one_id_are_two_to_a_program(tmp_path):
    case = Case(GaussianNB(), replace(made(), record_ids=np.arange(60) // 2), tmp_path)
    assert np.array_equal(answers(case.unlearn(COPY)), answers(case.original))
