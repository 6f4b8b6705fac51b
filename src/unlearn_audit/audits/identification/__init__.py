"""Who it was: a register ranked by how well each deletion explains a change, and records read off weights."""
