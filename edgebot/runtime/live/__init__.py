"""The listening daemon: its stages on their threads, from the wake word to the spoken answer."""
