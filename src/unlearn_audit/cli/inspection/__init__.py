"""What a file or folder is, seen from its first bytes and rows, and which command fits it."""
