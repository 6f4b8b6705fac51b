"""An unlearning method as a separate program, for networks: weights in, weights out. Noise alone hides little.

unlearn-audit run --dataset digits --model torch-mlp \
    --unlearning-command "python examples/forget_weights.py {original} {unlearned} {seed}"
"""

import sys

import numpy as np
from safetensors.numpy import load_file, save_file

original, unlearned, seed = sys.argv[1:]
rng = np.random.default_rng(int(seed))
weights = load_file(original)
noisy = {name: of + rng.normal(scale=0.001, size=of.shape).astype(of.dtype) for name, of in weights.items()}
save_file(noisy, unlearned)
