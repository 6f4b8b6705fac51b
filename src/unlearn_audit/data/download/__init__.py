"""Fetching what a dataset is made of, with checked digests."""
