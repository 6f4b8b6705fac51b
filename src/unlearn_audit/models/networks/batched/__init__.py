"""Many networks of one architecture trained at once."""
