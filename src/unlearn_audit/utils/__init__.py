"""What every room may use and what knows of none: files, seeds, threads, progress, arithmetic of probabilities."""
