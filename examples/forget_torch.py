"""Your own unlearning method for networks: a few steps up the loss of forgotten records, then down that of the rest.

unlearn-audit run --dataset digits --model torch-mlp --unlearning examples/forget_torch.py:ascend
"""

import torch
from torch.nn import functional


def ascend(model, forget, retain, *, rng, recipe):
    optimizer = recipe.make_optimizer(model)
    for _ in range(3):
        batch = torch.from_numpy(rng.permutation(len(retain))[: recipe.batch_size])
        optimizer.zero_grad()
        away = functional.cross_entropy(model(forget.X), forget.y)
        near = functional.cross_entropy(model(retain.X[batch]), retain.y[batch])
        (near - 0.1 * away).backward()
        optimizer.step()
    return model
