"""Two versions as weights: safetensors, or torch.save of a state_dict. `Net` makes the module that they belong to."""

import torch
from safetensors.torch import save_file
from sklearn.datasets import load_iris

from unlearn_audit import query


class Net(torch.nn.Linear):
    """Takes the 4 columns of iris and returns 3 logits."""

    def __init__(self) -> None:
        super().__init__(4, 3)


if __name__ == "__main__":
    X, y = load_iris(return_X_y=True, as_frame=True)
    weights = torch.manual_seed(0) and Net().state_dict()
    save_file(weights, "before.safetensors")
    torch.save({name: 0.99 * of for name, of in weights.items()}, "after.pt")
    versions = "before.safetensors", "after.pt"
    asked = query(X.assign(label=y), *versions, "answers", label="label", module=f"{__file__}:Net")
    print(*asked.sentences, asked.next_command(), sep="\n")
