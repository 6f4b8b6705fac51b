"""What two versions tell of a value that was corrected between them (GDPR, article 16)."""
