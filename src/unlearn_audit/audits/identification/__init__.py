"""Who was deleted: a register ranked by how well each deletion explains the change; records read off weights."""
