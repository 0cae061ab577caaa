"""Measurements: ``python -m benchmarks [PART …]``."""
