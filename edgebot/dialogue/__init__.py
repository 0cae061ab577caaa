"""Dialogue: state, the ladder of answers, skills and their store."""
