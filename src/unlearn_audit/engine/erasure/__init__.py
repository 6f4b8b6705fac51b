"""Erasing people from audits: what is removed, and a search of every file for what is left."""
