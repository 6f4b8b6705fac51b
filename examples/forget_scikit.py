"""Your own unlearning method for scikit-learn models: refit on the retained records.

unlearn-audit run --dataset digits --model decision-tree --unlearning examples/forget_scikit.py:refit
"""


def refit(model, forget, retain, *, rng):  # noqa: ARG001 - refitting needs neither
    return model.fit(retain.X, retain.y)
