"""The audit of Chen et al.: worlds on two sides, attacks fitted on one and measured on the other."""
