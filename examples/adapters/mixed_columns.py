"""A DataFrame of texts, categories and numbers, which the model's own ColumnTransformer encodes."""

from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from unlearn_audit import audit

wines = load_wine(as_frame=True).frame
wines["note"] = [
    " ".join(name for name in wines.columns[:-1] if row[name] > wines[name].mean()) for _, row in wines.iterrows()
]
wines["strength"] = ["strong" if alcohol > 13 else "light" for alcohol in wines["alcohol"]]
encoding = make_column_transformer(
    (TfidfVectorizer(), "note"), (OneHotEncoder(), ["strength"]), (StandardScaler(), ["alcohol", "hue"])
)
model = make_pipeline(encoding, LogisticRegression())
result = audit(model, wines, "target", keep=["note"], shadow_worlds=3, target_worlds=3, deletions=5, references=20)
print(result.findings.verdict)
