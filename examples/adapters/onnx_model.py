"""Two versions as ONNX files are queried with onnxruntime; `release` and `predictions` read the answers."""

from pathlib import Path

from skl2onnx import to_onnx
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from unlearn_audit import query

X, y = load_wine(return_X_y=True, as_frame=True)
for name, rows in (("before", slice(0, None, 2)), ("after", slice(2, None, 2))):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_numpy("float32")[rows], y[rows])
    Path(f"{name}.onnx").write_bytes(to_onnx(model, X.to_numpy("float32")[:1]).SerializeToString())

asked = query(X.assign(label=y), "before.onnx", "after.onnx", "answers", label="label")
print(*asked.sentences, asked.next_command("0", "held-out.txt"), sep="\n")
