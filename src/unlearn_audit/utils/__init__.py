"""Helpers that know no other room: files, seeds, threads, progress, arithmetic of probabilities."""
