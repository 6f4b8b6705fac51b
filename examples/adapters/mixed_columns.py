"""A DataFrame of texts, categories and numbers, which the model's own ColumnTransformer encodes."""

from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from unlearn_audit import audit

wines = load_wine(as_frame=True).frame
high = wines.drop(columns="target") > wines.drop(columns="target").mean()
wines["note"] = [" ".join(high.columns[row]) for row in high.to_numpy()]
wines["strength"] = ["strong" if alcohol > 13 else "light" for alcohol in wines["alcohol"]]
encoding = make_column_transformer(
    (TfidfVectorizer(), "note"), (OneHotEncoder(), ["strength"]), (StandardScaler(), ["alcohol", "hue"])
)
model = make_pipeline(encoding, LogisticRegression())
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(model, wines, "target", keep=["note"], references=20, **few)
print(result.findings.verdict.summary)
