"""Finished runs side by side: what each found, and by how much they differ where they can be compared."""
