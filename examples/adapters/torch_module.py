"""A PyTorch module: a function of n_features and n_classes; first weights may come from a safetensors file."""

from pathlib import Path

from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from torch import nn

from unlearn_audit import audit

FIRST = Path("first.safetensors")
save_file(nn.Linear(64, 16).state_dict(), FIRST)


def network(n_features, n_classes):
    body = nn.Linear(n_features, 16)
    body.load_state_dict(load_file(FIRST))
    return nn.Sequential(body, nn.ReLU(), nn.Linear(16, n_classes))


X, y = load_digits(return_X_y=True)
few = {"shadow_worlds": 3, "target_worlds": 3, "deletions": 6, "attack_models": ["none"]}
result = audit(network, X.astype("float32"), y, train_size=200, **few)
print(result.findings.verdict.summary)
