"""Texts, which the pipeline itself turns into a sparse matrix; a scipy.sparse matrix may also be given as X."""

from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from unlearn_audit import audit

images, labels = load_digits(n_class=4, return_X_y=True)
# scikit-learn ships no texts: each image becomes the words of its dark places
texts = [" ".join(f"place{i}" for i, dark in enumerate(image > 8) if dark) for image in images]
model = make_pipeline(TfidfVectorizer(), LogisticRegression())
sparse = TfidfVectorizer().fit_transform(texts)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
for name, of, X in (("texts", model, texts), ("sparse", LogisticRegression(), sparse)):
    result = audit(of, X, labels, name=name, train_size=150, **few)
    print(name, result.findings.verdict.summary)
