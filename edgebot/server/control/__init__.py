"""A Unix socket by which programs of the same user order the running assistant about."""
