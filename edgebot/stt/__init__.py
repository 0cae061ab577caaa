"""Speech-to-text engines, one file an engine."""
