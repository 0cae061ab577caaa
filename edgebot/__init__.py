"""edgebot: a voice assistant that lives entirely on the board."""

__version__ = "0.1.0"
