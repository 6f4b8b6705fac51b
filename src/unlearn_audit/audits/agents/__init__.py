"""The audit of agents that keep what they are told in two places, in a memory and in the weights of a model."""
