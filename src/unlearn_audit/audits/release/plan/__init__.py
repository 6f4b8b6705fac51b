"""The least costly way to release updates that keeps to a target."""
