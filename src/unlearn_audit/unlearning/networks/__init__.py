"""Unlearning methods for neural networks: one file a method, each a sequence of phases of training.

A method says what is trained on (`steps.Phase`), and `base.NetworkMethod` does it: for one request by the plain loop
(`loop`), for many requests to one original by one loop over stacked weights (`together`). No method trains by itself,
so whatever one can do, both loops do.
"""
