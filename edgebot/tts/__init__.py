"""Text-to-speech engines, one file an engine, and the wording of written text for speech."""
