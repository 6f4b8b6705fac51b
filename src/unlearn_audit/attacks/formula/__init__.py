"""Attacks that are a formula of the answers."""
