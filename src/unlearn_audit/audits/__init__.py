"""The questions that can be asked: who was deleted (membership), of one release, and by name (identification)."""
