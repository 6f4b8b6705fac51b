"""Files, functions and programs as versions: what each answers, and what is refused."""

import importlib.metadata
import sys
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from torch import nn

from unlearn_audit import AuditError, query
from unlearn_audit.utils import doors
from unlearn_audit.versions import Asking, Kind, Records, Replies, Version, kind_of
from unlearn_audit.versions.kinds import REGISTRY

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(60, 3)).astype(np.float32), columns=["a", "b", "c"])
Y = np.array(["no", "yes"])[(X["a"] + 0.3 * RNG.normal(size=60) > 0).astype(int)]
RECORDS = Records(pa.Table.from_pandas(X, preserve_index=False))


def asked(text, **given):
    with kind_of(str(text)).opened(str(text), Asking(**given)) as version:
        return version.ask(RECORDS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestOnnx:
    @pytest.fixture(autouse=True)
    def _libraries(self):
        pytest.importorskip("onnxruntime")
        pytest.importorskip("skl2onnx")

    def written(self, folder, types, zipmap=True, model=None):
        from skl2onnx import to_onnx

        model = (model or LogisticRegression()).fit(X.to_numpy(), Y)
        options = {type(model): {"zipmap": zipmap}}
        content = to_onnx(model, initial_types=types, options=options).SerializeToString()
        (folder / "model.onnx").write_bytes(content)
        return folder / "model.onnx", model

    def test_a_zip_map_names_the_classes(self, folder):
        from skl2onnx.common.data_types import FloatTensorType

        path, model = self.written(folder, [("X", FloatTensorType([None, 3]))])
        found = asked(path)
        assert found.classes == ("no", "yes")
        assert np.allclose(found.values, model.predict_proba(X.to_numpy()), atol=1e-5)

    def test_a_tensor_of_probabilities_is_told_from_the_labels(self, folder):
        from skl2onnx.common.data_types import FloatTensorType

        path, model = self.written(folder, [("X", FloatTensorType([None, 3]))], zipmap=False)
        found = asked(path)
        assert found.classes is None
        assert np.allclose(found.values, model.predict_proba(X.to_numpy()), atol=1e-5)

    def test_one_input_a_column(self, folder):
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
        from sklearn.compose import make_column_transformer
        from sklearn.pipeline import make_pipeline

        model = make_pipeline(make_column_transformer(("passthrough", ["c", "a"])), GaussianNB()).fit(X, Y)
        types = [(name, FloatTensorType([None, 1])) for name in ("a", "c")]
        content = to_onnx(model, initial_types=types).SerializeToString()
        (folder / "model.onnx").write_bytes(content)
        assert np.allclose(asked(folder / "model.onnx").values, model.predict_proba(X), atol=1e-5)
        with (
            kind_of("model.onnx").opened("model.onnx", Asking()) as version,
            pytest.raises(AuditError, match="none called c; they have a, b"),
        ):
            version.ask(Records(RECORDS.table.drop_columns(["c"])))

    def test_what_does_not_fit_is_refused(self, folder):
        from skl2onnx.common.data_types import FloatTensorType

        path, _ = self.written(folder, [("X", FloatTensorType([None, 3]))])
        with kind_of(str(path)).opened(str(path), Asking()) as version:
            with pytest.raises(AuditError, match="takes 3 features and the records have 2"):
                version.ask(Records(RECORDS.table.drop_columns(["c"])))
            texts = Records(pa.table({"a": ["x"], "b": ["y"], "c": ["z"]}))
            with pytest.raises(AuditError, match=r"takes numbers .* column 'a' holds none"):
                version.ask(texts)
        path.write_bytes(path.read_bytes()[:50])
        with pytest.raises(AuditError, match="cannot be opened as ONNX"):
            asked(path)


def test_onnx_without_its_library_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr("unlearn_audit.versions.onnx.find_spec", lambda name: None)
    (folder / "model.onnx").write_bytes(b"x")
    with pytest.raises(AuditError, match=r"needs onnxruntime, which is not installed; .*unlearn-audit\[onnx\]"):
        asked("model.onnx")


NET = "from torch import nn\ndef make(n_features, n_classes):\n    return nn.Linear(n_features, n_classes)\n"
CLASSES = {"classes": ("no", "yes"), "module": "net.py:make"}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".nested.pth"])
def test_weights_and_their_module(folder, suffix):
    from safetensors.torch import save_file

    (folder / "net.py").write_text(NET)
    module = nn.Linear(3, 2)
    path = folder / f"model{suffix}"
    state = module.state_dict()
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state, "epoch": 3} if "nested" in suffix else state, path)
    found = asked(path, **CLASSES)
    with torch.no_grad():
        assert np.allclose(found.values, module(torch.from_numpy(X.to_numpy(copy=True))).softmax(dim=1), atol=1e-6)


def test_logits_of_weights_are_normalised_once(folder, tmp_path):
    (folder / "net.py").write_text(NET)
    torch.save(nn.Linear(3, 2).state_dict(), "model.pt")
    given = {"classes": CLASSES["classes"], "module": CLASSES["module"]}
    one = query(X, "model.pt", "model.pt", tmp_path / "one", **given)
    two = query(X, "model.pt", "model.pt", tmp_path / "two", logits=True, **given)
    assert np.allclose(*(pd.read_parquet(of.before)[["p_no", "p_yes"]] for of in (one, two)))


