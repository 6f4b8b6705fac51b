"""Methods that need no training loop: exact down-dates, and Newton steps with a certificate."""
