"""Wiring of the engines and the running of turns."""