def test_another_model_in_python_is_another_query(tmp_path):
    models = [LogisticRegression(C=c).fit(X, Y) for c in (1.0, 0.1, 0.01)]
    query(X, models[0], models[1], tmp_path / "out")
    with pytest.raises(AuditError, match="holds another run"):
        query(X, models[0], models[2], tmp_path / "out")


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_weights_that_hold_more_are_refused_and_nothing_of_them_is_run(folder, capfd):
    torch.save({"a": Evil()}, folder / "evil.pt")
    torch.save(nn.Linear(3, 2), folder / "module.pt")
    torch.save({"a": 1}, folder / "numbers.pt")
    (folder / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    for name in ("evil.pt", "module.pt"):
        with pytest.raises(AuditError, match=r"holds more than weights.*; code in files is never run, so save module"):
            asked(name, **CLASSES)
    assert capfd.readouterr().out == ""
    with pytest.raises(AuditError, match=r"holds no tensors by name \(a\); save module.state_dict"):
        asked("numbers.pt", **CLASSES)
    with pytest.raises(AuditError, match="not a complete file of safetensors"):
        asked("cut.safetensors", **CLASSES)


def test_weights_need_a_module_that_they_fit(folder):
    (folder / "net.py").write_text(NET + "def other():\n    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))\n")
    torch.save(nn.Linear(3, 2).state_dict(), "model.pt")
    with pytest.raises(AuditError, match="name the code that makes their module, as --module"):
        asked("model.pt")
    with pytest.raises(AuditError, match="asks for n_classes; name the classes with --classes"):
        asked("model.pt", module="net.py:make")
    with pytest.raises(AuditError, match=r"does not fit net.py:other: 4 of its 4 weights are missing and 2 unknown"):
        asked("model.pt", module="net.py:other")
    with pytest.raises(AuditError, match=r"does not fit net.py:make: 0 of its 2 weights are missing"):
        asked("model.pt", module="net.py:make", classes=("a", "b", "c"))


def test_a_function_that_returns_a_fitted_model(folder):
    (folder / "mine.py").write_text(
        "import numpy as np\n"
        "class Model:\n    classes_ = ['no', 'yes']\n"
        "    def predict_proba(self, X):\n"
        "        p = 1 / (1 + np.exp(-X['a'].to_numpy()))\n        return np.c_[1 - p, p]\n"
        "class Labels:\n    def predict(self, X):\n        return np.where(X['a'] > 0, 'yes', 'no')\n"
        "def nothing():\n    return 3\n"
    )
    found = asked("mine.py:Model")
    assert found.classes == ("no", "yes")
    assert np.allclose(found.values[:, 1], 1 / (1 + np.exp(-X["a"])))
    assert asked("mine.py:Labels").labels.tolist() == np.where(X["a"] > 0, "yes", "no").tolist()
    with pytest.raises(AuditError, match="is a int without predict_proba or predict"):
        asked("mine.py:nothing")


@pytest.mark.skipif(sys.platform == "win32", reason="runs programs of POSIX")
def test_a_program_answers_for_a_file(folder):
    (folder / "answer.awk").write_text(
        'NR == 1 { print "record,p_no,p_yes"; next }\n{ p = 1 / (1 + exp(-$2)); print $1 "," 1 - p "," p }\n'
    )
    found = asked("sh -c 'awk -F, -v OFMT=%.9g -v CONVFMT=%.9g -f answer.awk {query.csv} > {answers.csv}'")
    assert found.classes == ("no", "yes")
    assert np.allclose(found.values[:, 1], 1 / (1 + np.exp(-X["a"])), atol=1e-6)
    with pytest.raises(AuditError, match="command false ended with exit code 1"):
        asked("false {query} {answers}")
    with pytest.raises(AuditError, match=r"names \{train\}, which is unknown"):
        asked("true {train} {query} {answers}")


def test_models_in_python_are_versions_too(tmp_path):
    before, after = (LogisticRegression(C=c).fit(X, Y) for c in (1.0, 0.1))
    result = query(X.assign(id=range(60)), before, after, tmp_path / "out", record="id")
    assert np.array_equal(pd.read_parquet(result.after)[["p_no", "p_yes"]].to_numpy(), after.predict_proba(X))
    assert result.classes == ("no", "yes")


def test_versions_whose_classes_differ_get_those_of_both(tmp_path):
    two, three = Y.copy(), np.where(X["b"] > 1, "maybe", Y)
    before, after = (LogisticRegression().fit(X, y) for y in (two, three))
    result = query(X, before, after, tmp_path / "out")
    assert result.classes == ("maybe", "no", "yes")
    assert (pd.read_parquet(result.before)["p_maybe"] == 0).all()


def test_what_names_no_version_is_told_what_does():
    with pytest.raises(AuditError, match=r"model\.joblib names no version of a model; give one of these: an address"):
        kind_of("model.joblib")


class Constant(Version):
    where, identity, batch = "constant", {}, 10

    def ask(self, records):
        return Replies(values=np.full((len(records), 2), 0.5), classes=("no", "yes"))


class ConstantKind(Kind):
    about = "the word constant"

    def takes(self, text):
        return text == "constant"

    @contextmanager
    def opened(self, text, asking):
        yield Constant()


def test_a_kind_of_another_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    package = type(sys)("constant_package")
    package.ConstantKind = ConstantKind
    monkeypatch.setitem(sys.modules, "constant_package", package)
    point = importlib.metadata.EntryPoint("constant", "constant_package:ConstantKind", "unlearn_audit.versions")
    monkeypatch.setattr("unlearn_audit.utils.registry.installed", lambda group: {"constant": point})
    assert "constant" in REGISTRY.names
    assert doors.package_of(point) == "constant_package"
    result = query(X, "constant", "constant", tmp_path / "out")
    assert result.classes == ("no", "yes")
