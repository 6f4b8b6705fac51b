"""The audits: of membership (was this record deleted?), of one release, and of identification (who was it?)."""
