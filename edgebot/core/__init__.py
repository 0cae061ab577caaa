"""The vocabulary every other package speaks: messages, ports, turns, channels, errors.

Imports nothing but the standard library and numpy.
"""
