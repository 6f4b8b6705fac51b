"""A network under skorch: a function that makes it, so that its weights are redrawn in every world."""

from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier
from torch import nn

from unlearn_audit import audit


def network():
    module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(dim=1))
    return NeuralNetClassifier(module, max_epochs=15, lr=0.1, train_split=None, verbose=0)


X, y = load_digits(return_X_y=True)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(network, X.astype("float32") / 16, y, train_size=300, **few)
print(result.findings.verdict.summary)
