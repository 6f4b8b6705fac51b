"""Attacks that fit a classifier on shadow worlds."""
