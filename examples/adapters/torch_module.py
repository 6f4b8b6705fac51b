"""A PyTorch module: a function of n_features and n_classes; first weights may come from a safetensors file."""

import tempfile
from pathlib import Path

from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits
from torch import nn

from unlearn_audit import audit

FIRST = Path(tempfile.mkdtemp()) / "first.safetensors"
save_file(nn.Linear(64, 16).state_dict(), FIRST)


def network(n_features, n_classes):
    body = nn.Linear(n_features, 16)
    body.load_state_dict(load_file(FIRST))
    return nn.Sequential(body, nn.ReLU(), nn.Linear(16, n_classes))


X, y = load_digits(return_X_y=True)
result = audit(network, X.astype("float32"), y, shadow_worlds=3, target_worlds=3, deletions=4, train_size=200)
print(result.findings.verdict)
