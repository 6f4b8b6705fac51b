"""An unlearning method as a separate program, for any model: it writes answers, here by the nearest class mean.

unlearn-audit run --dataset digits --unlearning-command "examples/forget.sh {original} {forget} {retain} {unlearned}"
"""

import sys

import numpy as np
from pyarrow import table
from pyarrow.parquet import read_table, write_table

original, forget, retain, unlearned = sys.argv[1:]
everyone, rest = read_table(original), read_table(retain)
classes = [name for name in everyone.column_names if name.startswith("p_")]  # in the order that `label` counts them
features = [name for name in rest.column_names if name not in ("record", "label")]
X, Z = (np.column_stack([of[name] for name in features]) for of in (everyone, rest))
label = rest["label"].to_numpy()
means = np.array([Z[label == code].mean(axis=0) for code in range(len(classes))])  # every class is retained
far = np.square(X[:, None] - means).sum(axis=2)
near = np.exp((far.min(axis=1, keepdims=True) - far) / far.mean())
answers = near / near.sum(axis=1, keepdims=True)
write_table(table({"record": everyone["record"], **dict(zip(classes, answers.T, strict=True))}), unlearned)
