"""Model files: the catalogue, fetching, verifying, locking."""
